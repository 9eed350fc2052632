//! `payhist payments export`

use crate::cli::output::{Outcome, say, usage};
use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use payhist_ops::Ops;
use payhist_ops::auth::Permit;
use payhist_ops::export::{self, Running};
use payhist_types::export::{ExportFormat, ExportManifest, ExportRequest, ExportState};
use payhist_types::payment::PaymentQuery;
use std::fs::{self, File};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    #[command(flatten)]
    query: PaymentQuery,
    /// Format of the file. What stands in each: docs/export.md.
    #[arg(long)]
    format: FormatArg,
    /// The file. While it is written it is called FILE.part; its manifest is FILE.manifest.json.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    replace: bool,
    /// Personal fields in clear and not masked; the audit log keeps the reason.
    #[arg(long, requires = "reason")]
    clear: bool,
    /// Why personal fields are needed in clear.
    #[arg(long, value_name = "TEXT", default_value = "", requires = "clear")]
    reason: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object on each line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
}

pub(in crate::cli) async fn run(args: ExportArgs, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    let ExportArgs { query, format, out, replace, clear, reason } = args;
    if out.exists() && !replace {
        return Err(usage(anyhow::anyhow!("{} exists already: add --replace, or choose another name", out.display())));
    }
    let format = match format {
        FormatArg::Csv => ExportFormat::Csv,
        FormatArg::Ndjson => ExportFormat::Ndjson,
        FormatArg::Parquet => ExportFormat::Parquet,
    };
    let personal = if clear { "clear" } else { "masked" }.to_owned();
    let request = ExportRequest { query, format: format.to_string(), personal, reason };
    let stop = crate::cli::serve::stop_on_signals()?;
    let permit = Permit::for_command();
    let running = export::start(ops, &permit, || Ok(Permit::for_command()), &request, stop).await?;
    let part = with_suffix(&out, ".part");
    let id = running.export().id;
    let export = match write(running, &part).await {
        Ok(export) => export,
        Err(error) => {
            // What there is stays, under a name that says so.
            if let Ok(export) = export::find(ops, &Permit::for_command(), id).await
                && export.state != ExportState::Running
            {
                write_manifest(&ExportManifest::new(export, name(&part)), &part)?;
            }
            return Err(error);
        }
    };
    let manifest = ExportManifest::new(export, name(&out));
    fs::rename(&part, &out).with_context(|| format!("{} cannot be renamed", part.display()))?;
    write_manifest(&manifest, &out)?;
    Ok(say(json, &manifest, || words(&manifest, &out)))
}

/// Writes all of it, safely on the disk before it counts as complete.
async fn write(mut running: Running, part: &Path) -> anyhow::Result<payhist_types::export::Export> {
    let failed = || format!("{} cannot be written", part.display());
    let mut file = File::create(part).with_context(failed)?;
    let bar = bar(running.export().scope.reads);
    while let Some(piece) = running.next().await {
        let piece = piece?;
        tokio::task::block_in_place(|| file.write_all(&piece)).with_context(failed)?;
        let progress = running.progress();
        bar.set_position(progress.reads_done.into());
        bar.set_message(format!("{} payments, {}", HumanCount(progress.rows), HumanBytes(progress.bytes)));
    }
    tokio::task::block_in_place(|| file.sync_all()).with_context(failed)?;
    bar.finish_and_clear();
    Ok(running.finish().await?)
}

fn bar(reads: u32) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("exporting {bar:40} {pos}/{len} reads, {msg} {eta}");
    ProgressBar::new(reads.into()).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn write_manifest(manifest: &ExportManifest, file: &Path) -> anyhow::Result<()> {
    let path = with_suffix(file, ".manifest.json");
    fs::write(&path, serde_json::to_vec_pretty(manifest)?)
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn words(manifest: &ExportManifest, out: &Path) -> String {
    let export = &manifest.export;
    let personal = match &export.reveal_reason {
        None => "personal fields are masked",
        Some(_) => "personal fields are in clear",
    };
    let mut said = format!(
        "{} payments, {} in {}: {personal}\n  sha256 {}\n  export {}, manifest {}",
        HumanCount(export.rows),
        HumanBytes(export.bytes),
        out.display(),
        export.sha256.as_deref().unwrap_or_default(),
        export.id,
        with_suffix(out, ".manifest.json").display(),
    );
    if !export.scope.quarantined.is_empty() {
        let months: Vec<_> = export.scope.quarantined.iter().map(ToString::to_string).collect();
        said += &format!("\n  Without what is in quarantine of {}.", months.join(", "));
    }
    said
}
