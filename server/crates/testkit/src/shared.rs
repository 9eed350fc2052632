//! One running server per engine for all test processes.
//!
//! nextest gives each test a process of its own, and `MySQL` needs more than a second to start. So the first process
//! that needs an engine starts its server, on a fresh copy of the template, and hands it to a small shell process
//! (`lease.sh`), which lets it go when no test process has held the `users` lock for some seconds.
//!
//! Invariant: while `ready` exists and one holds `users` (shared), the server is not stopped: the lease removes
//! `ready` only while it holds `users` alone.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use payhist_dbserver::{PrivateServer, ServerError};
use sqlx::Connection;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use tokio::time::{Instant, sleep};

use crate::TestEngine;
use crate::template::{config, copy_template, exclusive_lock, shared_lock, testkit_folder};

/// How long the folder of a shared server may stay locked by a lease that is gone.
const BUSY_WAIT: Duration = Duration::from_secs(20);

/// A share in the running server of one engine.
#[derive(Debug)]
pub(crate) struct SharedServer {
    pub(crate) socket: PathBuf,
    _share: File,
}

impl SharedServer {
    /// Joins the running server, or starts it.
    pub(crate) async fn join(engine: TestEngine) -> Self {
        let dir = testkit_folder().join(engine.name());
        fs::create_dir_all(&dir).unwrap_or_else(|e| panic!("cannot create {}: {e}", dir.display()));
        let (users, ready) = (dir.join("users"), dir.join("ready"));
        let share = shared_lock(users.clone()).await;
        let _starting = exclusive_lock(dir.join("starting")).await;
        if let Ok(socket) = fs::read_to_string(&ready).map(PathBuf::from)
            && MySqlConnection::connect_with(&root_at(&socket)).await.is_ok()
        {
            return Self { socket, _share: share };
        }
        let socket = start(engine, &dir, &users, &ready).await;
        Self { socket, _share: share }
    }
}

async fn start(engine: TestEngine, dir: &Path, users: &Path, ready: &Path) -> PathBuf {
    if dir.join("data").exists() {
        wait_for_earlier_server(engine, dir).await;
    }
    copy_template(engine, dir).await;
    let server = PrivateServer::start(config(engine, dir)).await.unwrap_or_else(|e| panic!("{e}"));
    let socket = server.socket().to_owned();
    let lifeline = server.into_lifeline().unwrap_or_else(|e| panic!("{e}"));
    let mut lease = Command::new("/bin/sh");
    lease.args(["-c", include_str!("lease.sh"), "payhist-testkit-lease"]).arg(users).arg(ready);
    lifeline.give_to(&mut lease);
    lease.stderr(Stdio::null()).current_dir("/").process_group(0);
    let write_ready = || fs::write(ready, socket.as_os_str().as_encoded_bytes());
    // The lease is meant to outlive us, so nobody here waits for it.
    write_ready().and_then(|()| lease.spawn().map(drop)).unwrap_or_else(|e| panic!("cannot start the lease: {e}"));
    socket
}

/// The data must not be replaced under a server that is stopping, or whose lease was killed. `initialise` changes
/// nothing on old data, but stops what runs on it; the folder is busy until the lease and its last child have ended.
async fn wait_for_earlier_server(engine: TestEngine, dir: &Path) {
    let deadline = Instant::now() + BUSY_WAIT;
    loop {
        match payhist_dbserver::initialise(&config(engine, dir)).await {
            Err(ServerError::Busy { .. }) if Instant::now() < deadline => sleep(Duration::from_millis(50)).await,
            Err(ServerError::Busy { dir, pid }) => panic!("{} is busy: pid {pid:?}", dir.display()),
            // Whatever else is wrong with the old data goes with it.
            _ => return,
        }
    }
}

/// How root connects to a server on `socket`. The TLS mode stays `Preferred`: `MySQL` refuses a cold password cache
/// without it, even on a socket.
pub(crate) fn root_at(socket: &Path) -> MySqlConnectOptions {
    MySqlConnectOptions::new().socket(socket).username("root")
}
