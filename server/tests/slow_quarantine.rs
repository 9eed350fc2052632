//! Quarantine, final drop and restore killed with -9 at every fault point: the next command finishes, and every row is
//! where it belongs.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_ops::auth::Permit;
use payhist_ops::rotation;
use payhist_testkit::TestOps;
use payhist_types::history::{Policy, Switches};
use payhist_types::{EngineKind, Month};
use rstest::rstest;
use sqlx::AssertSqlSafe;
use std::process::{Command, ExitStatus, Stdio};
use support::{PAYHIST, configuration};

const TABLE: &str = "payment_history_shard_0";

/// A history of one shard around today: month -7 has expired, month -6 must leave by now, the others stay.
struct Site {
    test: TestOps,
    today: Month,
    config: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn new(engine: EngineKind, first: i32) -> Self {
        let test = TestOps::new(engine, &real_now().to_rfc3339()).await;
        let today = payhist_plan::months::month_of(real_now(), chrono_tz::Tz::UTC);
        let policy = Policy {
            premake_months: None,
            retention_months: Some(6),
            quarantine_days: Some(31),
            archive: None, // so that month -6 is due on any day
            zone: "UTC".to_owned(),
            ..Policy::default()
        };
        let month = |months| today.plus(months).unwrap().to_string();
        let switches = Switches { drop: true, ..Switches::default() };
        test.history(1, policy, switches, &month(first), &month(1)).await;
        let folder = tempfile::tempdir().unwrap();
        let config = configuration(&test, folder.path());
        let site = Self { test, today, config, _folder: folder };
        for months in first..=0 {
            for day in 1..=3 {
                site.insert(months, day).await;
            }
        }
        site
    }

    fn month(&self, months: i32) -> Month {
        self.today.plus(months).unwrap()
    }

    fn twin(&self, months: i32) -> String {
        payhist_plan::twins::name(TABLE, &payhist_plan::months::partition_name(self.month(months)))
    }

    async fn insert(&self, months: i32, day: u32) {
        let (month, id) = (self.month(months), (months + 20) * 100 + i32::try_from(day).unwrap());
        let sql = format!(
            "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at) \
             VALUES ({id}, {id}, 'o', 'p', 'card', 'PAID', {id}.25, 'EUR', '{month}-{day:02}', '{month}-{day:02}')"
        );
        sqlx::query(AssertSqlSafe(sql)).execute(&mut self.test.db.connect().await).await.unwrap();
    }

    /// Every row of a table, whole enough to tell it from any other.
    async fn rows(&self, table: &str) -> Vec<String> {
        let sql = format!(
            "SELECT CAST(CONCAT_WS('|', payment_id, user_id, status, amount, currency, created_at, updated_at) AS CHAR) \
             FROM `{table}` ORDER BY payment_id"
        );
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.test.db.connect().await).await.unwrap()
    }

    /// The tables of the history's schema that could be twins.
    async fn twins(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE 'payment\\_history\\_shard\\_%\\_q%'",
        )
        .bind(self.test.db.name())
        .fetch_all(&mut self.test.db.connect().await)
        .await
        .unwrap()
    }

    fn apply(&self, fault: Option<&str>) -> ExitStatus {
        self.partitions(&["apply"], fault)
    }

    fn restore(&self, months: i32, fault: Option<&str>) -> ExitStatus {
        self.partitions(&["restore", "payments", &self.month(months).to_string()], fault)
    }

    fn partitions(&self, arguments: &[&str], fault: Option<&str>) -> ExitStatus {
        self.command(&[&["partitions"], arguments].concat(), fault)
    }

    fn command(&self, arguments: &[&str], fault: Option<&str>) -> ExitStatus {
        let mut command = Command::new(PAYHIST);
        command.args(arguments).arg("--json").arg("--config").arg(&self.config);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(fault) = fault {
            command.env("PAYHIST_FAULT", fault);
        }
        command.status().unwrap()
    }

    /// Ends the lease of the killed process.
    async fn end_lease(&self) {
        let mut connection = self.test.db.connect().await;
        sqlx::query("UPDATE lease SET expires_at = '2000-01-01'").execute(&mut connection).await.unwrap();
    }

    async fn assert_nothing_left_to_do(&self, fault: &str) {
        let plan = rotation::plan(&self.test.ops, &Permit::for_command(), "").await.unwrap();
        assert_eq!(plan.active_steps().count(), 0, "{fault}: {:#?} {:#?}", plan.steps, plan.findings);
    }
}

#[expect(clippy::disallowed_methods, reason = "the process under test reads the real clock")]
fn real_now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

fn assert_died(status: ExitStatus, fault: &str) {
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "{fault} was not reached: {status}");
}

const QUARANTINE_FAULTS: [&str; 8] = [
    "rotation.after_intent",
    "rotation.before_ddl",
    "rotation.after_create",
    "rotation.after_prepare",
    "rotation.before_exchange",
    "rotation.after_exchange",
    "rotation.after_mark",
    "rotation.after_settle",
];

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_quarantine_killed_anywhere_is_finished_by_the_next_apply(#[case] engine: EngineKind) {
    for fault in QUARANTINE_FAULTS {
        let site = Site::new(engine, -6).await;
        let before = site.rows(TABLE).await;
        assert_died(site.apply(Some(fault)), fault);
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the next one finishes");

        let twin = site.twin(-6);
        assert_eq!(site.twins().await, std::slice::from_ref(&twin), "{fault}");
        let (away, stayed) = before.split_at(3);
        assert_eq!((site.rows(&twin).await, site.rows(TABLE).await), (away.to_vec(), stayed.to_vec()), "{fault}");
        site.assert_nothing_left_to_do(fault).await;
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn late_rows_are_moved_once_wherever_the_process_is_killed(#[case] engine: EngineKind) {
    for fault in ["rotation.before_ddl", "rotation.after_ddl"] {
        let site = Site::new(engine, -6).await;
        assert!(site.apply(None).success());
        site.insert(-6, 9).await;
        let twin = site.twin(-6);
        let rows = site.rows(&twin).await.len() + site.rows(TABLE).await.len();
        assert_died(site.apply(Some(fault)), fault);
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the next one finishes");

        let (away, stayed) = (site.rows(&twin).await, site.rows(TABLE).await);
        assert_eq!((away.len(), away.len() + stayed.len()), (4, rows), "{fault}: {away:?}");
        site.assert_nothing_left_to_do(fault).await;
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_final_drop_killed_anywhere_is_finished_and_takes_its_month_only(#[case] engine: EngineKind) {
    for fault in ["rotation.before_ddl", "rotation.after_twin_drop", "rotation.after_ddl"] {
        let site = Site::new(engine, -7).await;
        let before = site.rows(TABLE).await;
        assert!(site.apply(None).success(), "both months go to quarantine");
        assert_died(site.apply(Some(fault)), fault);
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the next one finishes");

        let kept = site.twin(-6);
        assert_eq!(site.twins().await, std::slice::from_ref(&kept), "{fault}");
        let (quarantined, stayed) = before[3..].split_at(3);
        assert_eq!(
            (site.rows(&kept).await, site.rows(TABLE).await),
            (quarantined.to_vec(), stayed.to_vec()),
            "{fault}"
        );
        site.assert_nothing_left_to_do(fault).await;
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_row_that_comes_after_a_final_drop_was_killed_is_kept(#[case] engine: EngineKind) {
    for (fault, twin_is_left) in [("rotation.after_intent", true), ("rotation.after_twin_drop", false)] {
        let site = Site::new(engine, -7).await;
        assert!(site.apply(None).success(), "both months go to quarantine");
        assert_died(site.apply(Some(fault)), fault);
        site.insert(-7, 9).await;
        let late = site.rows(TABLE).await.remove(0);
        site.end_lease().await;
        // The step was planned without the row: it refuses. What is planned next takes the row to the twin.
        site.apply(None);
        let twin = site.rows(&site.twin(-7)).await;
        assert_eq!((twin.contains(&late), twin.len() > 1), (true, twin_is_left), "{fault}: {twin:?}");
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_hold_that_comes_after_a_final_drop_was_killed_keeps_what_is_left(#[case] engine: EngineKind) {
    for (fault, is_left) in
        [("rotation.before_intent", true), ("rotation.before_ddl", true), ("rotation.after_twin_drop", false)]
    {
        let site = Site::new(engine, -7).await;
        assert!(site.apply(None).success(), "both months go to quarantine");
        assert_died(site.apply(Some(fault)), fault);
        let held = site.command(&["holds", "add", "--whole-history", "--case", "1", "--reason", "audit"], None);
        assert!(held.success());
        site.end_lease().await;
        let code = site.apply(None).code();
        assert_eq!(
            code,
            if is_left { Some(3) } else { Some(0) },
            "{fault}: the run that is resumed is blocked as well"
        );
        let twin = site.twin(-7);
        assert_eq!(site.twins().await.contains(&twin), is_left, "{fault}");
        if is_left {
            assert_eq!(site.rows(&twin).await.len(), 3, "{fault}");
        }
    }
}

const RESTORE_FAULTS: [&str; 6] = [
    "restore.after_begin",
    "restore.after_merge",
    "restore.before_exchange",
    "restore.after_exchange",
    "restore.before_twin_drop",
    "restore.after_twin_drop",
];

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_restore_killed_anywhere_is_finished_by_repeating_it(#[case] engine: EngineKind) {
    for fault in RESTORE_FAULTS {
        let site = Site::new(engine, -6).await;
        let before = site.rows(TABLE).await;
        assert!(site.apply(None).success());
        site.insert(-6, 9).await;
        assert_died(site.restore(-6, Some(fault)), fault);
        site.end_lease().await;
        // Half way, a run leaves it alone: neither a step more nor a row less.
        site.assert_nothing_left_to_do(fault).await;
        assert!(site.restore(-6, None).success(), "{fault}: the next one finishes");

        let mut after = site.rows(TABLE).await;
        let late = after.remove(3);
        assert_eq!((after, late.starts_with("1409|")), (before, true), "{fault}: {late}");
        assert_eq!(site.twins().await, [""; 0], "{fault}");
        assert!(site.restore(-6, None).success(), "{fault}: repeated once more, it changes nothing");
        site.assert_nothing_left_to_do(fault).await;
    }
}

const CARVE_FAULTS: [&str; 6] = [
    "carve.after_create",
    "carve.after_prepare",
    "carve.before_copy",
    "carve.after_copy",
    "holds.before_destroy",
    "rotation.after_twin_drop",
];

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_carve_out_killed_anywhere_is_finished_and_loses_no_held_row(#[case] engine: EngineKind) {
    let shelf = payhist_plan::held::name(TABLE);
    for fault in CARVE_FAULTS {
        let site = Site::new(engine, -7).await;
        let held = site.rows(TABLE).await[1].clone();
        assert!(held.starts_with("1302|1302|"), "{held}");
        assert!(site.command(&["holds", "add", "--user", "1302", "--case", "1", "--reason", "audit"], None).success());
        assert!(site.apply(None).success(), "both months go to quarantine");
        assert_died(site.apply(Some(fault)), fault);
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the next one finishes");
        assert_eq!((site.rows(&shelf).await, site.twins().await), (vec![held], vec![site.twin(-6)]), "{fault}");
        site.assert_nothing_left_to_do(fault).await;

        sqlx::query("UPDATE legal_hold SET until = '2000-01-01'")
            .execute(&mut site.test.db.connect().await)
            .await
            .unwrap();
        assert_died(site.apply(Some("held.after_batch")), "held.after_batch");
        site.end_lease().await;
        assert!(site.apply(None).success(), "{fault}: the deletion is finished");
        assert_eq!(site.rows(&shelf).await, [""; 0], "{fault}");
        site.assert_nothing_left_to_do(fault).await;
    }
}
