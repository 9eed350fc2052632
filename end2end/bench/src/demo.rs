//! A private demo to measure: its process, a logged-in HTTP client, and a bare connection to its database.

use crate::http::Session;
use anyhow::{Context, Result, ensure};
use reqwest::cookie::{CookieStore, Jar};
use reqwest::{Client, StatusCode, Url, redirect};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a demo may take to stop when the benchmark was broken off.
const STOP_WAIT: Duration = Duration::from_secs(20);

/// A running demo.
pub(crate) struct Demo {
    binary: PathBuf,
    dir: PathBuf,
    engine: String,
    process: Process,
    session: Session,
    database: MySqlConnection,
}

impl Demo {
    /// Starts one and waits until it has its sample payments.
    pub(crate) async fn start(dist: &Path, dir: &Path, engine: &str, rows: u64) -> Result<Self> {
        let binary = dist.join("payhist");
        eprintln!("bench: {} demo, {rows} sample payments …", binary.display());
        let child = Command::new(&binary)
            .args(["demo", "--json", "--port", "0", "--engine", engine, "--dir"])
            .arg(dir)
            .args(if rows == 0 { vec!["--no-sample".to_owned()] } else { vec!["--rows".to_owned(), rows.to_string()] })
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}: `make release` builds it", binary.display()))?;
        let mut process = Process(child);
        let stdout = process.0.stdout.take().context("no standard output")?;
        let ready = BufReader::new(stdout).lines().next_line().await?.context("the demo ended before it was ready")?;
        let ready: serde_json::Value = serde_json::from_str(&ready)?;
        let text =
            |key: &str| ready[key].as_str().map(str::to_owned).with_context(|| format!("the demo said no {key}"));
        let url = text("url")?;
        let session = log_in(&url, &text("operator")?, &text("password")?).await?;
        let database = database_options(&dir.join("payhist.toml"))?.connect().await?;
        Ok(Self { binary, dir: dir.to_owned(), engine: engine.to_owned(), process, session, database })
    }

    /// The bare driver's connection.
    pub(crate) fn database(&mut self) -> &mut MySqlConnection {
        &mut self.database
    }

    /// What is measured.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.process.0.id().context("the demo has ended")
    }

    /// The database server's socket.
    pub(crate) fn socket(&self) -> Result<PathBuf> {
        let options = database_options(&self.dir.join("payhist.toml"))?;
        Ok(options.get_socket().context("the demo's database has no socket")?.clone())
    }

    /// The folder, for files that go when the benchmark ends.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The body of a page of payments as JSON.
    pub(crate) async fn payments(&self, query: &str) -> Result<String> {
        self.page(&format!("/api/v1/payments?{query}")).await
    }

    /// The body of a page or of a read, received whole, over a connection that is kept.
    pub(crate) async fn page(&self, path: &str) -> Result<String> {
        let (status, body) = self.session.get(path).await?;
        ensure!(status == StatusCode::OK, "{path}: {status} {body}");
        Ok(body)
    }

    /// Runs another command of payhist on the same database; answers its JSON.
    pub(crate) async fn command(&self, args: &[&str]) -> Result<serde_json::Value> {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--json").arg("--config").arg(self.dir.join("payhist.toml")).kill_on_drop(true);
        let output = command.stderr(Stdio::inherit()).output().await?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "payhist {} ended with {}: {text}", args.join(" "), output.status);
        serde_json::from_str(&text).with_context(|| format!("payhist {} said {text:?}", args.join(" ")))
    }

    /// Stops and starts it: what is measured then has no history of work.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        let dist = self.binary.parent().context("the binary has no folder")?.to_owned();
        let (dir, engine) = (self.dir.clone(), self.engine.clone());
        *self = Self::start(&dist, &dir, &engine, 0).await?;
        Ok(())
    }

    /// Stops it and waits until it is gone.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.process.terminate();
        let status = self.process.0.wait().await?;
        ensure!(status.success(), "the demo ended with {status}");
        Ok(())
    }
}

/// A demo's process; dropping it stops it and waits, since the temporary folder goes next.
struct Process(Child);

impl Process {
    fn terminate(&self) {
        let pid = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM); // it may have ended just now
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.terminate();
        let begun = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && begun.elapsed() < STOP_WAIT {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The session with a session's cookie.
async fn log_in(url: &str, operator: &str, password: &str) -> Result<Session> {
    // Built together with the server, reqwest has no cryptography of its own, and wants some even for plain HTTP.
    let _installed_already = rustls::crypto::ring::default_provider().install_default();
    let jar = Arc::new(Jar::default());
    let client = Client::builder().cookie_provider(Arc::clone(&jar)).redirect(redirect::Policy::none()).build()?;
    let form = [("login", operator), ("password", password), ("next", "/")];
    let answer = client.post(format!("{url}/login")).header("Origin", url).form(&form).send().await?;
    let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
    ensure!(answer.status() == StatusCode::SEE_OTHER && to == "/", "login failed: {} {to}", answer.status());
    Session::new(url, jar.cookies(&Url::parse(url)?).context("the login set no cookie")?)
}

/// Where the demo's configuration says that its payments are.
fn database_options(config: &Path) -> Result<MySqlConnectOptions> {
    let config: toml::Table = toml::from_str(&std::fs::read_to_string(config)?)?;
    let sources = config.get("source").and_then(toml::Value::as_array);
    let url = sources.and_then(|all| all.first()?.get("url")?.as_str()).context("the configuration names no source")?;
    Ok(url.parse()?)
}
