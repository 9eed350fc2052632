//! What the commands say to people.

use super::held;
use crate::cli::output::table;
use payhist_types::findings::{Finding, grouped};
use payhist_types::holds::NotCounted;
use payhist_types::obstacles::{LockHolder, Obstacles};
use payhist_types::partition::{MapCell, MonthState, PartitionMap, Restoration};
use payhist_types::plan::RotationPlan;
use payhist_types::plan_words;
use payhist_types::replicas::Replica;
use payhist_types::run::RotationRun;
use std::collections::BTreeSet;

/// Shards that could not be looked at, a line for each reason.
pub(in crate::cli) fn unknown_words(unknown: &[String]) -> String {
    unknown.iter().fold(String::new(), |said, unknown| format!("{said}\nINCOMPLETE: {unknown}"))
}

pub(super) fn nothing_to_do(plan: &RotationPlan) -> String {
    let said = match plan.steps.len() {
        0 if plan.is_partial() => "Nothing to do on the shards that could be looked at.".to_owned(),
        0 => "Nothing to do: every shard has the months it should have.".to_owned(),
        blocked => {
            let held = held(plan).map(|guard| format!(" A legal hold is in the way: {guard}.")).unwrap_or_default();
            format!("Nothing was done: all {blocked} steps are blocked.{held} `payhist partitions plan` says by what.")
        }
    };
    said + &unknown_words(&plan.unknown())
}

pub(super) fn map_words(map: &PartitionMap) -> String {
    let mut said = format!("{} · {} · today is in {}\n", map.history, map.zone, map.current);
    let rows: Vec<_> = map
        .months
        .iter()
        .enumerate()
        .map(|(column, month)| {
            let cells = map.rows.iter().filter_map(|row| row.cells.get(column));
            let states = cells.clone().map(|cell| cell.state);
            let missing = states.clone().filter(|state| *state == MonthState::Missing).count();
            let state = states
                .clone()
                .find(|state| *state != MonthState::Missing)
                .map_or_else(|| "missing".to_owned(), |state| state.to_string());
            let missing = (missing > 0).then(|| format!("missing on {missing} of {} shards", map.rows.len()));
            let held = held_words(cells.clone());
            let note = missing.into_iter().chain(held).collect::<Vec<_>>().join("; ");
            let rows: u64 = cells.clone().map(|cell| cell.rows_estimate).sum();
            let bytes: u64 = cells.map(|cell| cell.bytes).sum();
            vec![month.to_string(), state, format!("~{rows}"), megabytes(bytes), note]
        })
        .collect();
    said += &table(&["MONTH", "STATE", "ROWS", "SIZE", ""], &rows);
    for words in NotCounted::words(&map.held_rows_not_counted) {
        said += &format!("\nheld rows: {words}");
    }
    said + &findings_words(&map.findings)
}

/// The holds that have rows in a month.
fn held_words<'a>(cells: impl Iterator<Item = &'a MapCell>) -> Option<String> {
    let holds: BTreeSet<u64> = cells.flat_map(|cell| &cell.held_rows).copied().collect();
    let numbers: Vec<_> = holds.iter().map(ToString::to_string).collect();
    (!holds.is_empty()).then(|| format!("held rows of hold {}", numbers.join(", ")))
}

fn findings_words(findings: &[Finding]) -> String {
    grouped(findings).iter().fold(String::new(), |said, group| format!("{said}\n{}: {group}", group.severity))
}

#[expect(clippy::cast_precision_loss, reason = "shown to one decimal")]
pub(in crate::cli) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

pub(super) fn plan_words(plan: &RotationPlan) -> String {
    let mut said = format!("Plan {} for {} ({})\n", plan.hash, plan.history, plan.policy.zone);
    for step in &plan.steps {
        let state = if step.is_active() {
            "will run".to_owned()
        } else {
            format!("blocked: {}", plan_words::guards(&step.blocked_by))
        };
        said += &format!("\n{} {} {} — {state}", step.table, step.action.verb(), step.action.month());
        if step.action.is_destructive() {
            said += &format!(" (about {} rows, {})", step.rows_estimate, megabytes(step.bytes));
        }
        for sql in &step.sql {
            said += &format!("\n    {sql};");
        }
    }
    if plan.steps.is_empty() {
        said += "\nNothing to do.";
    }
    said + &findings_words(&plan.findings)
}

/// Who holds locks on the history's tables, and how far its replicas are behind, a line each.
pub(super) fn obstacle_words(obstacles: &Obstacles) -> String {
    let said = obstacles.holders.iter().fold(String::new(), |said, holder| {
        let LockHolder { source, table, connection, user, host, secs, statement } = holder;
        let doing = statement.as_deref().unwrap_or("idle in its transaction");
        format!("{said}\nin the way now: connection {connection} ({user}@{host}) on {source} holds a lock on {table}, so since {secs} s: {doing}")
    });
    let (at, most) = (obstacles.read_at.format("%H:%M:%S"), obstacles.replica_lag_max_secs);
    let said = obstacles.replicas.iter().fold(said, |said, Replica { source, name, state }| {
        let waits = if state.holds_back(most) {
            format!(": drops and copies wait, the policy allows {most} s")
        } else {
            String::new()
        };
        format!("{said}\nat {at} the replica {name} of {source} is {state}{waits}")
    });
    obstacles.unavailable.iter().fold(said, |said, missing| {
        let remedy = missing.remedy.as_deref().map(|remedy| format!(" ({remedy})")).unwrap_or_default();
        format!("{said}\nno {} of {}: {}{remedy}", missing.what, missing.source, missing.reason)
    })
}

pub(super) fn restoration_words(restoration: &Restoration) -> String {
    let rows: Vec<_> = restoration
        .shards
        .iter()
        .map(|shard| {
            vec![
                shard.table.clone(),
                shard.outcome.to_string(),
                shard.rows.to_string(),
                shard.late_rows.to_string(),
                shard.detail.clone().unwrap_or_default(),
            ]
        })
        .collect();
    format!(
        "{} of {} is left alone until {}\n{}",
        restoration.month,
        restoration.history,
        restoration.until.format("%Y-%m-%d %H:%M %:z"),
        table(&["TABLE", "OUTCOME", "ROWS", "OF THEM LATE", ""], &rows)
    )
}

pub(super) fn runs_words(runs: &[RotationRun]) -> String {
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            vec![
                run.id.to_string(),
                run.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                run.outcome.to_string(),
                run.trigger.clone(),
            ]
        })
        .collect();
    if rows.is_empty() { "No run yet.".to_owned() } else { table(&["RUN", "STARTED", "OUTCOME", "BY"], &rows) }
}

pub(super) fn run_words(run: &RotationRun) -> String {
    let rows: Vec<_> = run
        .steps
        .iter()
        .map(|step| {
            let millis = |ms: Option<u64>| ms.map_or_else(String::new, |ms| format!("{ms} ms"));
            vec![
                step.table.clone(),
                step.action.clone(),
                step.outcome.to_string(),
                millis(step.wait_ms),
                millis(step.duration_ms),
                step.detail.clone().unwrap_or_default(),
            ]
        })
        .collect();
    format!(
        "Run {} of plan {}: {}\n{}",
        run.id,
        run.plan_hash,
        run.outcome,
        table(&["TABLE", "STEP", "OUTCOME", "WAIT", "TIME", ""], &rows)
    ) + &unknown_words(&run.unknown)
}
