//! Logs to stderr: for people on a terminal, JSON elsewhere. `PAYHIST_LOG` sets the filter.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

/// What is logged unless `PAYHIST_LOG` says otherwise. What other crates have to say at `info` is spans around each request,
/// for a twentieth of a short page's time.
const DEFAULT_FILTER: &str = "warn,payhist=info,tower_sessions_core=error";

/// Begins to log.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_env("PAYHIST_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let (people, machines) = if std::io::stderr().is_terminal() {
        (Some(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false)), None)
    } else {
        (None, Some(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)))
    };
    tracing_subscriber::registry().with(filter).with(people).with(machines).init();
}
