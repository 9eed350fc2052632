//! A quarantined month that is to be archived before it is dropped.

use payhist_ops::archive::{ArchiveConfig, MasterKey, TargetConfig};
use payhist_ops::auth::Permit;
use payhist_ops::{archive, rotation};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::archive::{ArchiveState, Verification};
use payhist_types::history::{Policy, Switches};
use payhist_types::plan::RotationPlan;
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;
use std::path::PathBuf;

const NOW: &str = "2026-11-15T12:00:00Z";
pub(crate) const TABLE: &str = "payment_history_shard_0";
pub(crate) const RESTORED: &str = "payment_history_shard_0_restored_202605";

/// One shard whose May is in quarantine: 300 users, of whom the first has most payments.
pub(crate) struct Site {
    pub(crate) test: TestOps,
    pub(crate) folder: tempfile::TempDir,
}

impl Site {
    pub(crate) async fn new(engine: EngineKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = TargetConfig {
            url: folder.path().to_str().unwrap().to_owned(),
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
        };
        let archive = ArchiveConfig {
            targets: BTreeMap::from([("cold".to_owned(), target)]),
            master_key: Some(MasterKey::from_hex(&"5a".repeat(32)).unwrap()),
        };
        let test = TestOps::with_archive(engine, NOW, archive).await;
        let policy = Policy {
            premake_months: None,
            retention_months: Some(6),
            quarantine_days: Some(30),
            archive: Some("cold".to_owned()),
            zone: "UTC".to_owned(),
            ..Policy::default()
        };
        test.history(1, policy, Switches { drop: true, ..Switches::default() }, "2026-05", "2026-12").await;
        let site = Self { test, folder };
        let users = [(1, 200)].into_iter().chain((2..=300).map(|user| (user, 2)));
        let values = users.flat_map(|(user, payments)| {
            (0..payments).map(move |number| {
                let (id, day, hour) = (user * 1_000 + number, 1 + number % 31, user % 24);
                let name = if user % 7 == 0 { "NULL".to_owned() } else { format!("'Zoë Müller {user}'") };
                let amount = if number % 5 == 0 { "-0.0001".to_owned() } else { format!("{id}.25") };
                let currency = if user % 2 == 0 { "EUR" } else { "KRW" };
                format!(
                    "({id}, {user}, 'o{id}', 'p', 'card', 'PAID', {amount}, '{currency}', {name}, 'mail{user}@example.org', \
                     '2026-05-{day:02} {hour:02}:00:00.000001', '2026-05-{day:02} 23:59:59.999999')"
                )
            })
        });
        site.insert(TABLE, &values.collect::<Vec<_>>().join(",")).await;
        let run = site.apply().await;
        assert_eq!((run.steps[0].action.as_str(), run.outcome), ("quarantine 2026-05", RunOutcome::Done), "{run:#?}");
        site
    }

    pub(crate) async fn insert(&self, table: &str, values: &str) {
        self.execute(&format!(
            "INSERT INTO `{table}` (payment_id, user_id, order_id, provider, method, status, amount, currency, \
             payer_name, payer_email, created_at, updated_at) VALUES {values}"
        ))
        .await;
    }

    /// One more payment of May, with that id.
    pub(crate) async fn insert_one(&self, table: &str, id: u64) {
        let values =
            format!("({id}, 1, 'late', 'p', 'card', 'PAID', 1, 'EUR', 'Late', NULL, '2026-05-09', '2026-05-09')");
        self.insert(table, &values).await;
    }

    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut self.test.db.connect().await).await.unwrap();
    }

    pub(crate) async fn plan(&self) -> RotationPlan {
        rotation::plan(&self.test.ops, &Permit::for_command(), "").await.unwrap()
    }

    pub(crate) async fn steps(&self) -> Vec<(&'static str, bool)> {
        self.plan().await.steps.iter().map(|step| (step.action.verb(), step.is_active())).collect()
    }

    pub(crate) async fn apply(&self) -> RotationRun {
        let hash = self.plan().await.hash.0;
        rotation::apply_and_wait(&self.test.ops, &Permit::for_command(), "", &hash).await.unwrap()
    }

    pub(crate) async fn applied(&self) -> Vec<(StepOutcome, Option<u64>)> {
        self.apply().await.steps.iter().map(|step| (step.outcome, step.rows)).collect()
    }

    pub(crate) async fn twin(&self) -> String {
        let sql = "SELECT CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE 'payment\\_history\\_shard\\_0\\_p202605\\_q%'";
        sqlx::query_scalar(sql).bind(self.test.db.name()).fetch_one(&mut self.test.db.connect().await).await.unwrap()
    }

    /// Every row of a table, each value in full.
    pub(crate) async fn rows(&self, table: &str) -> Vec<String> {
        let sql = format!(
            "SELECT CAST(CONCAT_WS('|', payment_id, user_id, order_id, provider, method, status, amount, currency, \
             COALESCE(payer_name, '-'), COALESCE(payer_email, '-'), COALESCE(failure_code, '-'), version, created_at, \
             updated_at) AS CHAR) FROM `{table}` ORDER BY payment_id"
        );
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.test.db.connect().await).await.unwrap()
    }

    pub(crate) async fn states(&self) -> Vec<(ArchiveState, u64)> {
        let archives = archive::list(&self.test.ops, &Permit::for_command(), "", None).await.unwrap();
        archives.iter().map(|archive| (archive.state, archive.rows)).collect()
    }

    pub(crate) async fn verify(&self) -> Vec<Verification> {
        archive::verify(&self.test.ops, &Permit::for_command(), "", None).await.unwrap()
    }

    pub(crate) async fn restore(&self) -> payhist_types::archive::ArchiveRestored {
        let month = "2026-05".parse().unwrap();
        archive::restore(&self.test.ops, &Permit::for_command(), "", month).await.unwrap().remove(0)
    }

    /// The files of the archive, by name.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("payments/2026-05");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}
