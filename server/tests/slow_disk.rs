//! Disks that are too small or fill up: the error says so, nothing is left running, and with room the same command
//! finishes with the right figures. The disk is a tmpfs; where mounting is not permitted a test says so and returns.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::TestServer;
use payhist_types::EngineKind;
use rstest::rstest;
use serde_json::Value;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::{PAYHIST, configuration_of, processes_on};
use tempfile::TempDir;

const SHARDS: u16 = 10;
const FULL: &str = "The database server's disk is full.";
/// `MySQL` says no more of a full disk in mid-`ALTER`; its log does.
const FAILED: &str = "The database server's storage engine failed.";
const AWAY: &str = "The database does not answer in time.";

/// A file system of its own, unmounted when dropped.
struct Disk(TempDir);

impl Disk {
    /// `None` where mounting is not permitted.
    fn mount(mib: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={mib}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("not tested: mounting a tmpfs is not permitted here");
        None
    }

    fn resize(&self, mib: u64) {
        let size = format!("remount,size={mib}m");
        assert!(Command::new("mount").args(["-o", &size]).arg(self.path()).status().unwrap().success());
    }

    /// Leaves so much free.
    fn leave_free(&self, mib: u64) {
        let used = Command::new("df").args(["--output=used", "-BM"]).arg(self.path()).output().unwrap();
        let used =
            String::from_utf8_lossy(&used.stdout).lines().nth(1).unwrap().trim().trim_end_matches('M').to_owned();
        self.resize(used.parse::<u64>().unwrap() + mib);
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text} {}", String::from_utf8_lossy(&output.stderr)))
}

/// Rows, different payment ids and the sum, over all shards.
async fn figures(connection: &mut MySqlConnection, tables: &str) -> (i64, i64, String) {
    let tables: Vec<_> = (0..SHARDS).map(|shard| format!("SELECT payment_id, amount FROM {tables}_{shard}")).collect();
    let sql = format!(
        "SELECT COUNT(*), COUNT(DISTINCT payment_id), CAST(SUM(amount) AS CHAR) FROM ({}) a",
        tables.join(" UNION ALL ")
    );
    sqlx::query_as(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
}

fn demo(disk: &Disk) -> Command {
    let mut command = Command::new(PAYHIST);
    command.args(["demo", "--json", "--port", "0", "--rows", "100000", "--dir"]).arg(disk.path()).stderr(Stdio::null());
    command
}

/// Runs a demo that must fail for lack of room, and answers what it says.
fn demo_without_room(disk: &Disk) -> String {
    let output = demo(disk).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(processes_on(disk.path()), [""; 0], "no server is left behind");
    json(&output)["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_demo_without_room_says_so_and_is_whole_once_there_is_room() {
    let Some(disk) = Disk::mount(64) else { return };
    let said = demo_without_room(&disk);
    assert!(
        said.contains("the disk is full") && said.contains("63 MiB free, the database server needs 256 MiB"),
        "{said}"
    );
    disk.resize(260);
    let said = demo_without_room(&disk);
    assert!(said.contains("disk is full"), "{said}");

    disk.resize(2_000);
    let mut whole = demo(&disk).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(whole.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"ready\":true"), "{line}");
    let options = MySqlConnectOptions::new().socket(disk.path().join("run/mysql.sock")).username("root");
    let mut connection = options.connect().await.unwrap();
    let (rows, ids, _) = figures(&mut connection, "payhist_payments.payment_history_shard").await;
    assert_eq!((rows, ids), (100_000, 100_000));
    drop(connection);
    assert!(Command::new("kill").args(["-TERM", &whole.id().to_string()]).status().unwrap().success());
    assert!(whole.wait().unwrap().success());
}

/// Gives the command a little more room each time, until it has enough; answers how often it had not, and its report.
/// Each time the server is restarted: `MariaDB` aborts when a rollback finds no room, and then the command knows only
/// that it is away.
async fn with_more_and_more_room(
    mut server: TestServer,
    disk: &Disk,
    command: impl Fn() -> Command,
) -> (TestServer, u32, Value) {
    for failures in 0.. {
        disk.leave_free(6);
        let output = command().output().unwrap();
        let said = json(&output);
        if output.status.success() {
            return (server, failures, said);
        }
        assert_eq!(output.status.code(), Some(1), "{said}");
        let message = said["error"]["message"].as_str().unwrap();
        assert!([FULL, FAILED, AWAY].contains(&message), "{said}");
        disk.leave_free(64);
        server = server.restart().await;
    }
    unreachable!("it had room enough in the end")
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_load_on_a_disk_that_fills_up_says_so_and_is_finished_once_there_is_room(#[case] engine: EngineKind) {
    let Some(disk) = Disk::mount(1_000) else { return };
    let server = TestServer::private_in(engine, disk.path()).await;
    server.create_schema("control").await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration_of(server.server().socket(), "control", folder.path());
    let command = |arguments: &[&str]| {
        let mut command = Command::new(PAYHIST);
        command.args(arguments).args(["--json", "--config"]).arg(&config);
        command
    };
    assert!(command(&["migrate"]).stdout(Stdio::null()).status().unwrap().success());
    let generate = ["generate", "--rows", "20000", "--months", "3", "--until", "2026-11-15T12:00:00Z"];
    let file = folder.path().join("payments.csv").to_string_lossy().into_owned();
    let written = command(&generate).args(["--history", "g", "--to", &file]).output().unwrap();
    assert_eq!(json(&written)["rows"], 20_000);

    let import = ["import", &file, "--format", "csv", "--history", "i"];
    let (server, failures, report) = with_more_and_more_room(server, &disk, || command(&import)).await;
    assert!(failures > 0 && report["already_there"].as_u64().unwrap() > 0, "{failures} failures, then {report}");
    let imported = figures(&mut server.connect().await, "payhist_i.i_shard").await;
    assert_eq!((imported.0, imported.1), (20_000, 20_000));

    let generate = [&generate[..], &["--history", "g"]].concat();
    let (server, failures, report) = with_more_and_more_room(server, &disk, || command(&generate)).await;
    assert!(failures > 0 && report["cells_kept"].as_u64().unwrap() > 0, "{failures} failures, then {report}");
    assert_eq!(figures(&mut server.connect().await, "payhist_g.g_shard").await, imported);
    assert!(server.stop().await.clean);
}
