//! `payhist partitions`

use super::convert;
use super::output::{Outcome, say, table};
use super::policy::{self, PolicyCommand, SimulateArgs};
use clap::{Subcommand, ValueEnum};
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, rotation};
use payhist_types::Month;
use payhist_types::findings::{Finding, grouped};
use payhist_types::history::Switch;
use payhist_types::holds::NotCounted;
use payhist_types::obstacles::{LockHolder, Obstacles};
use payhist_types::partition::{MapCell, MonthState, PartitionMap, Restoration, RestoreOutcome, ShardRestored};
use payhist_types::plan::{Guard, RotationPlan};
use payhist_types::plan_words;
use payhist_types::replicas::Replica;
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use serde_json::json;
use std::collections::BTreeSet;

#[derive(Debug, Subcommand)]
pub(super) enum PartitionsCommand {
    /// The map: every shard, every month.
    #[command(after_help = "Example: payhist partitions list --history payments")]
    List(HistoryArg),
    /// Today's plan with its exact SQL and its hash. Changes nothing.
    #[command(after_help = "Example: payhist partitions plan --json | jq -r .hash")]
    Plan(HistoryArg),
    /// Apply today's plan. With --plan, only if it is still the one with that hash.
    #[command(after_help = "Example: payhist partitions apply --plan 3f9c…")]
    Apply {
        #[command(flatten)]
        history: HistoryArg,
        /// The hash of the plan that was looked at; refused when the situation has changed since.
        #[arg(long, value_name = "HASH")]
        plan: Option<String>,
    },
    /// Bring a month back from quarantine on every shard, with the rows that came late. No run takes it away again for
    /// 30 days.
    #[command(after_help = "Example: payhist partitions restore payments 2025-10")]
    Restore {
        /// Which history.
        history: String,
        /// Which month, e.g. 2025-10.
        month: Month,
    },
    /// Give tables that have none their partitions, while writes go on. Without --apply it shows the plan with its exact
    /// SQL and its hash, and changes nothing. The table as it was is kept beside the new one.
    #[command(
        after_help = "Examples:\n  payhist partitions convert --history legacy\n  payhist partitions convert --history legacy --apply 3f9c…\n  payhist partitions convert --history legacy --abort"
    )]
    Convert(convert::ConvertArgs),
    /// Turn a stop switch: create and drop are separate, and drop is off in a new installation.
    #[command(after_help = "Example: payhist partitions switch drop on")]
    Switch {
        /// Which switch.
        switch: SwitchArg,
        /// On or off.
        state: OnOff,
        #[command(flatten)]
        history: HistoryArg,
    },
    /// The latest runs, or one run with its steps.
    #[command(after_help = "Example: payhist partitions history 12")]
    History {
        /// The run's number.
        run: Option<u64>,
        #[command(flatten)]
        history: HistoryArg,
    },
    /// See or change what a history's partitions should look like.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// The coming months' steps by the policy, or by another one. Changes nothing.
    #[command(after_help = "Example: payhist partitions simulate --retention '5 years' --json | jq '.steps[0]'")]
    Simulate(SimulateArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct HistoryArg {
    /// Which history; the oldest one by default.
    #[arg(long = "history", id = "history_name", value_name = "NAME", default_value = "")]
    pub(super) name: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SwitchArg {
    /// Adding partitions.
    Create,
    /// Dropping expired partitions.
    Drop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnOff {
    /// It may happen.
    On,
    /// It must not happen.
    Off,
}

pub(super) async fn run(command: PartitionsCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    match command {
        PartitionsCommand::List(history) => {
            let map = rotation::map(ops, &Permit::for_command(), &history.name).await?;
            say(json, &map, || map_words(&map));
            Ok(outcome_with(map.findings.iter().any(|finding| finding.kind.is_unknown_shard())))
        }
        PartitionsCommand::Plan(history) => {
            let plan = rotation::plan(ops, &Permit::for_command(), &history.name).await?;
            let in_the_way =
                if json { None } else { Some(rotation::obstacles(ops, &Permit::for_command(), &history.name).await?) };
            say(json, &plan, || {
                plan_words(&plan) + &in_the_way.map(|obstacles| obstacle_words(&obstacles)).unwrap_or_default()
            });
            Ok(outcome_with(plan.is_partial()))
        }
        PartitionsCommand::Apply { history, plan } => apply(ops, &history.name, plan, json).await,
        PartitionsCommand::Restore { history, month } => {
            let restoration = rotation::restore(ops, &Permit::for_command(), &history, month).await?;
            say(json, &restoration, || restoration_words(&restoration));
            let failed = |shard: &ShardRestored| shard.outcome == RestoreOutcome::Failed;
            Ok(match restoration.shards.iter().filter(|shard| failed(shard)).count() {
                0 => Outcome::Done,
                all if all == restoration.shards.len() => Outcome::Failed,
                _ => Outcome::Partial,
            })
        }
        PartitionsCommand::Convert(args) => convert::run(ops, args, json).await,
        PartitionsCommand::Switch { switch, state, history } => {
            let (switch, on) = match switch {
                SwitchArg::Create => (Switch::Create, state == OnOff::On),
                SwitchArg::Drop => (Switch::Drop, state == OnOff::On),
            };
            rotation::switch(ops, &Permit::for_command(), &history.name, switch, on).await?;
            Ok(say(json, &json!({ "switch": switch, "on": on }), || {
                format!("The {switch} switch is {}.", if on { "on" } else { "off" })
            }))
        }
        PartitionsCommand::Policy(command) => policy::run(command, ops, json).await,
        PartitionsCommand::Simulate(args) => policy::simulate(args, ops, json).await,
        PartitionsCommand::History { run: None, history } => {
            let runs = rotation::runs(ops, &Permit::for_command(), &history.name).await?;
            Ok(say(json, &runs, || runs_words(&runs)))
        }
        PartitionsCommand::History { run: Some(id), .. } => {
            let run = rotation::run(ops, &Permit::for_command(), id).await?;
            Ok(say(json, &run, || run_words(&run)))
        }
    }
}

async fn apply(ops: &Ops, history: &str, plan: Option<String>, json: bool) -> anyhow::Result<Outcome> {
    let resumed = rotation::resume(ops, &Permit::for_command(), history).await?;
    let hash = if let Some(hash) = plan {
        hash
    } else {
        let today = rotation::plan(ops, &Permit::for_command(), history).await?;
        if today.active_steps().next().is_none() {
            let answer = json!({ "steps": 0, "resumed": resumed, "blocked": today.steps, "unknown": today.unknown() });
            say(json, &answer, || nothing_to_do(&today));
            return Ok(if held(&today).is_some() { Outcome::Refused } else { outcome_with(today.is_partial()) });
        }
        today.hash.0
    };
    let run = rotation::apply_and_wait(ops, &Permit::for_command(), history, &hash).await?;
    say(json, &run, || run_words(&run));
    Ok(match run.outcome {
        RunOutcome::Done => Outcome::Done,
        RunOutcome::Partial | RunOutcome::Running => Outcome::Partial,
        RunOutcome::Failed if run.steps.iter().any(|step| step.outcome == StepOutcome::Failed) => Outcome::Failed,
        RunOutcome::Failed => Outcome::Refused,
    })
}

/// What could be looked at is done; shards that could not be leave it in part.
pub(super) fn outcome_with(unknown_shards: bool) -> Outcome {
    if unknown_shards { Outcome::Partial } else { Outcome::Done }
}

/// Shards that could not be looked at, a line for each reason.
pub(super) fn unknown_words(unknown: &[String]) -> String {
    unknown.iter().fold(String::new(), |said, unknown| format!("{said}\nINCOMPLETE: {unknown}"))
}

/// A guard of the holds, if the plan has any.
fn held(plan: &RotationPlan) -> Option<&Guard> {
    let mut guards = plan.steps.iter().flat_map(|step| &step.blocked_by);
    guards.find(|guard| matches!(guard, Guard::Held { .. } | Guard::HoldsUnreadable))
}

fn nothing_to_do(plan: &RotationPlan) -> String {
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

fn map_words(map: &PartitionMap) -> String {
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
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn plan_words(plan: &RotationPlan) -> String {
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
fn obstacle_words(obstacles: &Obstacles) -> String {
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

fn restoration_words(restoration: &Restoration) -> String {
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

fn runs_words(runs: &[RotationRun]) -> String {
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

fn run_words(run: &RotationRun) -> String {
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
