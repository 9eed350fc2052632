//! Jobs and what is due: rows, not timers.
//!
//! Invariant: a tick is the row `(job, scheduled_at)`, which is unique; whoever inserts it has made it due, and
//! whoever holds the job's lease runs it. Both survive any instance.

use crate::error::{During, StorageError, unless_taken};
use chrono::{DateTime, Utc};
use payhist_types::jobs::JobRunStatus;
use sqlx::FromRow;
use sqlx::mysql::MySqlConnection;

/// A job as stored.
#[derive(Debug, Clone, FromRow)]
pub struct StoredJob {
    /// Its name.
    pub name: String,
    /// Cron expression, in the business zone.
    pub schedule: String,
    /// No new ticks become due while it is paused.
    pub paused: bool,
    /// Ticks up to this moment have been decided.
    pub planned_until: DateTime<Utc>,
}

/// A run as stored.
#[derive(Debug, Clone, FromRow)]
pub struct StoredJobRun {
    /// Row id.
    pub id: u64,
    /// The job.
    pub job: String,
    /// The tick that it stands for.
    pub scheduled_at: DateTime<Utc>,
    /// `schedule`, or who asked.
    pub requested_by: String,
    /// How it stands.
    #[sqlx(try_from = "String")]
    pub status: Status,
    /// Who ran it.
    pub instance: Option<String>,
    /// The lease's token under which it ran.
    pub fencing_token: u64,
    /// When it was taken.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// What it did.
    pub summary: Option<String>,
    /// The rotation run that it made.
    pub rotation_run: Option<u64>,
}

/// A [`JobRunStatus`] that can be read from a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub JobRunStatus);

impl TryFrom<String> for Status {
    type Error = StorageError;

    fn try_from(text: String) -> Result<Self, StorageError> {
        text.parse().map(Self).map_err(|_| StorageError::Inconsistent(format!("unknown status of a job run: {text:?}")))
    }
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct JobResult {
    /// How.
    pub status: JobRunStatus,
    /// What it did, in a sentence.
    pub summary: String,
    /// The rotation run that it made.
    pub rotation_run: Option<u64>,
}

/// Makes a job known with its first schedule; one that is known keeps what operators made of it.
pub async fn ensure(
    connection: &mut MySqlConnection,
    name: &str,
    schedule: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let insert = sqlx::query("INSERT INTO job (name, schedule, planned_until) VALUES (?, ?, ?)")
        .bind(name)
        .bind(schedule)
        .bind(now)
        .execute(connection)
        .await;
    unless_taken(insert, "make job known").map(|_| ())
}

/// All jobs by name.
pub async fn all(connection: &mut MySqlConnection) -> Result<Vec<StoredJob>, StorageError> {
    sqlx::query_as("SELECT name, schedule, paused, planned_until FROM job ORDER BY name")
        .fetch_all(connection)
        .await
        .during("jobs")
}

/// One job.
pub async fn find(connection: &mut MySqlConnection, name: &str) -> Result<Option<StoredJob>, StorageError> {
    sqlx::query_as("SELECT name, schedule, paused, planned_until FROM job WHERE name = ?")
        .bind(name)
        .fetch_optional(connection)
        .await
        .during("job")
}

/// Pauses or resumes a job. Ticks that pass while it is paused are not made up for: planning goes on from `now`.
/// Answers false when there is no such job.
pub async fn pause(
    connection: &mut MySqlConnection,
    name: &str,
    paused: bool,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let result = sqlx::query("UPDATE job SET paused = ?, planned_until = GREATEST(planned_until, ?) WHERE name = ?")
        .bind(paused)
        .bind(now)
        .bind(name)
        .execute(connection)
        .await
        .during("pause job")?;
    Ok(result.rows_affected() == 1)
}

/// Says that all ticks of `job` up to `until` have been decided, if nobody has decided them since `from`.
pub async fn advance(
    connection: &mut MySqlConnection,
    job: &str,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let result =
        sqlx::query("UPDATE job SET planned_until = ? WHERE name = ? AND planned_until = ? AND paused = FALSE")
            .bind(until)
            .bind(job)
            .bind(from)
            .execute(connection)
            .await
            .during("plan job")?;
    Ok(result.rows_affected() == 1)
}

/// Makes a tick due (or records it as skipped); `None` when its row is there already.
pub async fn make_due(
    connection: &mut MySqlConnection,
    job: &str,
    scheduled_at: DateTime<Utc>,
    requested_by: &str,
    status: JobRunStatus,
) -> Result<Option<u64>, StorageError> {
    let insert = sqlx::query("INSERT INTO job_run (job, scheduled_at, requested_by, status) VALUES (?, ?, ?, ?)")
        .bind(job)
        .bind(scheduled_at)
        .bind(requested_by)
        .bind(status.to_string())
        .execute(connection)
        .await;
    Ok(unless_taken(insert, "make job due")?.map(|inserted| inserted.last_insert_id()))
}

/// The oldest run of a job that waits to be run, or was left behind by an instance that died: call it only while
/// holding the job's lease, since that is what tells the two apart.
pub async fn next_open(connection: &mut MySqlConnection, job: &str) -> Result<Option<u64>, StorageError> {
    sqlx::query_scalar(
        "SELECT id FROM job_run WHERE job = ? AND status IN ('due', 'running') ORDER BY scheduled_at LIMIT 1",
    )
    .bind(job)
    .fetch_optional(connection)
    .await
    .during("open job runs")
}

/// Jobs that have a run to be run.
pub async fn open(connection: &mut MySqlConnection) -> Result<Vec<String>, StorageError> {
    sqlx::query_scalar("SELECT DISTINCT job FROM job_run WHERE status IN ('due', 'running') ORDER BY job")
        .fetch_all(connection)
        .await
        .during("open job runs")
}

/// Takes a run under a lease's token; false when a newer token has taken it or it has ended.
pub async fn begin(
    connection: &mut MySqlConnection,
    id: u64,
    instance: &str,
    token: u64,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let result = sqlx::query(
        "UPDATE job_run SET status = 'running', instance = ?, fencing_token = ?, started_at = ? \
         WHERE id = ? AND status IN ('due', 'running') AND fencing_token < ?",
    )
    .bind(instance)
    .bind(token)
    .bind(now)
    .bind(id)
    .bind(token)
    .execute(connection)
    .await
    .during("begin job run")?;
    Ok(result.rows_affected() == 1)
}

/// Records how a run ended; false when another instance has taken it since, whose word counts.
pub async fn finish(
    connection: &mut MySqlConnection,
    id: u64,
    token: u64,
    result: &JobResult,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let updated = sqlx::query(
        "UPDATE job_run SET status = ?, summary = ?, rotation_run = ?, finished_at = ? \
         WHERE id = ? AND fencing_token = ? AND status = 'running'",
    )
    .bind(result.status.to_string())
    .bind(&result.summary)
    .bind(result.rotation_run)
    .bind(now)
    .bind(id)
    .bind(token)
    .execute(connection)
    .await
    .during("finish job run")?;
    Ok(updated.rows_affected() == 1)
}

/// The newest runs of a job.
pub async fn runs(connection: &mut MySqlConnection, job: &str, limit: u32) -> Result<Vec<StoredJobRun>, StorageError> {
    sqlx::query_as(
        "SELECT id, job, scheduled_at, requested_by, status, instance, fencing_token, started_at, finished_at, summary, \
         rotation_run FROM job_run WHERE job = ? ORDER BY scheduled_at DESC LIMIT ?",
    )
    .bind(job)
    .bind(limit)
    .fetch_all(connection)
    .await
    .during("job runs")
}
