//! What payhist takes: memory of an idle server, bytes that a browser fetches.

use crate::demo::Demo;
use crate::machine::field;
use crate::report::{Beside, Line};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long the server lies idle before it is looked at.
const IDLE: Duration = Duration::from_secs(10);
/// Resident megabytes (1,024 × 1,024 bytes).
const MEMORY_GOAL_MB: u64 = 80;
/// Kilobytes (1,000 bytes) of brotli.
const ASSETS_GOAL_KB: u64 = 250;

/// The server process alone, just started; the database server beside.
pub(crate) async fn memory(demo: &mut Demo) -> Result<Vec<Line>> {
    let worked_kb = resident_kb(demo.pid()?)?;
    demo.restart().await?;
    tokio::time::sleep(IDLE).await;
    let idle_kb = resident_kb(demo.pid()?)?;
    let database: u32 = fs::read_to_string(demo.dir().join("run/server.pid"))?.trim().parse()?;
    let database_kb = resident_kb(database)?;
    let megabytes = |kb: u64| format!("{} MB", kb.div_ceil(1024));
    let line = |what: &str, kb: u64, beside: Beside, met: Option<bool>| Line {
        what: what.to_owned(),
        ours: megabytes(kb),
        beside,
        ratio: "–".to_owned(),
        goal: met.map_or("shown beside".to_owned(), |_| format!("≤ {MEMORY_GOAL_MB} MB")),
        met,
    };
    let beside = Beside::Peer(format!("database server: {}", megabytes(database_kb)));
    Ok(vec![
        line(
            "resident memory of the server, idle for 10 s after its start",
            idle_kb,
            beside,
            Some(idle_kb <= MEMORY_GOAL_MB * 1024),
        ),
        line("resident memory of the server after the measurements above", worked_kb, Beside::Nothing, None),
    ])
}

fn resident_kb(pid: u32) -> Result<u64> {
    Ok(field(&format!("/proc/{pid}/status"), "VmRSS")?.trim_end_matches(" kB").parse()?)
}

/// WASM and JavaScript together, as they travel.
pub(crate) fn assets(dist: &Path) -> Result<Vec<Line>> {
    let folder = dist.join("site/pkg");
    let mut bytes = 0;
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".wasm.br") || name.ends_with(".js.br") {
            bytes += entry.metadata()?.len();
        }
    }
    ensure!(bytes > 0, "{} has no precompressed assets", folder.display());
    Ok(vec![Line {
        what: "WASM and JavaScript together, brotli".to_owned(),
        ours: format!("{} KB", bytes.div_ceil(1000)),
        beside: Beside::Nothing,
        ratio: "–".to_owned(),
        goal: format!("≤ {ASSETS_GOAL_KB} KB"),
        met: Some(bytes <= ASSETS_GOAL_KB * 1000),
    }])
}
