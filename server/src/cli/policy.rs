//! `payhist partitions policy` and `payhist partitions simulate`

use super::output::{Outcome, say, table};
use super::partitions::{HistoryArg, megabytes, outcome_with, unknown_words};
use clap::{Args, Subcommand};
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, policies};
use payhist_types::history::Policy;
use payhist_types::policy_edit::{PolicyEdit, PolicyView};
use payhist_types::simulation::Simulation;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// The policy that holds, its version, and who changed it when.
    #[command(after_help = "Example: payhist partitions policy show --json | jq .policy")]
    Show(HistoryArg),
    /// Change it. What a run by the old policy has not done yet is blocked. Simulate it first.
    #[command(
        after_help = "Example: payhist partitions policy set --retention '7 years' --windows 'Sat 01:00-05:00; Sun 02:00-04:00'"
    )]
    Set {
        #[command(flatten)]
        edit: Box<EditArgs>,
        #[command(flatten)]
        history: HistoryArg,
    },
}

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// How many months.
    #[arg(long, default_value_t = 24)]
    months: u16,
    #[command(flatten)]
    edit: EditArgs,
    #[command(flatten)]
    history: HistoryArg,
}

// What a policy is to be; `none` takes a value away, and what is not given stays. Not a doc comment: clap would make it
// the help of the commands that it is part of.
#[derive(Debug, Args)]
pub(super) struct EditArgs {
    /// Months beyond the running one that must exist.
    #[arg(long, value_name = "MONTHS")]
    premake: Option<String>,
    /// How long months are kept: 18, '18 months' or '5 years'.
    #[arg(long, value_name = "TIME")]
    retention: Option<String>,
    /// Days before the end of retention at which a month goes to quarantine.
    #[arg(long, value_name = "DAYS")]
    quarantine: Option<String>,
    /// Maintenance windows, separated by semicolons.
    #[arg(long, value_name = "WINDOWS")]
    windows: Option<String>,
    /// Bytes that a month may have and be dropped outside of windows.
    #[arg(long, value_name = "BYTES")]
    max_drop_bytes: Option<String>,
    /// What to do about transactions in the way: wait or kill.
    #[arg(long)]
    blockers: Option<String>,
    /// Seconds that a replica may be behind while rows are dropped or copied.
    #[arg(long, value_name = "SECONDS")]
    replica_lag_max: Option<String>,
    /// The [archive.NAME] that a month must be in before it is dropped.
    #[arg(long, value_name = "NAME")]
    archive: Option<String>,
    /// Business time zone.
    #[arg(long)]
    zone: Option<String>,
}

impl From<EditArgs> for PolicyEdit {
    fn from(args: EditArgs) -> Self {
        Self {
            premake_months: args.premake,
            retention: args.retention,
            quarantine_days: args.quarantine,
            windows: args.windows,
            max_drop_bytes_outside_windows: args.max_drop_bytes,
            blockers: args.blockers,
            replica_lag_max_secs: args.replica_lag_max,
            archive: args.archive,
            zone: args.zone,
        }
    }
}

pub(super) async fn run(command: PolicyCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let view = match command {
        PolicyCommand::Show(history) => policies::show(ops, &Permit::for_command(), &history.name).await?,
        PolicyCommand::Set { edit, history } => {
            policies::set(ops, &Permit::for_command(), &history.name, &(*edit).into(), None).await?
        }
    };
    Ok(say(json, &view, || view_words(&view)))
}

pub(super) async fn simulate(args: SimulateArgs, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let SimulateArgs { months, edit, history } = args;
    let simulation = policies::simulate(ops, &Permit::for_command(), &history.name, &edit.into(), months).await?;
    say(json, &simulation, || simulation_words(&simulation));
    Ok(outcome_with(!simulation.unknown.is_empty()))
}

fn view_words(view: &PolicyView) -> String {
    let by = if view.configured { ", given by the configuration" } else { "" };
    let mut said = format!("{}: version {}{by}\n{}\n", view.history, view.version, policy_words(&view.policy));
    let rows: Vec<_> = view
        .changes
        .iter()
        .map(|change| {
            let at = change.at.format("%Y-%m-%d %H:%M %:z").to_string();
            vec![change.version.to_string(), at, change.by.clone(), policy_words(&change.to)]
        })
        .collect();
    said += &format!("\n{}", table(&["VERSION", "SINCE", "BY", "POLICY"], &rows));
    said
}

fn policy_words(policy: &Policy) -> String {
    let or = |number: Option<u16>, words: &str, none: &str| {
        number.map_or_else(|| none.to_owned(), |number| words.replace("{}", &number.to_string()))
    };
    let mut parts = vec![
        or(policy.premake_months, "make {} months ahead", "make none ahead"),
        or(policy.retention_months, "keep {} months", "keep everything"),
        or(policy.quarantine_days, "quarantine {} days before", "no quarantine"),
    ];
    if let Some(name) = &policy.archive {
        parts.push(format!("archive to {name}"));
    }
    if !policy.windows.is_empty() {
        let windows: Vec<_> = policy.windows.iter().map(ToString::to_string).collect();
        parts.push(format!("drop {}", windows.join(" or ")));
    }
    if let Some(most) = policy.max_drop_bytes_outside_windows {
        parts.push(format!("up to {} at any time", megabytes(most)));
    }
    if let Some(most) = policy.replica_lag_max_secs {
        parts.push(format!("replicas at most {most} s behind"));
    }
    parts.extend([format!("blockers {}", policy.blockers), policy.zone.clone()]);
    parts.join(", ")
}

fn simulation_words(simulation: &Simulation) -> String {
    let rows: Vec<_> = simulation
        .steps
        .iter()
        .map(|step| {
            let estimate = if step.extrapolated { "extrapolated" } else { "" };
            vec![
                step.date.to_string(),
                step.action.clone(),
                step.month.to_string(),
                step.shards.len().to_string(),
                format!("~{}", step.rows_estimate),
                megabytes(step.bytes),
                estimate.to_owned(),
            ]
        })
        .collect();
    let until = simulation.until.format("%Y-%m-%d");
    let mut said = format!("{} until {until}: {}\n", simulation.history, policy_words(&simulation.policy));
    said += "With both switches on, and if nothing else changes. Months that are not over count as the mean of those that are.\n\n";
    said += &table(&["DATE", "STEP", "MONTH", "SHARDS", "ROWS", "SIZE", ""], &rows);
    for block in &simulation.blocked {
        said += &format!("\n{} steps stay blocked: {}", block.steps, block.reason);
    }
    said + &unknown_words(&simulation.unknown)
}
