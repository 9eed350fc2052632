//! Named fault points: where a test kills the process to prove that the next run recovers.
//!
//! `PAYHIST_FAULT=rotation.after_ddl` dies at the first pass of that point, `…:3` at the third. The process dies by
//! `abort`, so no destructor, no flush and no rollback of ours runs: to the database it is a kill -9. Without the
//! variable a point costs one atomic load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

struct Armed {
    point: String,
    passes_left: AtomicU32,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Dies here if the environment asks for it.
pub fn point(name: &str) {
    let Some(armed) = ARMED.get_or_init(from_environment) else { return };
    if armed.point == name && armed.passes_left.fetch_sub(1, Relaxed) == 1 {
        tracing::error!(fault = name, "dying at a fault point, as PAYHIST_FAULT asks");
        std::process::abort();
    }
}

fn from_environment() -> Option<Armed> {
    let value = std::env::var("PAYHIST_FAULT").ok()?;
    let (point, passes) = match value.split_once(':') {
        Some((point, passes)) => (point, passes.parse().unwrap_or(1)),
        None => (value.as_str(), 1),
    };
    Some(Armed { point: point.to_owned(), passes_left: AtomicU32::new(passes) })
}
