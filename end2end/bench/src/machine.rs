//! The machine that the figures belong to.

use crate::demo::Demo;
use anyhow::{Context, Result};
use std::fs;

/// A description, and the day.
pub(crate) struct Machine {
    pub(crate) day: String,
    pub(crate) text: String,
}

pub(crate) async fn describe(demo: &mut Demo) -> Result<Machine> {
    let sql = "SELECT VERSION(), CAST(@@innodb_buffer_pool_size DIV 1048576 AS CHAR), CAST(UTC_DATE() AS CHAR)";
    let (engine, pool_mb, day): (String, String, String) = sqlx::query_as(sql).fetch_one(demo.database()).await?;
    let cores = std::thread::available_parallelism()?;
    let cpu = field("/proc/cpuinfo", "model name")?;
    let memory_kb: u64 = field("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse()?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split_whitespace().next().unwrap_or_default();
    let text = format!(
        "{cores} cores ({cpu}), {} GiB memory, load {load} at the start; database {engine} on a unix socket, buffer \
         pool {pool_mb} MB, durable commits; measured: {}.",
        memory_kb >> 20,
        demo.binary().display()
    );
    Ok(Machine { day, text })
}

/// The value of a `name: value` line.
pub(crate) fn field(path: &str, name: &str) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
        .with_context(|| format!("{path} has no {name}"))
}
