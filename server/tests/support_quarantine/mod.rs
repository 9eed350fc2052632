//! A history around today whose months go through quarantine, and the commands that take them there.

use crate::support::{PAYHIST, configuration};
use payhist_ops::auth::Permit;
use payhist_ops::rotation;
use payhist_testkit::TestOps;
use payhist_types::history::{Policy, Switches};
use payhist_types::{EngineKind, Month};
use sqlx::AssertSqlSafe;
use std::process::{Command, ExitStatus};

pub(crate) const TABLE: &str = "payment_history_shard_0";

/// A history of one shard around today: month -7 has expired, month -6 must leave by now, the others stay.
pub(crate) struct Site {
    pub(crate) test: TestOps,
    today: Month,
    config: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(crate) async fn new(engine: EngineKind, first: i32) -> Self {
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

    pub(crate) fn month(&self, months: i32) -> Month {
        self.today.plus(months).unwrap()
    }

    pub(crate) fn twin(&self, months: i32) -> String {
        payhist_plan::twins::name(TABLE, &payhist_plan::months::partition_name(self.month(months)))
    }

    pub(crate) async fn insert(&self, months: i32, day: u32) {
        let (month, id) = (self.month(months), (months + 20) * 100 + i32::try_from(day).unwrap());
        let sql = format!(
            "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at) \
             VALUES ({id}, {id}, 'o', 'p', 'card', 'PAID', {id}.25, 'EUR', '{month}-{day:02}', '{month}-{day:02}')"
        );
        sqlx::query(AssertSqlSafe(sql)).execute(&mut self.test.db.connect().await).await.unwrap();
    }

    /// Every row of a table, whole enough to tell it from any other.
    pub(crate) async fn rows(&self, table: &str) -> Vec<String> {
        let sql = format!(
            "SELECT CAST(CONCAT_WS('|', payment_id, user_id, status, amount, currency, created_at, updated_at) AS CHAR) \
             FROM `{table}` ORDER BY payment_id"
        );
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.test.db.connect().await).await.unwrap()
    }

    /// The tables of the history's schema that could be twins.
    pub(crate) async fn twins(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES \
             WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE 'payment\\_history\\_shard\\_%\\_q%'",
        )
        .bind(self.test.db.name())
        .fetch_all(&mut self.test.db.connect().await)
        .await
        .unwrap()
    }

    pub(crate) fn apply(&self, fault: Option<&str>) -> ExitStatus {
        self.partitions(&["apply"], fault)
    }

    pub(crate) fn restore(&self, months: i32, fault: Option<&str>) -> ExitStatus {
        self.partitions(&["restore", "payments", &self.month(months).to_string()], fault)
    }

    pub(crate) fn partitions(&self, arguments: &[&str], fault: Option<&str>) -> ExitStatus {
        self.command(&[&["partitions"], arguments].concat(), fault)
    }

    /// Runs it to its end. What it says stands in the test's own output, which is shown when the test fails.
    pub(crate) fn command(&self, arguments: &[&str], fault: Option<&str>) -> ExitStatus {
        let output = self.payhist(arguments, fault).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        eprintln!("{arguments:?} with fault {fault:?}: {}\n{}", output.status, String::from_utf8_lossy(&said));
        output.status
    }

    pub(crate) fn payhist(&self, arguments: &[&str], fault: Option<&str>) -> Command {
        let mut command = Command::new(PAYHIST);
        command.args(arguments).arg("--json").arg("--config").arg(&self.config);
        if let Some(fault) = fault {
            command.env("PAYHIST_FAULT", fault);
        }
        command
    }

    /// Ends the lease of the killed process.
    pub(crate) async fn end_lease(&self) {
        let mut connection = self.test.db.connect().await;
        sqlx::query("UPDATE lease SET expires_at = '2000-01-01'").execute(&mut connection).await.unwrap();
    }

    pub(crate) async fn assert_nothing_left_to_do(&self, fault: &str) {
        let plan = rotation::plan(&self.test.ops, &Permit::for_command(), "").await.unwrap();
        assert_eq!(plan.active_steps().count(), 0, "{fault}: {:#?} {:#?}", plan.steps, plan.findings);
    }
}

#[expect(clippy::disallowed_methods, reason = "the process under test reads the real clock")]
fn real_now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

pub(crate) fn assert_died(status: ExitStatus, fault: &str) {
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "{fault} was not reached: {status}");
}
