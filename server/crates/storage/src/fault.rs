//! Named fault points: where a test kills or freezes the process to prove that the next run recovers.
//!
//! `PAYHIST_FAULT=rotation.after_ddl` dies at the first pass of that point, `…:3` at the third. The process dies by
//! `abort`, so no destructor, no flush and no rollback of ours runs: to the database it is a kill -9. Without the
//! variable a point costs one atomic load. `…:freeze` stops the process there as SIGSTOP does, until SIGCONT.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

struct Armed {
    point: String,
    passes_left: AtomicU32,
    freezes: bool,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Dies here if the environment asks for it.
pub fn point(name: &str) {
    let Some(armed) = ARMED.get_or_init(from_environment) else { return };
    if armed.point == name && armed.passes_left.fetch_sub(1, Relaxed) == 1 {
        tracing::error!(fault = name, "dying or freezing at a fault point, as PAYHIST_FAULT asks");
        if !armed.freezes {
            std::process::abort();
        }
        if let Err(error) = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP) {
            tracing::error!(%error, "not frozen");
        }
    }
}

fn from_environment() -> Option<Armed> {
    let value = std::env::var("PAYHIST_FAULT").ok()?;
    let (point, how) = value.split_once(':').unwrap_or((&value, ""));
    Some(Armed {
        point: point.to_owned(),
        passes_left: AtomicU32::new(how.parse().unwrap_or(1)),
        freezes: how == "freeze",
    })
}
