//! A history whose oldest month is archived by `payhist` processes.

use super::{PAYHIST, configuration};
use payhist_ops::auth::Permit;
use payhist_ops::rotation;
use payhist_testkit::TestOps;
use payhist_types::history::{Policy, Switches};
use payhist_types::{EngineKind, Month};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Its one table.
pub(crate) const TABLE: &str = "payment_history_shard_0";

/// A history of one shard whose month -6 has rows and is in quarantine.
pub(crate) struct Site {
    pub(crate) test: TestOps,
    pub(crate) month: Month,
    config: PathBuf,
    /// The folder of archives, where they go to one.
    pub(crate) archive: PathBuf,
    _folder: tempfile::TempDir,
}

impl Site {
    /// Archives go to that folder, or to one of its own. The month is due, and kept in quarantine.
    pub(crate) async fn new(engine: EngineKind, archive: Option<&Path>, rows: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive.map_or_else(|| folder.path().join("archive"), Path::to_owned);
        let target = format!("url = \"{}\"", archive.display());
        Self { archive, ..Self::with(engine, folder, &target, 6, rows).await }
    }

    /// Archives go to that target, in lines of the configuration.
    pub(crate) async fn with(
        engine: EngineKind,
        folder: tempfile::TempDir,
        target: &str,
        retention_months: u16,
        rows: u32,
    ) -> Self {
        let test = TestOps::new(engine, &real_now().to_rfc3339()).await;
        let today = payhist_plan::months::month_of(real_now(), chrono_tz::Tz::UTC);
        let policy = Policy {
            premake_months: None,
            retention_months: Some(retention_months),
            quarantine_days: Some(31), // so that month -6 is due on any day
            archive: Some("cold".to_owned()),
            zone: "UTC".to_owned(),
            ..Policy::default()
        };
        let month = today.plus(-6).unwrap();
        let switches = Switches { drop: true, ..Switches::default() };
        test.history(1, policy, switches, &month.to_string(), &today.to_string()).await;
        let config = configuration(&test, folder.path());
        let key = "0f".repeat(32);
        let mut file = std::fs::File::options().append(true).open(&config).unwrap();
        writeln!(file, "[archive.cold]\n{target}\n[encryption]\nkey = \"{key}\"").unwrap();
        let sql = format!(
            "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, payer_name, \
             created_at, updated_at) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
             SELECT i, i % 50, LEFT(SHA2(i, 256), 32), 'p', 'card', 'PAID', i + 0.25, 'EUR', LEFT(SHA2(-i, 256), 32), \
             '{month}-03', '{month}-04' FROM n"
        );
        let site = Self { test, month, config, archive: PathBuf::new(), _folder: folder };
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

    pub(crate) fn run(&self, arguments: &[&str], fault: Option<&str>) -> Output {
        self.command(arguments, fault).output().unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str], fault: Option<&str>) -> Command {
        let mut command = Command::new(PAYHIST);
        command.args(arguments).arg("--json").arg("--config").arg(&self.config);
        if let Some(fault) = fault {
            command.env("PAYHIST_FAULT", fault);
        }
        command
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.run(arguments, None).stdout).unwrap()
    }

    /// States and rows of the archives.
    pub(crate) fn archives(&self) -> Vec<(String, u64)> {
        let list = self.json(&["archive", "list"]);
        let one = |archive: &Value| (archive["state"].as_str().unwrap().to_owned(), archive["rows"].as_u64().unwrap());
        list.as_array().unwrap().iter().map(one).collect()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) FROM `{table}`");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.test.db.connect().await).await.unwrap()
    }

    pub(crate) async fn has(&self, table: &str) -> bool {
        let sql = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
        let mut connection = self.test.db.connect().await;
        let found = sqlx::query_scalar::<_, i64>(sql).bind(self.test.db.name()).bind(table);
        found.fetch_one(&mut connection).await.unwrap() > 0
    }

    pub(crate) fn twin(&self) -> String {
        payhist_plan::twins::name(TABLE, &payhist_plan::months::partition_name(self.month))
    }

    pub(crate) fn restored(&self) -> String {
        format!("{TABLE}_restored_{}", self.month.to_string().replace('-', ""))
    }

    /// Ends the lease of the killed process.
    pub(crate) async fn end_lease(&self) {
        let mut connection = self.test.db.connect().await;
        sqlx::query("UPDATE lease SET expires_at = '2000-01-01'").execute(&mut connection).await.unwrap();
    }

    pub(crate) async fn end_holds(&self) {
        let mut connection = self.test.db.connect().await;
        sqlx::query("UPDATE legal_hold SET until = '2000-01-01'").execute(&mut connection).await.unwrap();
    }

    pub(crate) async fn assert_nothing_left_to_do(&self) {
        let plan = rotation::plan(&self.test.ops, &Permit::for_command(), "").await.unwrap();
        assert_eq!(plan.active_steps().count(), 0, "{:#?}", plan.steps);
    }

    /// What the archive's folder holds.
    pub(crate) fn files(&self) -> Vec<String> {
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
