//! Whatever is killed, no server is left running without an owner, and the next start recovers. Both engines.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use payhist_dbserver::{PrivateServer, Profile, ServerConfig};
use payhist_types::EngineKind;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{Connection, Executor};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A server must be gone this soon after its owner was killed; it flushes its buffer pool first.
const GONE_WITHIN: Duration = Duration::from_secs(15);

const ROLE: &str = "PAYHIST_TEST_SERVER_FOLDER";

fn config(engine: EngineKind, dir: &Path) -> ServerConfig {
    ServerConfig { dir: dir.to_owned(), engine: Some(engine), tree: None, profile: Profile::Test, options: Vec::new() }
}

async fn connect(socket: &Path) -> MySqlConnection {
    MySqlConnection::connect_with(&MySqlConnectOptions::new().socket(socket).username("root"))
        .await
        .expect("the server answers")
}

/// The owner process: starts a server, reports its pid and socket, and waits to be killed.
async fn own_a_server(engine: EngineKind, dir: PathBuf) {
    let server = PrivateServer::start(config(engine, &dir)).await.expect("works");
    fs::write(dir.join("report.new"), format!("{}\n{}\n", server.pid(), server.socket().display())).expect("works");
    fs::rename(dir.join("report.new"), dir.join("report")).expect("works");
    println!("\nREADY");
    std::future::pending::<()>().await;
}

/// This test binary again, running `test` as the owner.
fn spawn_owner(test: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().expect("works"))
        .args(["--exact", test, "--nocapture"])
        .env(ROLE, dir)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("works")
}

async fn wait_until_ready(owner: &mut Child) {
    let mut lines = BufReader::new(owner.stdout.take().expect("works")).lines();
    while lines.next_line().await.expect("works").expect("the owner ended before its server was ready") != "READY" {}
}

/// The processes whose command line names the folder's data: servers, initialisations and their watchdogs.
fn processes_on(dir: &Path) -> Vec<(Pid, String)> {
    let data = format!("--datadir={}/data", dir.display());
    let entries = fs::read_dir("/proc").expect("works").flatten();
    entries
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse().ok()?, fs::read(entry.path().join("cmdline")).ok()?))
        })
        .map(|(pid, line)| (pid, String::from_utf8_lossy(&line).replace('\0', " ")))
        .filter(|(_, line): &(i32, String)| line.contains(&data))
        .map(|(pid, line)| (Pid::from_raw(pid).expect("works"), line))
        .collect()
}

async fn assert_all_gone(dir: &Path) {
    let killed = Instant::now();
    while !processes_on(dir).is_empty() {
        assert!(killed.elapsed() < GONE_WITHIN, "left behind: {:?}", processes_on(dir));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn no_orphan_after_kill_9_of_the_owner(engine: EngineKind, test: &str) {
    if let Some(dir) = std::env::var_os(ROLE) {
        return own_a_server(engine, dir.into()).await;
    }
    let folder = tempfile::tempdir().expect("works");
    let dir = folder.path();

    // Killed while it serves: the server stops, and what was committed is there at the next start, even one that
    // does not wait for the old server to stop.
    let mut owner = spawn_owner(test, dir);
    wait_until_ready(&mut owner).await;
    let report = fs::read_to_string(dir.join("report")).expect("works");
    let mut connection = connect(Path::new(report.lines().nth(1).expect("works"))).await;
    connection.execute("CREATE DATABASE kept").await.expect("works");
    owner.kill().await.expect("works");
    assert_all_gone(dir).await;

    let mut owner = spawn_owner(test, dir);
    wait_until_ready(&mut owner).await;
    owner.kill().await.expect("works");
    let server = PrivateServer::start(config(engine, dir)).await.expect("works");
    connect(server.socket()).await.execute("DROP DATABASE kept").await.expect("works");
    server.stop().await.expect("works");

    // Owner and watchdog killed together: only the next start can find the server, and does.
    let mut owner = spawn_owner(test, dir);
    wait_until_ready(&mut owner).await;
    let report = fs::read_to_string(dir.join("report")).expect("works");
    let orphan = Pid::from_raw(report.lines().next().expect("works").parse().expect("works")).expect("works");
    let watchdogs: Vec<Pid> = processes_on(dir).into_iter().map(|(pid, _)| pid).filter(|pid| *pid != orphan).collect();
    assert_eq!(watchdogs.len(), 2, "the shell and the part of it that waits for the owner's end");
    for watchdog in watchdogs {
        kill_process(watchdog, Signal::KILL).expect("works");
    }
    owner.kill().await.expect("works");
    let left: Vec<Pid> = processes_on(dir).into_iter().map(|(pid, _)| pid).collect();
    assert_eq!(left, [orphan], "the orphan is what this part is about");
    let server = PrivateServer::start(config(engine, dir)).await.expect("works");
    assert!(processes_on(dir).iter().all(|(pid, _)| *pid != orphan));
    server.stop().await.expect("works");
}

async fn an_interrupted_initialisation_is_begun_anew(engine: EngineKind, test: &str) {
    if let Some(dir) = std::env::var_os(ROLE) {
        return own_a_server(engine, dir.into()).await;
    }
    for millis in [0, 100, 400, 1500] {
        let folder = tempfile::tempdir().expect("works");
        let dir = folder.path();
        let mut owner = spawn_owner(test, dir);
        while !dir.join("data.new").exists() && !dir.join("data").exists() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(millis)).await;
        owner.kill().await.expect("works");
        let server = PrivateServer::start(config(engine, dir)).await.expect("works");
        connect(server.socket()).await.execute("CREATE DATABASE works").await.expect("works");
        server.stop().await.expect("works");
        assert_all_gone(dir).await;
    }
}

#[tokio::test]
async fn no_orphan_after_kill_9_of_the_owner_mariadb() {
    no_orphan_after_kill_9_of_the_owner(EngineKind::MariaDb, "no_orphan_after_kill_9_of_the_owner_mariadb").await;
}

#[tokio::test]
async fn no_orphan_after_kill_9_of_the_owner_mysql() {
    no_orphan_after_kill_9_of_the_owner(EngineKind::MySql, "no_orphan_after_kill_9_of_the_owner_mysql").await;
}

#[tokio::test]
async fn an_interrupted_initialisation_is_begun_anew_mariadb() {
    an_interrupted_initialisation_is_begun_anew(
        EngineKind::MariaDb,
        "an_interrupted_initialisation_is_begun_anew_mariadb",
    )
    .await;
}

#[tokio::test]
async fn an_interrupted_initialisation_is_begun_anew_mysql() {
    an_interrupted_initialisation_is_begun_anew(EngineKind::MySql, "an_interrupted_initialisation_is_begun_anew_mysql")
        .await;
}

/// A terminal's Ctrl-C reaches the whole foreground process group: payhist decides when its server stops.
#[tokio::test]
async fn ctrl_c_in_the_terminal_does_not_reach_the_server() {
    const TEST: &str = "ctrl_c_in_the_terminal_does_not_reach_the_server";
    if let Some(dir) = std::env::var_os(ROLE) {
        // Survives SIGINT, as `payhist demo` does while it drains.
        let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).unwrap();
        return tokio::join!(own_a_server(EngineKind::MariaDb, dir.into()), async {
            while interrupts.recv().await.is_some() {}
        })
        .0;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", TEST, "--nocapture"]).env(ROLE, folder.path()).stdout(Stdio::piped());
    let mut owner = command.process_group(0).kill_on_drop(true).spawn().unwrap();
    let group = Pid::from_raw(i32::try_from(owner.id().unwrap()).unwrap()).unwrap();
    wait_until_ready(&mut owner).await;
    kill_process_group(group, Signal::INT).unwrap();
    let report = fs::read_to_string(folder.path().join("report")).unwrap();
    let mut connection = connect(Path::new(report.lines().nth(1).unwrap())).await;
    connection.execute("SELECT SLEEP(1)").await.unwrap();
    owner.kill().await.unwrap();
    assert_all_gone(folder.path()).await;
}
