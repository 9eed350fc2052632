//! Runs a program under a small shell script that stops it when we are gone, even after `kill -9`.
//!
//! The script (`watchdog.sh`) reads a pipe that only this process holds open; the kernel closes it whatever ends us.
//! It is a shell so that it needs no second binary, and is named `sh` so that `pkill -9 payhist` does not hit it.
//! It runs in a process group of its own: Ctrl-C in a terminal reaches payhist, which decides when the server stops.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::ServerError;

const SCRIPT: &str = include_str!("watchdog.sh");

/// Seconds a server has to stop after SIGTERM before it is killed. A clean stop writes the buffer pool back.
pub(crate) const STOP_SECS: u64 = 60;

/// How long the whole stop may take: the watchdog's bound and a little for itself.
pub(crate) const STOP_WAIT: Duration = Duration::from_secs(STOP_SECS + 5);

/// A program under its watchdog.
pub(crate) struct Watched {
    /// The watchdog; ends with the program's exit status (128 + n after signal n).
    pub(crate) watchdog: Child,
    /// Dropping it stops the program.
    pub(crate) lifeline: ChildStdin,
    /// The program's own pid.
    pub(crate) pid: u32,
    /// The program itself, safe against a reuse of the pid; `None` when it has ended already.
    pub(crate) process: Option<OwnedFd>,
}

/// Starts `command` with its output in `log`. Its temporary files go to `tmp`, not to the shared /tmp: a `MariaDB` that
/// starts removes the temporary tables that it finds there, other servers' too.
pub(crate) async fn spawn(command: Vec<OsString>, log: &Path, tmp: &Path) -> Result<Watched, ServerError> {
    let log_file = File::options().create(true).append(true).open(log);
    let log_file = log_file.map_err(|e| ServerError::io("open", log, e))?;
    let shell = Path::new("/bin/sh");
    let started = |e| ServerError::io("run the watchdog with", shell, e);
    let mut watchdog = Command::new(shell)
        .args(["-c", SCRIPT, "payhist-watchdog", &STOP_SECS.to_string()])
        .args(command)
        .env("TMPDIR", tmp)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log_file)
        .current_dir("/")
        .process_group(0)
        .spawn()
        .map_err(started)?;
    let piped = || started(std::io::ErrorKind::BrokenPipe.into());
    let lifeline = watchdog.stdin.take().ok_or_else(piped)?;
    let mut line = String::new();
    BufReader::new(watchdog.stdout.take().ok_or_else(piped)?).read_line(&mut line).await.map_err(started)?;
    let pid: u32 = line.trim().parse().map_err(|_| piped())?;
    Ok(Watched { watchdog, lifeline, pid, process: open(pid)? })
}

/// A handle of the process `pid`, or `None` when there is none.
pub(crate) fn open(pid: u32) -> Result<Option<OwnedFd>, ServerError> {
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    match pidfd_open(raw, PidfdFlags::empty()) {
        Ok(process) => Ok(Some(process)),
        Err(Errno::SRCH) => Ok(None),
        Err(e) => Err(ServerError::io("open the process", Path::new(&format!("/proc/{pid}")), e.into())),
    }
}
