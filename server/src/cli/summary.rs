//! `payhist payments summary`

use super::output::{Outcome, say, table};
use clap::Args;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, summary};
use payhist_types::Money;
use payhist_types::sources::ShardSet;
use payhist_types::summary::{Breakdown, Coverage, Part, PartState, Summary, SummaryQuery, SummaryRow};

#[derive(Debug, Args)]
pub(super) struct SummaryArgs {
    /// Which history; the oldest one by default.
    #[arg(long, default_value = "")]
    history: String,
    /// The first month; two years before the last one by default, or the oldest that is known.
    #[arg(long, default_value = "", value_name = "2025-01")]
    from: String,
    /// The last month; the running one by default.
    #[arg(long, default_value = "", value_name = "2026-11")]
    to: String,
    /// By what, comma-separated: month, day, provider, method, currency, status.
    #[arg(long, default_value = "month")]
    by: String,
    /// In this currency alone.
    #[arg(long, default_value = "", value_name = "EUR")]
    currency: String,
}

pub(super) async fn run(args: SummaryArgs, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let SummaryArgs { history, from, to, by, currency } = args;
    let query = SummaryQuery { history, from, to, by, currency };
    let summary = summary::view(ops, &Permit::for_command(), &query).await?;
    say(json, &summary, || words(&summary));
    Ok(if summary.complete { Outcome::Done } else { Outcome::Partial })
}

fn words(summary: &Summary) -> String {
    let mut said: Vec<_> = summary.breakdowns.iter().map(breakdown).collect();
    said.push(format!(
        "Read at {} {}. PAID adds up the amounts of status PAID; FAILED % is of all that are decided: neither requested, \
         pending nor authorised.",
        summary.read_at.format("%Y-%m-%d %H:%M:%S"),
        summary.zone
    ));
    let notes = summary.months.iter().flat_map(notes).collect::<Vec<_>>();
    if !notes.is_empty() {
        said.push(notes.join("\n"));
    }
    for missing in &summary.missing {
        said.push(format!(
            "INCOMPLETE: shard {} of {} did not answer: {}",
            missing.shard, missing.source, missing.reason
        ));
    }
    said.join("\n\n")
}

fn breakdown(breakdown: &Breakdown) -> String {
    if breakdown.rows.is_empty() {
        return format!("By {}: no payments are known.", breakdown.by);
    }
    let by = breakdown.by.to_string().to_uppercase();
    let rows: Vec<_> = breakdown.rows.iter().map(row).collect();
    table(&[&by, "CURRENCY", "PAYMENTS", "FAILED", "FAILED %", "PAID"], &rows)
}

fn row(row: &SummaryRow) -> Vec<String> {
    let figures = row.figures;
    vec![
        row.key.clone().unwrap_or_else(|| "–".to_owned()),
        row.currency.clone(),
        figures.count.to_string(),
        figures.failed.to_string(),
        row.failure_percent.map_or_else(|| "–".to_owned(), |percent| percent.to_string()),
        paid(row),
    ]
}

/// With the currency's digits; as it is when it is more than a payment may have.
fn paid(row: &SummaryRow) -> String {
    let paid = row.figures.paid;
    let money = row.currency.parse().and_then(|currency| Money::new(paid, currency));
    money.map_or_else(|_| paid.normalize().to_string(), Money::amount_text)
}

/// What is not simply counted, or kept from before.
fn notes(coverage: &Coverage) -> Vec<String> {
    let month = coverage.month;
    let loud = |part: &&Part| !matches!(part.state, PartState::Counted | PartState::Kept);
    let note = |part: &Part| {
        let shards = part.shards.iter().copied().collect::<ShardSet>();
        let as_of = part.as_of.map(|at| format!(" (at {})", at.format("%Y-%m-%d %H:%M"))).unwrap_or_default();
        format!("{month}, shards {shards}: {}{as_of}", part.state.words())
    };
    coverage.parts.iter().filter(loud).map(note).collect()
}
