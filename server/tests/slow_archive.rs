//! Archives killed with -9 at every fault point, and a disk that fills up under one: nothing is dropped, no half archive
//! counts, and the next run finishes.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_ops::auth::Permit;
use payhist_ops::rotation;
use payhist_testkit::TestOps;
use payhist_types::history::{Policy, Switches};
use payhist_types::{EngineKind, Month};
use rstest::rstest;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{Frozen, PAYHIST, configuration};

const TABLE: &str = "payment_history_shard_0";

/// A history of one shard whose month -6 has rows and must leave by now.
struct Site {
    test: TestOps,
    month: Month,
    config: PathBuf,
    archive: PathBuf,
    _folder: tempfile::TempDir,
}

impl Site {
    /// Archives go to that folder, or to one of its own.
    async fn new(engine: EngineKind, archive: Option<&Path>, rows: u32) -> Self {
        let test = TestOps::new(engine, &real_now().to_rfc3339()).await;
        let today = payhist_plan::months::month_of(real_now(), chrono_tz::Tz::UTC);
        let policy = Policy {
            premake_months: None,
            retention_months: Some(6),
            quarantine_days: Some(31), // so that month -6 is due on any day
            archive: Some("cold".to_owned()),
            zone: "UTC".to_owned(),
            ..Policy::default()
        };
        let month = today.plus(-6).unwrap();
        let switches = Switches { drop: true, ..Switches::default() };
        test.history(1, policy, switches, &month.to_string(), &today.to_string()).await;
        let folder = tempfile::tempdir().unwrap();
        let config = configuration(&test, folder.path());
        let archive = archive.map_or_else(|| folder.path().join("archive"), Path::to_owned);
        let key = "0f".repeat(32);
        let mut file = std::fs::File::options().append(true).open(&config).unwrap();
        writeln!(file, "[archive.cold]\nurl = \"{}\"\n[encryption]\nkey = \"{key}\"", archive.display()).unwrap();
        let sql = format!(
            "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, payer_name, \
             created_at, updated_at) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
             SELECT i, i % 50, LEFT(SHA2(i, 256), 32), 'p', 'card', 'PAID', i + 0.25, 'EUR', LEFT(SHA2(-i, 256), 32), \
             '{month}-03', '{month}-04' FROM n"
        );
        let site = Self { test, month, config, archive, _folder: folder };
        let mut connection = site.test.db.connect().await;
        let deep = match engine {
            EngineKind::MariaDb => "SET max_recursive_iterations = 10000000",
            EngineKind::MySql => "SET cte_max_recursion_depth = 10000000",
        };
        sqlx::query(deep).execute(&mut connection).await.unwrap();
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        assert!(site.run(&["partitions", "apply"], None).status.success(), "the month goes to quarantine");
        site
    }

    fn run(&self, arguments: &[&str], fault: Option<&str>) -> Output {
        self.command(arguments, fault).output().unwrap()
    }

    fn command(&self, arguments: &[&str], fault: Option<&str>) -> Command {
        let mut command = Command::new(PAYHIST);
        command.args(arguments).arg("--json").arg("--config").arg(&self.config);
        if let Some(fault) = fault {
            command.env("PAYHIST_FAULT", fault);
        }
        command
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.run(arguments, None).stdout).unwrap()
    }

    /// States and rows of the archives.
    fn archives(&self) -> Vec<(String, u64)> {
        let list = self.json(&["archive", "list"]);
        let one = |archive: &Value| (archive["state"].as_str().unwrap().to_owned(), archive["rows"].as_u64().unwrap());
        list.as_array().unwrap().iter().map(one).collect()
    }

    async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) FROM `{table}`");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.test.db.connect().await).await.unwrap()
    }

    fn twin(&self) -> String {
        payhist_plan::twins::name(TABLE, &payhist_plan::months::partition_name(self.month))
    }

    fn restored(&self) -> String {
        format!("{TABLE}_restored_{}", self.month.to_string().replace('-', ""))
    }

    /// Ends the lease of the killed process.
    async fn end_lease(&self) {
        let mut connection = self.test.db.connect().await;
        sqlx::query("UPDATE lease SET expires_at = '2000-01-01'").execute(&mut connection).await.unwrap();
    }

    async fn end_holds(&self) {
        let mut connection = self.test.db.connect().await;
        sqlx::query("UPDATE legal_hold SET until = '2000-01-01'").execute(&mut connection).await.unwrap();
    }

    async fn assert_nothing_left_to_do(&self) {
        let plan = rotation::plan(&self.test.ops, &Permit::for_command(), "").await.unwrap();
        assert_eq!(plan.active_steps().count(), 0, "{:#?}", plan.steps);
    }

    /// What the archive's folder holds.
    fn files(&self) -> Vec<String> {
        let folder = self.archive.join("payments").join(self.month.to_string());
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[expect(clippy::disallowed_methods, reason = "the process under test reads the real clock")]
fn real_now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_archive_killed_anywhere_is_finished_by_the_next_apply(#[case] engine: EngineKind) {
    for fault in [
        "rotation.after_intent",
        "archive.after_begin",
        "archive.after_upload",
        "archive.after_rename",
        "archive.after_manifest",
        "archive.after_record",
        "rotation.after_settle",
    ] {
        let site = Site::new(engine, None, 500).await;
        let died = site.run(&["partitions", "apply"], Some(fault)).status;
        assert_eq!(died.signal(), Some(6), "{fault} was not reached: {died}");
        site.end_lease().await;
        assert_eq!(site.count(&site.twin()).await, 500, "{fault}");
        assert!(site.run(&["partitions", "apply"], None).status.success(), "{fault}: the next one finishes");
        assert_eq!(site.archives(), [("verified".to_owned(), 500)], "{fault}");
        let [file, manifest] = &site.files()[..] else { panic!("{fault}: {:?}", site.files()) };
        assert_eq!(*manifest, format!("{file}.json"), "{fault}");
        assert!(site.run(&["archive", "verify"], None).status.success(), "{fault}");
        site.assert_nothing_left_to_do().await;
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_deletion_killed_anywhere_is_finished_by_repeating_it(#[case] engine: EngineKind) {
    let site = Site::new(engine, None, 50).await;
    let delete = ["archive", "delete", "payments", &site.month.to_string(), "--reason", "kept long enough"];
    assert!(site.run(&["partitions", "apply"], None).status.success());
    let hold = ["holds", "add", "--user", "1", "--case", "1", "--reason", "audit"];
    assert!(site.run(&hold, None).status.success());
    assert_eq!(site.run(&delete, None).status.code(), Some(3), "a hold may keep rows of it");
    assert_eq!(site.archives(), [("verified".to_owned(), 50)]);
    site.end_holds().await;
    for fault in ["archive.after_delete_begun", "archive.after_manifest_deleted"] {
        assert!(site.run(&["partitions", "apply"], None).status.success(), "{fault}");
        assert_eq!(site.run(&delete, Some(fault)).status.signal(), Some(6), "{fault} was not reached");
        site.end_lease().await;
        assert_eq!(site.archives().last().unwrap().0, "deleting", "{fault}: good for no drop any more");
        assert!(site.run(&delete, None).status.success(), "{fault}");
        assert_eq!((site.archives().last().unwrap().0.as_str(), site.files()), ("deleted", vec![]), "{fault}");
    }
    assert_eq!(site.count(&site.twin()).await, 50);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_store_that_keeps_something_else_than_was_written_has_no_archive(#[case] engine: EngineKind) {
    let site = Site::new(engine, None, 500).await;
    let mut apply = site.command(&["partitions", "apply"], Some("archive.after_upload:freeze"));
    let mut frozen = Frozen::start(&mut apply).await;
    let [file] = &site.files()[..] else { panic!("{:?}", site.files()) };
    let path = site.archive.join("payments").join(site.month.to_string()).join(file);
    let mut bytes = std::fs::read(&path).unwrap();
    // In the footer's words, which neither the rows' checksum nor a decryption covers.
    let place = bytes.windows(13).position(|part| part == b"payhist.table").unwrap();
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(frozen.wake().code(), Some(1));
    assert_eq!(site.archives(), [("writing".to_owned(), 0)]);
    assert_eq!(site.count(&site.twin()).await, 500);
    assert!(site.run(&["partitions", "apply"], None).status.success(), "the next one archives it");
    assert_eq!(site.archives(), [("verified".to_owned(), 500)]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_restore_of_an_archive_killed_anywhere_is_finished_by_repeating_it(#[case] engine: EngineKind) {
    let site = Site::new(engine, None, 500).await;
    assert!(site.run(&["partitions", "apply"], None).status.success());
    let month = site.month.to_string();
    let restore = ["archive", "restore", "payments", &month];
    for fault in ["archive.after_create", "archive.after_prepare", "archive.after_batch", "archive.after_load"] {
        assert_eq!(site.run(&restore, Some(fault)).status.signal(), Some(6), "{fault} was not reached");
        site.end_lease().await;
    }
    for already_there in [false, true] {
        assert_eq!(site.json(&restore)[0]["already_there"], already_there);
        assert_eq!(site.count(&site.restored()).await, 500);
    }
}

/// A tmpfs, unmounted when dropped.
struct Disk(tempfile::TempDir);

impl Drop for Disk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn mount(options: &str, folder: &Path) -> bool {
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output();
    mount.is_ok_and(|mount| mount.status.success())
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_disk_that_fills_up_leaves_no_half_archive_and_the_next_run_finishes(#[case] engine: EngineKind) {
    let disk = Disk(tempfile::tempdir().unwrap());
    if !mount("size=1m", disk.0.path()) {
        eprintln!("not tested: mounting a tmpfs is not permitted here");
        return;
    }
    let site = Site::new(engine, Some(disk.0.path()), 40_000).await;
    for _ in 0..2 {
        let failed = site.run(&["partitions", "apply"], None);
        let said = String::from_utf8_lossy(&failed.stdout).into_owned();
        assert_eq!(failed.status.code(), Some(1), "{said}");
        let place = format!("writing payments/{}/{TABLE}.", site.month);
        assert!(said.contains("the disk of the archive is full") && said.contains(&place), "{said}");
        assert_eq!(site.archives(), [("writing".to_owned(), 0)]);
        assert_eq!(site.count(&site.twin()).await, 40_000, "nothing is dropped");
        assert_eq!(site.files(), [""; 0], "nothing is left on the disk");
    }
    assert!(mount("remount,size=64m", disk.0.path()));
    assert!(site.run(&["partitions", "apply"], None).status.success(), "with room the next run finishes");
    assert_eq!(site.archives(), [("verified".to_owned(), 40_000)]);
    assert!(site.run(&["archive", "verify"], None).status.success());
}
