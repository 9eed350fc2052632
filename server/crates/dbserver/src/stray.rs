//! Servers that an earlier owner of the folder left running: found by their command line, and stopped.
//!
//! That is rare (somebody killed payhist *and* its watchdog) or brief (the watchdog is stopping the server now).
//! The caller holds the folder's lock, so a server on the folder's data has no living owner.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};

use crate::{ServerError, watchdog};

const POLL: Duration = Duration::from_millis(20);

/// How long a killed process may take to go.
const KILL_WAIT: Duration = Duration::from_secs(10);

/// Stops every server that runs on one of `data_folders`: SIGTERM, a bounded wait, SIGKILL, a bounded wait.
/// Errors: `StillRunning`.
pub(crate) async fn stop(data_folders: &[&Path]) -> Result<(), ServerError> {
    for (signal, bound) in [(Signal::TERM, watchdog::STOP_WAIT), (Signal::KILL, KILL_WAIT)] {
        let strays = find(data_folders)?;
        if strays.is_empty() {
            return Ok(());
        }
        for (pid, process) in &strays {
            tracing::warn!(pid, ?signal, "a database server of an earlier payhist still runs here: stopping it");
            // It may have ended by itself since; whether it is gone is what the loop below looks at.
            let _ = pidfd_send_signal(process, signal);
        }
        let deadline = Instant::now() + bound;
        while Instant::now() < deadline && !find(data_folders)?.is_empty() {
            tokio::time::sleep(POLL).await;
        }
    }
    match find(data_folders)?.first() {
        None => Ok(()),
        Some(&(pid, _)) => Err(ServerError::StillRunning { pid }),
    }
}

/// The servers on `data_folders`. The handle is opened before the command line is read, so that it is the handle of
/// the process whose command line was read.
fn find(data_folders: &[&Path]) -> Result<Vec<(u32, OwnedFd)>, ServerError> {
    let proc = Path::new("/proc");
    let entries = fs::read_dir(proc).map_err(|e| ServerError::io("list", proc, e))?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut found = Vec::new();
    for pid in pids {
        if !is_server_on(pid, data_folders) {
            continue;
        }
        if let Some(process) = watchdog::open(pid)?.filter(|_| is_server_on(pid, data_folders)) {
            found.push((pid, process));
        }
    }
    Ok(found)
}

/// Whether `pid` is a server (not its watchdog, whose command line holds the server's) on one of `data_folders`.
/// A zombie has no command line and does not count.
fn is_server_on(pid: u32, data_folders: &[&Path]) -> bool {
    let Ok(command_line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut arguments = command_line.split(|&byte| byte == 0).map(OsStr::from_bytes);
    let program = arguments.next().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    program != "sh"
        && arguments
            .filter_map(|argument| argument.as_bytes().strip_prefix(b"--datadir="))
            .any(|data| data_folders.contains(&Path::new(OsStr::from_bytes(data))))
}
