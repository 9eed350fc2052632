//! A server of a test's own, for crash tests.

use std::ffi::OsString;
use std::path::Path;

use payhist_dbserver::{PrivateServer, ServerConfig, ServerExit};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;

use crate::TestEngine;
use crate::shared::root_at;
use crate::template::{config, copy_template};

/// A server of a test's own: to be killed, restarted, or run out of disk. Takes 0.3 s (`MariaDB`) to 2 s (`MySQL`) to
/// start, so tests that can share use [`crate::TestDb`]. It is killed when dropped; a temporary folder goes with it.
#[derive(Debug)]
pub struct TestServer {
    running: Running,
    folder: Option<TempDir>,
}

/// Killed when dropped: asked to stop, `MySQL` fights for a minute for the data that is being deleted under it, on a core of
/// its own.
#[derive(Debug)]
struct Running(Option<PrivateServer>);

impl Running {
    fn take(mut self) -> PrivateServer {
        self.0.take().expect("it is taken once")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(server) = &self.0 {
            server.kill9();
        }
    }
}

impl TestServer {
    /// Starts a server in a temporary folder.
    pub async fn private(engine: impl Into<TestEngine>) -> Self {
        Self::private_with(engine, Vec::new()).await
    }

    /// The same, with options of its own.
    pub async fn private_with(engine: impl Into<TestEngine>, options: Vec<OsString>) -> Self {
        let folder = temporary();
        let server = start(engine.into(), folder.path(), options).await;
        Self { running: Running(Some(server)), folder: Some(folder) }
    }

    /// The same on data that was made with these options; `MySQL` takes 3 s more.
    pub async fn private_made_with(engine: impl Into<TestEngine>, options: Vec<OsString>) -> Self {
        let folder = temporary();
        let server = run(engine.into(), folder.path(), options).await;
        Self { running: Running(Some(server)), folder: Some(folder) }
    }

    /// Starts a server in `dir`, which the caller owns: on a small file system, for tests of a full disk.
    pub async fn private_in(engine: impl Into<TestEngine>, dir: &Path) -> Self {
        Self { running: Running(Some(start(engine.into(), dir, Vec::new()).await)), folder: None }
    }

    /// Creates the schema `name` (letters, digits and `_`).
    pub async fn create_schema(&self, name: &str) {
        let mut connection = self.connect().await;
        let statement = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(statement).await.unwrap_or_else(|e| panic!("{e}"));
    }

    /// How to connect, as root and with no schema chosen. It stays the same over restarts.
    pub fn connect_options(&self) -> MySqlConnectOptions {
        root_at(self.server().socket())
    }

    /// A connection as root, with no schema chosen.
    pub async fn connect(&self) -> MySqlConnection {
        MySqlConnection::connect_with(&self.connect_options()).await.unwrap_or_else(|e| panic!("{e}"))
    }

    /// The server itself: pid, log, version.
    pub fn server(&self) -> &PrivateServer {
        self.running.0.as_ref().expect("it is there until it is taken")
    }

    /// Kills the server with SIGKILL, as a crash would, and waits until it is gone.
    pub async fn kill9(&self) -> ServerExit {
        self.server().kill9();
        self.server().wait().await
    }

    /// Stops the server if it runs, and starts it again on the same data.
    #[must_use]
    pub async fn restart(self) -> Self {
        let server = self.running.take().restart().await.unwrap_or_else(|e| panic!("{e}"));
        Self { running: Running(Some(server)), folder: self.folder }
    }

    /// Stops the server and waits until it has stopped.
    pub async fn stop(self) -> ServerExit {
        self.running.take().stop().await.unwrap_or_else(|e| panic!("{e}"))
    }
}

fn temporary() -> TempDir {
    tempfile::Builder::new().prefix("payhist-test-").tempdir().unwrap_or_else(|e| panic!("{e}"))
}

async fn start(engine: TestEngine, dir: &Path, options: Vec<OsString>) -> PrivateServer {
    copy_template(engine, dir).await;
    run(engine, dir, options).await
}

async fn run(engine: TestEngine, dir: &Path, options: Vec<OsString>) -> PrivateServer {
    let config = ServerConfig { options, ..config(engine, dir) };
    PrivateServer::start(config).await.unwrap_or_else(|e| panic!("{e}"))
}
