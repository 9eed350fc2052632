//! What can go wrong with a private server, in words that tell the operator what to do.

use std::path::{Path, PathBuf};

use payhist_types::EngineKind;

use crate::install::Version;

/// Why a private server could not be found, initialised, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No server program of the wanted engine (or of any, if `None`) is on this machine.
    #[error("no {} server is installed: {}", engine.map_or("database".to_owned(), |e| e.to_string()), advice(*engine))]
    NotInstalled {
        /// The engine that was asked for.
        engine: Option<EngineKind>,
    },
    /// Another payhist owns the folder.
    #[error("{} is in use by payhist, pid {}: stop it first, or choose another folder", dir.display(), pid.map_or("unknown".to_owned(), |p| p.to_string()))]
    Busy {
        /// The folder.
        dir: PathBuf,
        /// The owner, if it had written its pid already.
        pid: Option<u32>,
    },
    /// The folder, or something in it, cannot be written by this user.
    #[error("{} is not writable by this user: {source}", path.display())]
    NotWritable {
        /// What was to be written.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Too little free space on the folder's file system.
    #[error("the disk is full: {} has {} MiB free, the database server needs {} MiB", dir.display(), free_bytes >> 20, needed_bytes >> 20)]
    DiskFull {
        /// The folder.
        dir: PathBuf,
        /// Bytes free to this user.
        free_bytes: u64,
        /// Bytes needed to go on.
        needed_bytes: u64,
    },
    /// The data folder belongs to the other engine.
    #[error("{} holds {found} data, not {wanted}: choose another folder", dir.display())]
    OtherEngine {
        /// The data folder.
        dir: PathBuf,
        /// Whose data it is.
        found: EngineKind,
        /// The engine that was asked for.
        wanted: EngineKind,
    },
    /// The data folder was written by a newer server, which an older one would damage.
    #[error("{} was written by {engine} {found}, newer than the installed {installed}: install {found} or choose another folder", dir.display())]
    NewerData {
        /// The data folder.
        dir: PathBuf,
        /// Its engine.
        engine: EngineKind,
        /// The version that wrote it.
        found: Version,
        /// The version at hand.
        installed: Version,
    },
    /// The data folder has content, but payhist did not make it.
    #[error("{} was not made by payhist (no readable {} in it): choose another folder", dir.display(), crate::folder::MARKER)]
    ForeignData {
        /// The data folder.
        dir: PathBuf,
    },
    /// The server ended while it was being initialised or started.
    #[error("the database server ended while {action} ({status}); the end of its log, {}:\n{log_tail}", log.display())]
    Ended {
        /// What was going on.
        action: &'static str,
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        log_tail: String,
    },
    /// The server did not answer in time; it has been stopped.
    #[error("the database server did not answer within {secs} s; the end of its log, {}:\n{log_tail}", log.display())]
    StartTimeout {
        /// The bound, in seconds.
        secs: u64,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        log_tail: String,
    },
    /// A server of an earlier payhist still runs in the folder and could not be stopped.
    #[error("the earlier database server, pid {pid}, does not stop: end it, then try again")]
    StillRunning {
        /// That server.
        pid: u32,
    },
    /// Any other failure of the operating system.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl ServerError {
    /// Wraps an I/O error; a refusal of permission or a read-only file system becomes [`ServerError::NotWritable`].
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let path = path.to_owned();
        match source.kind() {
            PermissionDenied | ReadOnlyFilesystem => Self::NotWritable { path, source },
            _ => Self::Io { action, path, source },
        }
    }
}

fn advice(engine: Option<EngineKind>) -> &'static str {
    match engine {
        Some(EngineKind::MySql) => {
            "install MySQL 8.4 or later (mysqld), or unpack it and name its folder in PAYHIST_MYSQL_DIR"
        }
        Some(EngineKind::MariaDb) | None => "apt-get install mariadb-server-core",
    }
}
