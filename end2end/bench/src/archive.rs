//! A quarantined month of half a million rows goes to an archive: payhist's step, which encrypts the persons and reads
//! everything back, against pt-archiver writing a plain file.

use crate::demo::Demo;
use crate::figures::{rate, rows_per_second, timed};
use crate::machine::field;
use crate::month::{self, MONTH_ROWS, SCHEMA};
use crate::report::{Beside, Line};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

const HISTORY: &str = "bench_archive";
/// Rows per second on two cores.
const RATE_GOAL: f64 = 200_000.0;
/// Resident megabytes (1,024 × 1,024 bytes) at most.
const MEMORY_GOAL_MB: u64 = 128;
/// Between two looks at the process's peak, which the kernel keeps while the process lives.
const LOOK: Duration = Duration::from_millis(10);
/// Rows of a SELECT of the peer.
const CHUNK_ROWS: u64 = 1_000;

pub(crate) async fn measure(demo: &mut Demo, now: DateTime<Utc>) -> Result<Vec<Line>> {
    let layout = month::prepare(demo.database(), now).await?;
    month::copy(demo.database(), HISTORY, &layout).await?;
    let peer = pt_archiver(demo).await?;
    configure(demo)?;
    demo.command(&["partitions", "switch", "drop", "on", "--history", HISTORY]).await?;
    apply(demo).await?; // into quarantine
    let (run, peak_kb) = apply(demo).await?;
    let step = &run["steps"][0];
    ensure!(step["rows"].as_u64() == Some(MONTH_ROWS), "not the whole month was archived: {run}");
    let took = Duration::from_millis(step["duration_ms"].as_u64().context("a step without its duration")?);
    let (ours, peer) = (rate(MONTH_ROWS, took), rate(MONTH_ROWS, peer));
    let what = format!("archive of {MONTH_ROWS} rows, encrypted and read back, against pt-archiver --file");
    let peak_mb = peak_kb.div_ceil(1024);
    Ok(vec![
        Line {
            what: what.clone(),
            ours: rows_per_second(ours),
            beside: Beside::Peer(rows_per_second(peer)),
            ratio: format!("{:.2} ×", ours / peer),
            goal: format!("≥ {}", rows_per_second(RATE_GOAL)),
            met: Some(ours >= RATE_GOAL),
        },
        Line {
            what: format!("{what}: peak memory of the process"),
            ours: format!("{peak_mb} MB"),
            beside: Beside::Nothing,
            ratio: "–".to_owned(),
            goal: format!("≤ {MEMORY_GOAL_MB} MB"),
            met: Some(peak_mb <= MEMORY_GOAL_MB),
        },
    ])
}

/// A policy that archives, an archive in the demo's folder, and a key.
fn configure(demo: &Demo) -> Result<()> {
    month::adopt(demo, HISTORY, "quarantine_days = 1\narchive = \"bench\"\n")?;
    let path = demo.dir().join("payhist.toml");
    let mut config = std::fs::read_to_string(&path)?;
    let (folder, key) = (demo.dir().join("archive"), "5a".repeat(32));
    write!(config, "\n[archive.bench]\nurl = \"{}\"\n[encryption]\nkey = \"{key}\"\n", folder.display())?;
    Ok(std::fs::write(&path, config)?)
}

/// Applies what is due; answers the run and the peak of the process's resident memory.
async fn apply(demo: &Demo) -> Result<(Value, u64)> {
    let plan = demo.command(&["partitions", "plan", "--history", HISTORY]).await?;
    let hash = plan["hash"].as_str().context("a plan without a hash")?;
    let mut command = Command::new(demo.binary());
    command.args(["partitions", "apply", "--history", HISTORY, "--plan", hash, "--json", "--config"]);
    command.arg(demo.dir().join("payhist.toml")).kill_on_drop(true);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let (mut stdout, pid) = (child.stdout.take().context("no standard output")?, child.id().context("no process")?);
    let mut peak_kb = 0;
    let looking = async {
        loop {
            if let Ok(peak) = field(&format!("/proc/{pid}/status"), "VmHWM") {
                peak_kb = peak.trim_end_matches(" kB").parse().unwrap_or(peak_kb);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let mut text = String::new();
    let status = tokio::select! {
        ended = async { stdout.read_to_string(&mut text).await?; child.wait().await } => ended?,
        () = looking => unreachable!("it looks until the other ends"),
    };
    let run: Value = serde_json::from_str(&text).with_context(|| format!("partitions apply said {text:?}"))?;
    ensure!(status.success() && run["outcome"] == "done", "the run did not end well: {run}");
    Ok((run, peak_kb))
}

/// The rows of that month into a plain file.
async fn pt_archiver(demo: &Demo) -> Result<Duration> {
    let file = demo.dir().join("pt-archiver.txt");
    let mut command = Command::new("pt-archiver");
    command
        .args(["--no-delete", "--no-check-charset", "--where", "1=1", "--limit", &CHUNK_ROWS.to_string()])
        .arg("--source")
        .arg(format!("S={},u=root,D={SCHEMA},t={HISTORY}", demo.socket()?.display()))
        .arg("--file")
        .arg(&file)
        .kill_on_drop(true);
    let running = async { command.status().await.context("cannot run pt-archiver: install percona-toolkit") };
    let (took, status) = timed(running).await?;
    let lines = std::fs::read_to_string(&file)?.lines().count();
    ensure!(status.success() && lines as u64 == MONTH_ROWS, "pt-archiver ended with {status} and {lines} lines");
    Ok(took)
}
