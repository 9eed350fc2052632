//! A conversion killed with -9 at every fault point: the same command finishes it, or --abort takes it back, and every row is
//! there once.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use rstest::rstest;
use sqlx::{AssertSqlSafe, Executor};
use std::process::{Command, Output};
use support::{Frozen, PAYHIST, configuration};

const ROWS: u32 = 2_500;

/// With the pass at which the process dies, and whether the tables have changed places by then.
const FAULTS: [(&str, bool); 14] = [
    ("convert.after_begin", false),
    ("convert.after_create", false),
    ("convert.after_shape", false),
    ("convert.after_trigger:1", false),
    ("convert.after_trigger:2", false),
    ("convert.after_trigger:3", false),
    ("convert.after_chunk:1", false),
    ("convert.after_chunk:3", false),
    ("convert.after_position:2", false),
    ("convert.before_exchange", false),
    ("convert.after_exchange", true),
    ("convert.after_trigger_drop:1", true),
    ("convert.after_trigger_drop:3", true),
    ("convert.after_done", true),
];

struct Site {
    test: TestOps,
    config: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn new(engine: EngineKind) -> Self {
        let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
        let folder = tempfile::tempdir().unwrap();
        let config = configuration(&test, folder.path());
        let history = format!(
            "[[history]]\nname = \"shop\"\nsource = \"main\"\nschema = \"{}\"\ntable_pattern = \"t\"\nroute = {{ kind = \"single\" }}\n\
             [history.policy]\nzone = \"UTC\"\npremake_months = 1\n",
            test.db.name()
        );
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text + &history).unwrap();
        let site = Self { test, config, _folder: folder };
        site.run("CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, user_id INT NOT NULL, note TEXT NULL, `at` DATETIME NOT NULL)").await;
        let values: Vec<_> =
            (0..ROWS).map(|row| format!("({row}, 'n{row}', '2026-{:02}-03 04:05:06')", 4 + row % 6)).collect();
        site.run(&format!("INSERT INTO t (user_id, note, `at`) VALUES {}", values.join(", "))).await;
        site
    }

    async fn run(&self, sql: &str) {
        let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        self.test.db.connect().await.execute(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn rows(&self) -> Vec<String> {
        let sql = "SELECT CAST(CONCAT_WS('|', id, user_id, note, `at`) AS CHAR) FROM t ORDER BY id";
        sqlx::query_scalar(sql).fetch_all(&mut self.test.db.connect().await).await.unwrap()
    }

    fn convert(&self, arguments: &[&str], fault: Option<&str>) -> Output {
        self.command(arguments, fault).output().unwrap()
    }

    fn command(&self, arguments: &[&str], fault: Option<&str>) -> Command {
        let mut command = Command::new(PAYHIST);
        command.args(["partitions", "convert", "--history", "shop", "--json", "--config"]).arg(&self.config);
        command.args(arguments);
        if let Some(fault) = fault {
            command.env("PAYHIST_FAULT", fault);
        }
        command
    }

    fn hash(&self) -> String {
        let plan: serde_json::Value = serde_json::from_slice(&self.convert(&[], None).stdout).unwrap();
        plan["hash"].as_str().unwrap().to_owned()
    }

    /// Killed there, while the application goes on.
    async fn killed(&self, fault: &str) -> (String, Vec<String>) {
        let hash = self.hash();
        let died = self.convert(&["--apply", &hash], Some(fault));
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&died.status),
            Some(6),
            "{fault} was not reached: {died:?}"
        );
        self.run("DELETE FROM t WHERE id % 100 = 1; UPDATE t SET note = 'new', `at` = '2026-10-09' WHERE id % 100 = 2; INSERT INTO t (user_id, `at`) VALUES (7, '2026-11-03')").await;
        self.run("UPDATE lease SET expires_at = '2000-01-01'").await;
        (hash, self.rows().await)
    }

    /// Partitions of the table, triggers, tables whose names begin like its.
    async fn objects(&self) -> (i64, i64, i64) {
        sqlx::query_as(
            "SELECT (SELECT COUNT(PARTITION_NAME) FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't'), \
             (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()), \
             (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND (TABLE_NAME = 't' OR TABLE_NAME LIKE 't|_%' ESCAPE '|'))",
        )
        .fetch_one(&mut self.test.db.connect().await)
        .await
        .unwrap()
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_conversion_killed_anywhere_is_finished_by_repeating_it(#[case] engine: EngineKind) {
    for (fault, _) in FAULTS {
        let site = Site::new(engine).await;
        let (hash, rows) = site.killed(fault).await;
        let again = site.convert(&["--apply", &hash], None);
        assert!(again.status.success(), "{fault}: the same command finishes: {again:?}");
        assert_eq!(site.rows().await, rows, "{fault}");
        let (partitions, triggers, tables) = site.objects().await;
        assert!(partitions >= 8 && triggers == 0 && tables == 2, "{fault}: {partitions}, {triggers}, {tables}");
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_conversion_killed_anywhere_can_be_given_up_until_the_tables_change_places(#[case] engine: EngineKind) {
    for (fault, is_exchanged) in FAULTS {
        let site = Site::new(engine).await;
        let (_, rows) = site.killed(fault).await;
        let given_up = site.convert(&["--abort"], None);
        assert!(given_up.status.success(), "{fault}: {given_up:?}");
        assert_eq!(site.rows().await, rows, "{fault}");
        let (partitions, triggers, tables) = site.objects().await;
        assert_eq!((partitions > 0, triggers, tables), (is_exchanged, 0, 1 + i64::from(is_exchanged)), "{fault}");
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_process_that_was_frozen_before_the_exchange_never_exchanges_another_ones_shadow(#[case] engine: EngineKind) {
    let site = Site::new(engine).await;
    let first = site.hash();
    let mut frozen =
        Frozen::start(&mut site.command(&["--apply", &first], Some("convert.before_exchange:freeze"))).await;
    site.run("UPDATE lease SET expires_at = '2000-01-01'").await;
    let given_up = site.convert(&["--abort"], None);
    assert!(given_up.status.success(), "{given_up:?}");
    let (second, rows) = site.killed("convert.after_chunk:1").await;

    assert_eq!(frozen.wake().code(), Some(1));
    assert_eq!((site.rows().await, site.objects().await), (rows.clone(), (0, 3, 2)), "nothing has changed places");
    let finished = site.convert(&["--apply", &second], None);
    assert!(finished.status.success(), "{finished:?}");
    assert_eq!(site.rows().await, rows);
}

#[tokio::test]
async fn rows_that_only_the_shadow_has_are_never_dropped() {
    let site = Site::new(EngineKind::MariaDb).await;
    let (hash, _) = site.killed("convert.after_exchange").await;
    // Somebody exchanges them back by hand: what came meanwhile is in the shadow alone.
    site.run("RENAME TABLE t TO t_payhist_new, t_before_payhist TO t").await;
    for arguments in [&["--abort"][..], &["--apply", &hash]] {
        let refused = site.convert(arguments, None);
        assert!(!refused.status.success(), "{refused:?}");
        assert_eq!(site.objects().await, (0, 3, 2));
    }
}
