//! `payhist payments export`: the file is there only when it is whole, and the exit code says so.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_ops::auth::Permit;
use payhist_ops::export;
use payhist_testkit::{Sessions, TestOps, running};
use payhist_types::EngineKind;
use payhist_types::export::{ExportManifest, ExportState};
use payhist_types::history::{Policy, Switches};
use sha2::{Digest, Sha256};
use sqlx::Connection;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use support::{PAYHIST, configuration};

const SHARD: &str = "payment_history_shard_0";

/// The payments have a schema of their own: a command that starts looks at that of the control tables, and would wait for a
/// lock within it.
async fn site() -> (TestOps, tempfile::TempDir) {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:00Z").await;
    let policy = Policy { premake_months: None, retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
    let schema = test.db.schema("pay").await;
    let spec = TestOps::spec_in(&schema, 1, policy);
    let mut connection = test.db.connect().await;
    TestOps::make_history(&test.ops, &mut connection, &spec, Switches::default(), "2026-10", "2026-12").await;
    test.pay(&format!("{schema}`.`{SHARD}"), [(2, 2, "2026-10-02"), (4, 4, "2026-11-04")]).await;
    let folder = tempfile::tempdir().unwrap();
    configuration(&test, folder.path());
    (test, folder)
}

fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(PAYHIST);
    command.current_dir(folder).env("PAYHIST_CONFIG", "payhist.toml").args(["payments", "export", "--json"]);
    command.args(arguments.split(' ')).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &str) -> Output {
    command(folder, arguments).output().unwrap()
}

fn manifest(path: &Path) -> ExportManifest {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "payhist.toml");
    names.sort();
    names
}

#[tokio::test]
async fn the_file_its_manifest_and_the_exit_code_agree() {
    let (_test, folder) = site().await;
    let folder = folder.path();
    for format in ["csv", "ndjson", "parquet"] {
        let output = run(folder, &format!("--format {format} --from 2026-11-01 --out a.{format}"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let manifest = manifest(&folder.join(format!("a.{format}.manifest.json")));
        assert_eq!(serde_json::from_slice::<ExportManifest>(&output.stdout).unwrap(), manifest);
        let bytes = fs::read(folder.join(format!("a.{format}"))).unwrap();
        assert_eq!(manifest.file, format!("a.{format}"));
        assert_eq!((manifest.export.state, manifest.export.rows), (ExportState::Complete, 1));
        assert_eq!(manifest.export.bytes, bytes.len() as u64);
        assert_eq!(manifest.export.sha256, Some(hex::encode(Sha256::digest(&bytes))));
    }
    let clear = run(folder, "--format csv --clear --reason dispute --out clear.csv");
    assert_eq!(clear.status.code(), Some(0));
    assert!(fs::read_to_string(folder.join("clear.csv")).unwrap().contains("Ann 4"));
    for (code, wrong) in [
        (2, "--format csv --out a.csv"),
        (0, "--format csv --replace --out a.csv"),
        (2, "--format csv --user x --out b.csv"),
        (2, "--format csv --limit 5 --out b.csv"),
        (2, "--format csv --clear --out b.csv"),
        (2, "--format xlsx --out b.csv"),
        (1, "--format csv --history nothing --out b.csv"),
        (1, "--format csv --out none/b.csv"),
    ] {
        let output = run(folder, wrong);
        assert_eq!(output.status.code(), Some(code), "{wrong}: {output:?}");
    }
    assert!(!folder.join("b.csv").exists());
}

/// An export that stands still at a locked table.
#[expect(clippy::zombie_processes, reason = "the test waits for it")]
async fn standing_still(test: &TestOps, folder: &Path) -> (Child, Sessions) {
    let mut sessions = Sessions::new(&test.db.connect_options(), &["owner"]).await;
    sessions.step("owner", &format!("LOCK TABLES {}_pay.{SHARD} WRITE", test.db.name())).await.done();
    let child = command(folder, "--format csv --out a.csv").spawn().unwrap();
    let mut connection = sqlx::MySqlConnection::connect_with(&test.db.connect_options()).await.unwrap();
    loop {
        let reading = running(&mut connection, &format!("SELECT `payment_id`%`{}_pay`%", test.db.name())).await;
        if reading == 1 && folder.join("a.csv.part").exists() {
            return (child, sessions);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_killed_export_leaves_no_file_and_a_record_that_is_not_complete() {
    let (test, folder) = site().await;
    let (mut child, _owner) = standing_still(&test, folder.path()).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(files(folder.path()), ["a.csv.part"]);
    let find = async || export::find(&test.ops, &Permit::for_command(), 1).await.unwrap();
    assert_eq!(find().await.state, ExportState::Running, "nobody could say more yet");
    test.clock.set("2030-01-01T00:00:00Z".parse().unwrap());
    let left = find().await;
    assert_eq!((left.state, left.sha256), (ExportState::Failed, None));
}

#[tokio::test]
async fn an_interrupted_export_says_so_in_what_there_is_of_the_file() {
    let (test, folder) = site().await;
    let (child, _owner) = standing_still(&test, folder.path()).await;
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(files(folder.path()), ["a.csv.part", "a.csv.part.manifest.json"]);
    let part = fs::read_to_string(folder.path().join("a.csv.part")).unwrap();
    assert_eq!(part, "# INCOMPLETE: payhist was told to stop\n");
    let export = manifest(&folder.path().join("a.csv.part.manifest.json")).export;
    assert_eq!((export.state, export.failure.as_deref()), (ExportState::Cancelled, Some("payhist was told to stop")));
}
