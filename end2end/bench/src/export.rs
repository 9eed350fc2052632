//! An export of everything as CSV, against the `mariadb` client writing the same query to a file, and the memory that the
//! formats take.

use crate::demo::Demo;
use crate::figures::{rate, rows_per_second, timed};
use crate::machine::field;
use crate::report::{Beside, Line};
use crate::sample::{SHARDS, Sample};
use anyhow::{Context, Result, ensure};
use payhist_types::payment::PAYMENT_COLUMNS;
use std::fs::File;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// Rates relative to the client's.
const RATE_GOAL: f64 = 1.0;
/// Resident megabytes (1,024 × 1,024 bytes).
const MEMORY_GOAL_MB: u64 = 64;
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) async fn measure(demo: &mut Demo, sample: Sample) -> Result<Vec<Line>> {
    let (mut ours, mut theirs, mut peak_kb) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..2 {
        let (took, kb) = by_payhist(demo, sample, "csv").await?;
        (ours, peak_kb) = (ours.min(took), peak_kb.max(kb));
        theirs = theirs.min(timed(by_client(demo, sample)).await?.0);
    }
    for format in ["ndjson", "parquet"] {
        peak_kb = peak_kb.max(by_payhist(demo, sample, format).await?.1);
    }
    let (ours, theirs) = (rate(sample.rows, ours), rate(sample.rows, theirs));
    Ok(vec![
        Line {
            what: format!(
                "export of {} rows as CSV, against mariadb --batch --quick writing the same query (best of 2)",
                sample.size()
            ),
            ours: rows_per_second(ours),
            beside: Beside::Peer(rows_per_second(theirs)),
            ratio: format!("{:.2} ×", ours / theirs),
            goal: format!("≥ {RATE_GOAL} ×"),
            met: Some(ours / theirs >= RATE_GOAL),
        },
        Line {
            what: "resident memory of the command that exports them, at its peak (the most of CSV, NDJSON and Parquet)"
                .to_owned(),
            ours: format!("{} MB", peak_kb.div_ceil(1024)),
            beside: Beside::Nothing,
            ratio: "–".to_owned(),
            goal: format!("≤ {MEMORY_GOAL_MB} MB"),
            met: Some(peak_kb <= MEMORY_GOAL_MB * 1024),
        },
    ])
}

/// Time and peak resident kilobytes.
async fn by_payhist(demo: &Demo, sample: Sample, format: &str) -> Result<(Duration, u64)> {
    let file = demo.dir().join("export");
    let mut command = Command::new(demo.binary());
    command.args(["payments", "export", "--format", format, "--history", sample.history, "--json", "--out"]).arg(&file);
    command.arg("--config").arg(demo.dir().join("payhist.toml")).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut told = String::new();
    let mut output = child.stdout.take().context("no standard output")?;
    let (watching, reading) = tokio::join!(timed(watched(&mut child)), output.read_to_string(&mut told));
    let (took, peak) = watching?;
    reading?;
    let export: serde_json::Value = serde_json::from_str(&told)?;
    ensure!(export["rows"].as_u64() == Some(sample.rows), "the export says {export}");
    std::fs::remove_file(&file)?;
    Ok((took, peak))
}

async fn watched(child: &mut Child) -> Result<u64> {
    let path = format!("/proc/{}/status", child.id().context("it has ended")?);
    let mut peak = 0;
    loop {
        if let Ok(text) = field(&path, "VmHWM") {
            peak = text.trim_end_matches(" kB").parse()?;
        }
        if let Ok(status) = tokio::time::timeout(LOOK_EVERY, child.wait()).await {
            ensure!(status?.success(), "payhist payments export failed");
            return Ok(peak);
        }
    }
}

async fn by_client(demo: &Demo, sample: Sample) -> Result<()> {
    let file = demo.dir().join("client.tsv");
    let columns = PAYMENT_COLUMNS.join(", ");
    let query = |shard| format!("SELECT {columns} FROM {}.{}", sample.schema(), sample.table(shard));
    let queries = (0..SHARDS).map(query).collect::<Vec<_>>().join(";");
    let client = Command::new("mariadb")
        .args(["--no-defaults", "--batch", "--quick", "--user=root", "--execute", &queries, "--socket"])
        .arg(demo.socket()?)
        .stdout(File::create(&file)?)
        .kill_on_drop(true)
        .status()
        .await?;
    ensure!(client.success(), "the mariadb client ended with {client}");
    std::fs::remove_file(&file)?;
    Ok(())
}
