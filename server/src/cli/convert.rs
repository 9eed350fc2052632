//! `payhist partitions convert`

use super::output::{Outcome, say, table};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use payhist_ops::auth::Permit;
use payhist_ops::rotation::Progress;
use payhist_ops::{Ops, rotation};
use payhist_types::conversion::{ConversionOutcome, ConversionPlan, LeftAlone, ShardConverted, TablePlan};
use std::io::IsTerminal;

#[derive(Debug, Args)]
pub(super) struct ConvertArgs {
    #[command(flatten)]
    history: super::partitions::HistoryArg,
    /// Convert by the plan with this hash; refused when the situation has changed since.
    #[arg(long, value_name = "HASH", conflicts_with = "abort")]
    apply: Option<String>,
    /// Give a conversion that was begun up: its triggers and shadow tables go, the tables stay as they are.
    #[arg(long)]
    abort: bool,
}

pub(super) async fn run(ops: &Ops, args: ConvertArgs, json: bool) -> anyhow::Result<Outcome> {
    let history = &args.history.name;
    let plan = rotation::conversion_plan(ops, &Permit::for_command(), history).await?;
    let converted = if args.abort {
        rotation::give_up_conversion(ops, &Permit::for_command(), history).await?
    } else if let Some(hash) = args.apply {
        let bar = bar(&plan);
        let progress = |step| {
            let (what, rows) = match step {
                Progress::Copied(rows) => ("copying", rows),
                Progress::Compared(rows) => ("comparing", rows),
            };
            bar.set_message(what);
            bar.inc(rows);
        };
        let converted = rotation::convert(ops, &Permit::for_command(), history, &hash, progress).await?;
        bar.finish_and_clear();
        converted
    } else {
        return Ok(say(json, &plan, || plan_words(&plan)));
    };
    say(json, &converted, || {
        let rows: Vec<_> = converted.iter().map(row).collect();
        table(&["TABLE", "OUTCOME", "ROWS", "KEPT AS", ""], &rows)
    });
    Ok(outcome(&converted))
}

/// Every row is copied once and compared once.
fn bar(plan: &ConversionPlan) -> ProgressBar {
    let rows: u64 = plan.tables.iter().map(|table| table.rows_estimate).sum();
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(rows * 2) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{msg} {bar:40} {percent}% {per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn outcome(converted: &[ShardConverted]) -> Outcome {
    use ConversionOutcome as O;
    let count = |wanted: &[O]| converted.iter().filter(|shard| wanted.contains(&shard.outcome)).count();
    let well = count(&[O::Converted, O::AlreadyPartitioned, O::GivenUp]);
    match (well, count(&[O::Failed])) {
        (all, _) if all == converted.len() => Outcome::Done,
        (0, 0) => Outcome::Refused,
        (0, _) => Outcome::Failed,
        _ => Outcome::Partial,
    }
}

fn plan_words(plan: &ConversionPlan) -> String {
    let state = if plan.begun { "begun, to be gone on with" } else { "to be converted" };
    let mut said = format!("Plan {} for {}, {state}\n", plan.hash, plan.history);
    for table in &plan.tables {
        said += &table_words(table);
    }
    if plan.tables.iter().any(|table| table.conversion.is_some()) {
        said += &format!("\nRun it: payhist partitions convert --history {} --apply {}", plan.history, plan.hash);
    }
    said
}

fn table_words(plan: &TablePlan) -> String {
    let TablePlan { table, left_alone, notes, sql, rows_estimate, .. } = plan;
    let lines = |lines: &[String], before: &str, after: &str| {
        lines.iter().fold(String::new(), |said, line| said + &format!("\n    {before}{line}{after}"))
    };
    match left_alone {
        Some(LeftAlone::Partitioned) => format!("\n{table} has partitions already"),
        Some(LeftAlone::Obstacles(obstacles)) => {
            format!("\n{table} cannot be converted safely:{}", lines(obstacles, "", ""))
        }
        None => format!(
            "\n{table} will be converted, about {rows_estimate} rows{}{}",
            lines(notes, "note: ", ""),
            lines(sql, "", ";")
        ),
    }
}

fn row(shard: &ShardConverted) -> Vec<String> {
    vec![
        shard.table.clone(),
        shard.outcome.to_string(),
        shard.rows.to_string(),
        shard.kept_as.clone().unwrap_or_default(),
        shard.detail.clone().unwrap_or_default(),
    ]
}
