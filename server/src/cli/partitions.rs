//! `payhist partitions`

mod words;

pub(super) use words::{megabytes, unknown_words};

use super::convert;
use super::output::{Outcome, say};
use super::policy::{self, PolicyCommand, SimulateArgs};
use clap::{Subcommand, ValueEnum};
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, rotation};
use payhist_types::Month;
use payhist_types::history::Switch;
use payhist_types::obstacles::Obstacles;
use payhist_types::partition::{RestoreOutcome, ShardRestored};
use payhist_types::plan::{Guard, RotationPlan};
use payhist_types::run::{RunOutcome, StepOutcome};
use serde::Serialize;
use serde_json::json;
use words::{map_words, nothing_to_do, obstacle_words, plan_words, restoration_words, run_words, runs_words};

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

/// A plan, and what would hold it back now: that is no part of it or of its hash.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    plan: &'a RotationPlan,
    obstacles: &'a Obstacles,
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
            let obstacles = rotation::obstacles(ops, &Permit::for_command(), &history.name).await?;
            let shown = Shown { plan: &plan, obstacles: &obstacles };
            say(json, &shown, || plan_words(&plan) + &obstacle_words(&obstacles));
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

/// A guard of the holds, if the plan has any.
fn held(plan: &RotationPlan) -> Option<&Guard> {
    let mut guards = plan.steps.iter().flat_map(|step| &step.blocked_by);
    guards.find(|guard| matches!(guard, Guard::Held { .. } | Guard::HoldsUnreadable))
}
