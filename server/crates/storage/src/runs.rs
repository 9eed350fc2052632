//! Rotation runs and their steps: intent before the act, outcome after the catalogue was read again.

use crate::error::{During, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use payhist_types::plan::RotationPlan;
use payhist_types::run::{RunOutcome, StepOutcome};
use sqlx::mysql::MySqlConnection;

/// A run as stored.
#[derive(Debug, Clone)]
pub struct StoredRun {
    /// Row id.
    pub id: u64,
    /// Its history.
    pub history_id: u64,
    /// The frozen plan that it applies.
    pub plan: RotationPlan,
    /// Who or what started it.
    pub started_by: String,
    /// When.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it stands.
    pub outcome: RunOutcome,
}

/// A step's record; its table and SQL are in the plan, at `sequence`.
#[derive(Debug, Clone)]
pub struct StoredStep {
    /// Its place in the plan's steps, from 0.
    pub sequence: u32,
    /// How it stands.
    pub outcome: StepOutcome,
    /// How often it was tried.
    pub attempts: u32,
    /// For how long it waited for its lock; `None` for what was not tried, or settled before this was recorded.
    pub wait_ms: Option<u64>,
    /// When its intent was recorded.
    pub intended_at: Option<DateTime<Utc>>,
    /// When its outcome was recorded.
    pub finished_at: Option<DateTime<Utc>>,
    /// Rows counted before a drop.
    pub rows: Option<u64>,
    /// Guard, error or blockers, in words.
    pub detail: Option<String>,
}

/// What became of a step.
#[derive(Debug, Clone)]
pub struct StepResult {
    /// How it ended.
    pub outcome: StepOutcome,
    /// How often it was tried.
    pub attempts: u32,
    /// For how long it waited for its lock, if it was tried.
    pub wait_ms: Option<u64>,
    /// Rows counted before a drop.
    pub rows: Option<u64>,
    /// Guard, error or blockers, in words.
    pub detail: Option<String>,
}

/// Records a run with all its steps, pending or blocked; answers its number.
pub async fn create(
    connection: &mut MySqlConnection,
    history_id: u64,
    plan: &RotationPlan,
    started_by: &str,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let json = serde_json::to_string(plan).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    let inserted = sqlx::query(
        "INSERT INTO rotation_run (history_id, plan_hash, plan, started_by, started_at, outcome) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(history_id)
    .bind(&plan.hash.0)
    .bind(json)
    .bind(started_by)
    .bind(now)
    .bind(RunOutcome::Running.to_string())
    .execute(&mut *connection)
    .await
    .during("create run")?;
    let id = inserted.last_insert_id();
    for (sequence, step) in (0_u32..).zip(&plan.steps) {
        let outcome = if step.is_active() { StepOutcome::Pending } else { StepOutcome::Blocked };
        sqlx::query("INSERT INTO rotation_step (run_id, sequence, outcome) VALUES (?, ?, ?)")
            .bind(id)
            .bind(sequence)
            .bind(outcome.to_string())
            .execute(&mut *connection)
            .await
            .during("create run")?;
    }
    Ok(id)
}

/// Records that a step is about to act.
pub async fn intend(
    connection: &mut MySqlConnection,
    run: u64,
    sequence: u32,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let result = sqlx::query(
        "UPDATE rotation_step SET outcome = 'intended', intended_at = COALESCE(intended_at, ?) \
         WHERE run_id = ? AND sequence = ? AND outcome IN ('pending', 'intended')",
    )
    .bind(now)
    .bind(run)
    .bind(sequence)
    .execute(connection)
    .await
    .during("record intent")?;
    expect_rows(&result, 1, "record intent")
}

/// Records the rows counted before a drop, while they can still be counted.
pub async fn count_rows(
    connection: &mut MySqlConnection,
    run: u64,
    sequence: u32,
    rows: u64,
) -> Result<(), StorageError> {
    let result = sqlx::query("UPDATE rotation_step SET row_count = ? WHERE run_id = ? AND sequence = ?")
        .bind(rows)
        .bind(run)
        .bind(sequence)
        .execute(connection)
        .await
        .during("record rows")?;
    expect_rows(&result, 1, "record rows")
}

/// Records what became of a step.
pub async fn settle(
    connection: &mut MySqlConnection,
    run: u64,
    sequence: u32,
    result: &StepResult,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let updated = sqlx::query(
        "UPDATE rotation_step SET outcome = ?, attempts = attempts + ?, wait_ms = COALESCE(wait_ms + ?, ?, wait_ms), \
         row_count = COALESCE(?, row_count), detail = ?, finished_at = ? \
         WHERE run_id = ? AND sequence = ?",
    )
    .bind(result.outcome.to_string())
    .bind(result.attempts)
    .bind(result.wait_ms)
    .bind(result.wait_ms)
    .bind(result.rows)
    .bind(&result.detail)
    .bind(now)
    .bind(run)
    .bind(sequence)
    .execute(connection)
    .await
    .during("record outcome")?;
    expect_rows(&updated, 1, "record outcome")
}

/// Records how a run ended.
pub async fn finish(
    connection: &mut MySqlConnection,
    run: u64,
    outcome: RunOutcome,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let result =
        sqlx::query("UPDATE rotation_run SET outcome = ?, finished_at = ? WHERE id = ? AND outcome = 'running'")
            .bind(outcome.to_string())
            .bind(now)
            .bind(run)
            .execute(connection)
            .await
            .during("finish run")?;
    expect_rows(&result, 1, "finish run")
}

type RunRow = (u64, u64, String, String, DateTime<Utc>, Option<DateTime<Utc>>, String);

fn read_run(
    (id, history_id, plan, started_by, started_at, finished_at, outcome): RunRow,
) -> Result<StoredRun, StorageError> {
    let unreadable = |what: &str| StorageError::Inconsistent(format!("{what} of rotation run {id} cannot be read"));
    Ok(StoredRun {
        id,
        history_id,
        plan: serde_json::from_str(&plan).map_err(|_| unreadable("the plan"))?,
        started_by,
        started_at,
        finished_at,
        outcome: outcome.parse().map_err(|_| unreadable("the outcome"))?,
    })
}

/// One run.
pub async fn find(connection: &mut MySqlConnection, id: u64) -> Result<Option<StoredRun>, StorageError> {
    let row: Option<RunRow> = sqlx::query_as(
        "SELECT id, history_id, plan, started_by, started_at, finished_at, outcome FROM rotation_run WHERE id = ?",
    )
    .bind(id)
    .fetch_optional(connection)
    .await
    .during("run")?;
    row.map(read_run).transpose()
}

/// The newest runs of a history.
pub async fn newest(
    connection: &mut MySqlConnection,
    history_id: u64,
    limit: u32,
) -> Result<Vec<StoredRun>, StorageError> {
    let rows: Vec<RunRow> = sqlx::query_as(
        "SELECT id, history_id, plan, started_by, started_at, finished_at, outcome FROM rotation_run \
         WHERE history_id = ? ORDER BY id DESC LIMIT ?",
    )
    .bind(history_id)
    .bind(limit)
    .fetch_all(connection)
    .await
    .during("runs")?;
    rows.into_iter().map(read_run).collect()
}

/// Runs that have not ended, oldest first: at work now, or left behind by a process that was killed.
pub async fn unfinished(connection: &mut MySqlConnection, history_id: u64) -> Result<Vec<StoredRun>, StorageError> {
    let rows: Vec<RunRow> = sqlx::query_as(
        "SELECT id, history_id, plan, started_by, started_at, finished_at, outcome FROM rotation_run \
         WHERE history_id = ? AND outcome = 'running' ORDER BY id",
    )
    .bind(history_id)
    .fetch_all(connection)
    .await
    .during("runs")?;
    rows.into_iter().map(read_run).collect()
}

type StepRow =
    (u32, String, u32, Option<u64>, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<u64>, Option<String>);

/// The steps of a run, in order.
pub async fn steps(connection: &mut MySqlConnection, run: u64) -> Result<Vec<StoredStep>, StorageError> {
    let rows: Vec<StepRow> = sqlx::query_as(
        "SELECT sequence, outcome, attempts, wait_ms, intended_at, finished_at, row_count, detail FROM rotation_step \
         WHERE run_id = ? ORDER BY sequence",
    )
    .bind(run)
    .fetch_all(connection)
    .await
    .during("run steps")?;
    rows.into_iter()
        .map(|(sequence, outcome, attempts, wait_ms, intended_at, finished_at, rows, detail)| {
            let outcome = outcome.parse().map_err(|_| {
                StorageError::Inconsistent(format!("step {sequence} of run {run} has the outcome {outcome:?}"))
            })?;
            Ok(StoredStep { sequence, outcome, attempts, wait_ms, intended_at, finished_at, rows, detail })
        })
        .collect()
}
