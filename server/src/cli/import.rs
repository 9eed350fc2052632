//! `payhist import`

use super::output::{Outcome, say};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use payhist_ops::auth::Permit;
use payhist_ops::import::{self, Format, ImportReport, ImportRequest, OnError, Phase, Progress};
use payhist_ops::{Ops, OpsError};
use payhist_types::error::FieldError;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Args)]
#[command(
    long_about = "Load payments from a file.\n\nThe whole file is read and judged before anything is written. Rows that are there already are left alone, so the \
                  same command may be stopped, killed and repeated. Formats and columns: docs/import.md.",
    after_help = "Examples:\n  payhist import payments.csv --format csv\n  payhist import CDNOW_master.txt --format cdnow --history cdnow\n  \
                  payhist import payments.ndjson --format ndjson --on-error skip --rejects rejects.ndjson"
)]
pub(super) struct ImportArgs {
    /// The file. It is read twice, so a pipe will not do.
    file: PathBuf,
    /// Its format.
    #[arg(long)]
    format: FormatArg,
    /// Which history; the oldest one by default. One that does not exist is made, with ten shards and the file's months.
    #[arg(long, value_name = "NAME", default_value = "")]
    history: String,
    /// Source of a history that is made; needed only when there are several.
    #[arg(long, value_name = "NAME", default_value = "")]
    source: String,
    /// Business zone of a history that is made, e.g. Europe/London; the default history's otherwise, or UTC.
    #[arg(long, default_value = "")]
    zone: String,
    /// What to do with bad lines: load nothing of the file, or write them to --rejects and load the rest.
    #[arg(long, value_name = "WHAT", default_value = "stop")]
    on_error: OnErrorArg,
    /// File for the rejected lines, each below the reason. Correct it and import it.
    #[arg(long, value_name = "FILE", required_if_eq("on_error", "skip"))]
    rejects: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    /// The CDNOW purchase history: customer, date, number of CDs, amount.
    Cdnow,
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object on each line.
    Ndjson,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnErrorArg {
    /// Load nothing of the file.
    Stop,
    /// Load the rest.
    Skip,
}

pub(super) async fn run(args: ImportArgs, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let stop = super::serve::stop_on_signals()?;
    let request = request(args, stop);
    let bars = Bars::default();
    let result = import::run(ops, &Permit::for_command(), &request, move |progress| bars.show(progress)).await;
    let report = match result {
        Ok(report) => report,
        Err(OpsError::BadInput(fields)) if fields.iter().any(is_of_the_file) => return Ok(bad_file(&fields, json)),
        Err(error) => return Err(error.into()),
    };
    say(json, &report, || words(&report));
    Ok(if report.is_complete() { Outcome::Done } else { Outcome::Partial })
}

fn request(args: ImportArgs, stop: CancellationToken) -> ImportRequest {
    let format = match args.format {
        FormatArg::Cdnow => Format::Cdnow,
        FormatArg::Csv => Format::Csv,
        FormatArg::Ndjson => Format::Ndjson,
    };
    let on_error = match (args.on_error, args.rejects) {
        (OnErrorArg::Skip, Some(rejects)) => OnError::Skip { rejects },
        _ => OnError::Stop,
    };
    ImportRequest {
        file: args.file,
        format,
        history: args.history,
        source: args.source,
        zone: args.zone,
        on_error,
        stop,
    }
}

fn is_of_the_file(field: &FieldError) -> bool {
    field.field == "file" || field.field.starts_with("line ")
}

/// A bad file is no wrong usage: exit code 1, with every named line.
fn bad_file(fields: &[FieldError], json: bool) -> Outcome {
    if json {
        println!(
            "{}",
            serde_json::json!({ "error": { "kind": "bad_input", "message": "The file was not imported.", "fields": fields } })
        );
    } else {
        eprintln!("payhist: the file was not imported.");
        for field in fields {
            eprintln!("  {}: {}", field.field, field.message);
        }
        if fields.iter().any(|field| field.field.starts_with("line ")) {
            eprintln!(
                "  Nothing of it was loaded. Correct the lines, or load the rest with --on-error skip --rejects FILE."
            );
        }
    }
    Outcome::Failed
}

fn words(report: &ImportReport) -> String {
    let mut said = format!("{} into {}: {} rows read", report.file.display(), report.history, report.rows_read);
    said += &format!("\n  {} loaded, {} already there", report.loaded, report.already_there);
    let sums: Vec<_> = report.sums.iter().map(|(currency, sum)| format!("{sum} {currency}")).collect();
    said += &format!("\n  sum {}", sums.join(", "));
    if let (Some(first), Some(last)) = (report.first_month, report.last_month) {
        said += &format!(
            "\n  {} months from {first} to {last}, {} shards, {:.1} s",
            report.months, report.shards, report.seconds
        );
    }
    if report.history_created {
        said +=
            &format!("\n  The history {} was made: nothing is added to or dropped from it by itself.", report.history);
    }
    if !report.past_retention.is_empty() {
        let months: Vec<_> = report.past_retention.iter().map(ToString::to_string).collect();
        said +=
            &format!("\n  Past the history's retention, so that the next drop may take them: {}", months.join(", "));
    }
    for (count, what, lines) in [
        (report.rejected, "lines are bad and were not loaded", &report.rejected_lines),
        (report.differing, "rows differ from what is there, which was left as it is", &report.differing_lines),
    ] {
        if count > 0 {
            said += &format!("\n  {count} {what}:");
            said.extend(lines.iter().map(|bad| format!("\n    line {}: {}", bad.line, bad.reason)));
        }
    }
    if report.interrupted {
        said += "\n  Stopped before the end. The same command goes on from here.";
    }
    said
}

/// A bar for each phase, on a terminal.
#[derive(Default)]
struct Bars(Mutex<Option<(Phase, ProgressBar)>>);

impl Bars {
    fn show(&self, progress: Progress) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|(phase, _)| *phase != progress.phase) {
            *current = Some((progress.phase, bar(progress)));
        }
        if let Some((_, bar)) = &*current {
            bar.set_position(progress.done);
            if progress.done >= progress.total {
                bar.finish_and_clear();
            }
        }
    }
}

fn bar(progress: Progress) -> ProgressBar {
    let template = match progress.phase {
        Phase::Check => "checking {bar:40} {bytes}/{total_bytes} {eta}",
        Phase::Load => "loading  {bar:40} {pos}/{len} rows {per_sec} {eta}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(progress.total).with_style(style)
}
