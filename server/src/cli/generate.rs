//! `payhist generate`

use super::output::{Outcome, say};
use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use payhist_ops::Ops;
use payhist_ops::auth::Permit;
use payhist_ops::generate::{self, GenerateReport, GenerateRequest};
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    long_about = "Make sample payments, the same for the same seed and end.\n\nOnly months of a shard that have no rows are filled, so that the same command may be \
                  killed and repeated, and made-up payments never mix with real ones.",
    after_help = "Examples:\n  payhist generate --rows 1000000 --users 80000 --months 18 --seed 7 --history sample\n  \
                  payhist generate --rows 100000 --seed 7 --until 2026-11-01T00:00:00Z --to sample.csv"
)]
pub(super) struct GenerateArgs {
    /// How many payments.
    #[arg(long)]
    rows: u64,
    /// Of how many users; a twelfth of the payments by default.
    #[arg(long)]
    users: Option<u64>,
    /// Over how many months, up to the end's.
    #[arg(long, default_value_t = 18)]
    months: u32,
    /// Another seed makes other payments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The end, e.g. 2026-11-01T00:00:00Z; now by default.
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
    /// Which history; the oldest one by default. One that does not exist is made.
    #[arg(long, value_name = "NAME", default_value = "")]
    history: String,
    /// Write them as CSV to a file, or - for standard output, instead of into the database.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Users of a run that names none: one for so many payments.
const ROWS_PER_USER: u64 = 12;

pub(super) async fn run(args: GenerateArgs, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let GenerateArgs { rows, months, seed, until, history, .. } = args;
    let users = args.users.unwrap_or((rows / ROWS_PER_USER).max(1));
    let request = GenerateRequest { history, rows, users, months, seed, until };
    if let Some(to) = args.to {
        return write(ops, &request, &to, json).await;
    }
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(rows) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("making {bar:40} {pos}/{len} rows {per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let report = generate::run(ops, &Permit::for_command(), &request, |rows| bar.inc(rows)).await?;
    bar.finish_and_clear();
    Ok(say(json, &report, || words(&report)))
}

async fn write(ops: &Ops, request: &GenerateRequest, to: &PathBuf, json: bool) -> anyhow::Result<Outcome> {
    if to.as_os_str() == "-" {
        let mut out = BufWriter::new(std::io::stdout());
        generate::write_csv(ops, request, &mut out).await?;
        out.flush().context("standard output cannot be written")?;
        return Ok(Outcome::Done); // the rows are the answer
    }
    let file = File::create(to).with_context(|| format!("cannot write {}", to.display()))?;
    let mut out = BufWriter::new(file);
    let rows = generate::write_csv(ops, request, &mut out).await?;
    out.flush().with_context(|| format!("cannot write {}", to.display()))?;
    Ok(say(json, &json!({ "file": to, "rows": rows }), || format!("{rows} payments written to {}", to.display())))
}

fn words(report: &GenerateReport) -> String {
    let mut said = format!("{}: {} payments written in {:.1} s", report.history, report.rows, report.seconds);
    if let (Some(first), Some(last)) = (report.first_month, report.last_month) {
        said += &format!("\n  {first} to {last}; seed {}, end {}", report.seed, report.until.to_rfc3339());
    }
    if report.cells_kept > 0 {
        said += &format!("\n  {} months of shards had rows already and were left alone", report.cells_kept);
    }
    if let (Some(first), Some(last)) = (report.months_left_out.first(), report.months_left_out.last()) {
        said += &format!(
            "\n  {first} to {last}: {} months lie before the history's first month or are in quarantine, and were left out",
            report.months_left_out.len()
        );
    }
    said
}
