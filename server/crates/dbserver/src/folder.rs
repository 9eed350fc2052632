//! The server's folder: its lock, its parts, whose data it holds, and how much room there is.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use payhist_types::EngineKind;

use crate::{Installation, ServerError, Version};

/// The file in the data folder that names the engine and the version that wrote it last: `mariadb 10.11.19`.
pub(crate) const MARKER: &str = "payhist-engine";

/// The longest path of a unix socket, in bytes: `sun_path` is 108 with its NUL.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// The log is set aside as `server.log.1` when a start finds it longer than this.
const LOG_BYTES_MAX: u64 = 8 << 20;

/// A server's folder, owned by this process while this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
    pub(crate) lock: File,
}

impl Folder {
    /// Creates the folder when absent, locks it and writes our pid into the lock.
    /// Errors: `Busy`, `NotWritable`, `DiskFull`, `Io`.
    pub(crate) fn acquire(dir: &Path) -> Result<Self, ServerError> {
        create_private(dir)?;
        let dir = fs::canonicalize(dir).map_err(|e| ServerError::io("find", dir, e))?;
        let path = dir.join("lock");
        let failed = |e| ServerError::io("lock", &path, e);
        let mut lock =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(e)) => return Err(failed(e)),
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                lock.read_to_string(&mut owner).map_err(failed)?;
                return Err(ServerError::Busy { dir, pid: owner.trim().parse().ok() });
            }
        }
        let folder = Self { dir, lock: lock.try_clone().map_err(failed)? };
        folder.require_space(1)?;
        lock.set_len(0).and_then(|()| lock.rewind()).map_err(failed)?;
        writeln!(lock, "{}", std::process::id()).map_err(failed)?;
        for part in ["run", "tmp"] {
            create_private(&folder.dir.join(part))?;
        }
        Ok(folder)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(crate) fn data_new(&self) -> PathBuf {
        self.dir.join("data.new")
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.dir.join("run/server.pid")
    }

    /// Where the socket is: `run/mysql.sock`, or, where that path is too long for a socket, a folder under /tmp
    /// whose name follows from ours. /tmp is everybody's, so that folder must be ours alone.
    pub(crate) fn socket(&self) -> Result<PathBuf, ServerError> {
        let socket = self.dir.join("run/mysql.sock");
        if socket.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX {
            return Ok(socket);
        }
        let mut hasher = DefaultHasher::new();
        self.dir.hash(&mut hasher);
        let user = rustix::process::geteuid().as_raw();
        let run = PathBuf::from(format!("/tmp/payhist-{user}-{:016x}", hasher.finish()));
        create_private(&run)?;
        let metadata = fs::symlink_metadata(&run).map_err(|e| ServerError::io("examine", &run, e))?;
        if !metadata.is_dir() || metadata.uid() != user || metadata.mode() & 0o077 != 0 {
            let source = std::io::Error::other("it is not a folder of this user alone");
            return Err(ServerError::io("use", &run, source));
        }
        Ok(run.join("mysql.sock"))
    }

    /// Removes what a server that did not stop cleanly left: `MySQL` refuses to start on a socket whose lock names
    /// a pid that is alive again as something else. Sets a long log aside.
    pub(crate) fn clear_leftovers(&self) -> Result<(), ServerError> {
        let socket = self.socket()?;
        for stale in [socket.with_extension("sock.lock"), socket, self.pid_file()] {
            if stale.symlink_metadata().is_ok() {
                fs::remove_file(&stale).map_err(|e| ServerError::io("remove", &stale, e))?;
            }
        }
        let log = self.log();
        if log.metadata().is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
            fs::rename(&log, log.with_extension("log.1")).map_err(|e| ServerError::io("set aside", &log, e))?;
        }
        Ok(())
    }

    /// Errors: `DiskFull` when fewer than `needed_bytes` are free to this user.
    pub(crate) fn require_space(&self, needed_bytes: u64) -> Result<(), ServerError> {
        let disk = rustix::fs::statvfs(&self.dir).map_err(|e| ServerError::io("examine", &self.dir, e.into()))?;
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free_bytes < needed_bytes {
            return Err(ServerError::DiskFull { dir: self.dir.clone(), free_bytes, needed_bytes });
        }
        Ok(())
    }

    /// Whose data the folder holds, `None` when it holds none yet. Errors: `ForeignData`.
    pub(crate) fn contents(&self) -> Result<Option<(EngineKind, Version)>, ServerError> {
        let dir = self.data();
        match fs::read_dir(&dir).map(|mut entries| entries.next().is_none()) {
            Ok(false) => {}
            Ok(true) => return Ok(None),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(ServerError::io("read", &dir, e)),
        }
        let marker = fs::read_to_string(dir.join(MARKER)).unwrap_or_default();
        let parsed = marker
            .trim()
            .split_once(' ')
            .and_then(|(engine, version)| Some((engine.parse::<EngineKind>().ok()?, version.parse::<Version>().ok()?)));
        parsed.map(Some).ok_or(ServerError::ForeignData { dir })
    }

    /// Refuses data that `installation` must not open. Errors: `OtherEngine`, `NewerData`, `ForeignData`.
    pub(crate) fn check_contents(&self, installation: &Installation) -> Result<(), ServerError> {
        let Some((engine, found)) = self.contents()? else { return Ok(()) };
        let (dir, installed) = (self.data(), installation.version());
        if engine != installation.engine() {
            return Err(ServerError::OtherEngine { dir, found: engine, wanted: installation.engine() });
        }
        // Both engines keep their formats within a release series.
        if (found.major, found.minor) > (installed.major, installed.minor) {
            return Err(ServerError::NewerData { dir, engine, found, installed });
        }
        Ok(())
    }
}

/// Writes the marker into the data folder `data`.
pub(crate) fn mark(data: &Path, installation: &Installation) -> Result<(), ServerError> {
    let path = data.join(MARKER);
    let content = format!("{} {}\n", installation.engine(), installation.version());
    if fs::read_to_string(&path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(&path, content).map_err(|e| ServerError::io("write", &path, e))
}

/// Creates `dir` and its parents with mode 0700, when absent.
fn create_private(dir: &Path) -> Result<(), ServerError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| ServerError::io("create", dir, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_too_full_is_refused_with_both_figures() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::acquire(dir.path()).unwrap();
        folder.require_space(1).unwrap();
        let error = folder.require_space(1 << 60).unwrap_err();
        assert!(matches!(error, ServerError::DiskFull { needed_bytes, free_bytes, .. } if free_bytes < needed_bytes));
        let words = error.to_string();
        assert!(words.contains("needs 1099511627776 MiB") && words.contains(&*dir.path().to_string_lossy()), "{words}");
    }
}
