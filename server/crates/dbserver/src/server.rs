//! A running private server: start, stop, and news of its end.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use payhist_types::EngineKind;
use rustix::process::{Signal, pidfd_send_signal};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::ChildStdin;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::config::NEEDED_TO_START_BYTES;
use crate::folder::{self, Folder};
use crate::init::{option, prepare, tail};
use crate::watchdog::{self, STOP_WAIT, Watched};
use crate::{Installation, ServerConfig, ServerError, Version, stray};

/// How long a server may take to answer; recovery after a kill is part of it.
const START_SECS: u64 = 180;

/// How often a starting server is asked whether it answers.
const START_POLL: Duration = Duration::from_millis(10);

/// A private server; it is stopped when this value is dropped, or when this process ends in whatever way.
#[derive(Debug)]
pub struct PrivateServer {
    config: ServerConfig,
    installation: Installation,
    folder: Folder,
    socket: PathBuf,
    pid: u32,
    process: OwnedFd,
    lifeline: ChildStdin,
    exit: watch::Receiver<Option<ServerExit>>,
}

/// How a server ended.
#[derive(Debug, Clone)]
pub struct ServerExit {
    /// Whether it ended as one that was asked to.
    pub clean: bool,
    /// The exit status in words; 128 + n means signal n.
    pub status: String,
    /// The last lines of its log since it was started.
    pub log_tail: String,
}

/// What keeps a server alive and its folder locked, ready to be handed to another process.
#[derive(Debug)]
pub struct Lifeline {
    pipe: OwnedFd,
    lock: std::fs::File,
}

impl Lifeline {
    /// Makes the process that `heir` will start the server's owner: it gets the folder's lock as standard input and
    /// the pipe to the watchdog as standard output. The server stops when that process, and all that inherit from
    /// it, have ended.
    pub fn give_to(self, heir: &mut Command) {
        heir.stdin(Stdio::from(self.lock)).stdout(Stdio::from(self.pipe));
    }
}

impl PrivateServer {
    /// Starts the server of `config.dir`, after initialising its data when there is none, and waits until it answers.
    ///
    /// Errors: `Busy` when another process owns the folder; `NotInstalled`; `DiskFull`, `NotWritable`, `Io` for the
    /// folder; `OtherEngine`, `NewerData`, `ForeignData` for what is in it; `StillRunning` when a server of an
    /// earlier owner does not stop; `Ended` and `StartTimeout` with the end of the server's log.
    pub async fn start(config: ServerConfig) -> Result<Self, ServerError> {
        let (folder, installation) = prepare(&config).await?;
        Self::launch(config, installation, folder).await
    }

    async fn launch(config: ServerConfig, installation: Installation, folder: Folder) -> Result<Self, ServerError> {
        folder.clear_leftovers()?;
        folder.require_space(NEEDED_TO_START_BYTES)?;
        let socket = folder.socket()?;
        let mut command = installation.server_command();
        command.extend([
            option("--datadir=", &folder.data()),
            option("--socket=", &socket),
            option("--pid-file=", &folder.pid_file()),
        ]);
        command.extend(config.profile.server_options(installation.engine()));
        command.extend(config.options.iter().cloned());

        let log = folder.log();
        let log_start = log.metadata().map_or(0, |metadata| metadata.len());
        let Watched { mut watchdog, lifeline, pid, process } = watchdog::spawn(command, &log, &folder.tmp()).await?;
        let (exited, mut exit) = watch::channel(None);
        let data = folder.data();
        let watched_log = log.clone();
        tokio::spawn(async move {
            let status = watchdog.wait().await;
            // Only if somebody killed the watchdog does the server outlive it.
            if let Err(error) = stray::stop(&[&data]).await {
                tracing::error!(%error, "a database server outlived its watchdog");
            }
            exited.send_replace(Some(ServerExit {
                clean: status.as_ref().is_ok_and(ExitStatus::success),
                status: status.map_or_else(|e| e.to_string(), |s| s.to_string()),
                log_tail: tail(&watched_log, log_start),
            }));
        });
        let answered = wait_until_answering(&socket, &mut exit).await;
        let (answered, process) = match (answered, process) {
            (Ok(answered), Some(process)) => (answered, process),
            (Err(ended), _) => return Err(ended.into_error("starting", &folder)),
            (Ok(_), None) => return Err(ended(&mut exit).await.into_error("starting", &folder)),
        };
        if !answered {
            drop(lifeline);
            let log_tail = ended(&mut exit).await.log_tail;
            return Err(ServerError::StartTimeout { secs: START_SECS, log, log_tail });
        }
        folder::mark(&folder.data(), &installation)?;
        Ok(Self { config, installation, folder, socket, pid, process, lifeline, exit })
    }

    /// The engine that runs.
    pub fn engine(&self) -> EngineKind {
        self.installation.engine()
    }

    /// The version that runs.
    pub fn version(&self) -> Version {
        self.installation.version()
    }

    /// The unix socket: user `root`, no password. It lies in the folder, unless the folder's path is too long.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The server's pid.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.folder.log()
    }

    /// Waits until the server has ended, for whatever reason.
    pub async fn wait(&self) -> ServerExit {
        ended(&mut self.exit.clone()).await
    }

    /// Waits until the server has ended by itself, and says why.
    pub async fn failure(&self) -> ServerError {
        self.wait().await.into_error("serving", &self.folder)
    }

    /// Stops the server: SIGTERM, and SIGKILL if it takes more than a minute.
    /// Errors: `StillRunning` when not even that helped.
    pub async fn stop(self) -> Result<ServerExit, ServerError> {
        let Self { pid, lifeline, mut exit, folder, socket, .. } = self;
        drop(lifeline);
        let stopped = timeout(STOP_WAIT, ended(&mut exit)).await;
        if !socket.starts_with(folder.data().parent().unwrap_or(Path::new("/")))
            && let Some(run) = socket.parent()
        {
            // The socket's folder under /tmp; a next start makes it again.
            let _ = std::fs::remove_dir_all(run);
        }
        stopped.map_err(|_| ServerError::StillRunning { pid })
    }

    /// Sends the server SIGKILL, as if it crashed. For tests.
    pub fn kill9(&self) {
        // The only failure is that it has ended already, which is what we want.
        let _ = pidfd_send_signal(&self.process, Signal::KILL);
    }

    /// Sends the server SIGSTOP: its socket takes connections, and nothing is answered. For tests.
    pub fn freeze(&self) {
        // The only failure is that it has ended.
        let _ = pidfd_send_signal(&self.process, Signal::STOP);
    }

    /// Lets a frozen server go on. For tests.
    pub fn thaw(&self) {
        // As above.
        let _ = pidfd_send_signal(&self.process, Signal::CONT);
    }

    /// Stops the server if it runs, and starts it again on the same folder, which stays locked meanwhile.
    /// Errors: as [`PrivateServer::start`].
    pub async fn restart(self) -> Result<Self, ServerError> {
        let Self { config, installation, folder, pid, lifeline, mut exit, .. } = self;
        drop(lifeline);
        timeout(STOP_WAIT, ended(&mut exit)).await.map_err(|_| ServerError::StillRunning { pid })?;
        Self::launch(config, installation, folder).await
    }

    /// Lets go of the server without stopping it: whoever gets the [`Lifeline`] keeps it alive.
    /// Errors: `Io`.
    pub fn into_lifeline(self) -> Result<Lifeline, ServerError> {
        let pipe = self.lifeline.into_owned_fd();
        let pipe = pipe.map_err(|e| ServerError::io("hand over the server of", &self.config.dir, e))?;
        Ok(Lifeline { pipe, lock: self.folder.lock })
    }
}

impl ServerExit {
    /// A full disk ends both engines in many ways, and the log, being on it, may not tell.
    fn into_error(self, action: &'static str, folder: &Folder) -> ServerError {
        let ended = ServerError::Ended { action, status: self.status, log: folder.log(), log_tail: self.log_tail };
        folder.require_space(NEEDED_TO_START_BYTES).err().unwrap_or(ended)
    }
}

/// Waits for the end of the server. Its sender is a task that always reports before it ends, unless the runtime is
/// shut down, which ends the caller too.
async fn ended(exit: &mut watch::Receiver<Option<ServerExit>>) -> ServerExit {
    let unknown = || ServerExit { clean: false, status: "unknown".to_owned(), log_tail: String::new() };
    exit.wait_for(Option::is_some).await.ok().and_then(|exit| exit.clone()).unwrap_or_else(unknown)
}

/// True when the server answers, false when it does not in time; an error when it ended instead.
async fn wait_until_answering(
    socket: &Path,
    exit: &mut watch::Receiver<Option<ServerExit>>,
) -> Result<bool, ServerExit> {
    let deadline = Instant::now() + Duration::from_secs(START_SECS);
    while Instant::now() < deadline {
        tokio::select! {
            exit = ended(exit) => return Err(exit),
            answers = answers(socket, deadline) => if answers { return Ok(true) },
        }
        sleep(START_POLL).await;
    }
    Ok(false)
}

/// Whether the server greets. Both engines accept connections, and so greet, only when they are ready to serve.
async fn answers(socket: &Path, deadline: Instant) -> bool {
    /// The first byte after the packet's header (three bytes of length, one of sequence) in protocol version 10.
    const PROTOCOL_VERSION: u8 = 10;
    let greeting = async {
        let mut stream = UnixStream::connect(socket).await?;
        let mut start = [0; 5];
        stream.read_exact(&mut start).await?;
        Ok::<_, std::io::Error>(start[4] == PROTOCOL_VERSION)
    };
    matches!(tokio::time::timeout_at(deadline, greeting).await, Ok(Ok(true)))
}
