//! Exactly the GRANTs that doctor asks for suffice for a month's whole way, and each one that is left out is named.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::archive::ArchiveConfig;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsConfig, doctor, rotation};
use payhist_storage::SourceConfig;
use payhist_testkit::TestOps;
use payhist_types::doctor::Severity;
use payhist_types::history::{Policy, Switches};
use payhist_types::holds::HoldScope;
use payhist_types::partition::RestoreOutcome;
use payhist_types::run::RunOutcome;
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use sqlx::AssertSqlSafe;
use std::sync::Arc;

const TABLE: &str = "payment_history_shard_0";
/// As docs/doctor.md says for a policy that adds, quarantines and drops months.
const GRANTS: [&str; 7] = ["SELECT", "ALTER", "CREATE", "INSERT", "DELETE", "DROP", "LOCK TABLES"];

/// Months are added, quarantined and dropped for good.
fn whole_way() -> Policy {
    Policy { quarantine_days: Some(30), retention_months: Some(6), ..adding() }
}

fn adding() -> Policy {
    Policy { premake_months: Some(2), zone: "UTC".to_owned(), ..Policy::default() }
}

/// A history with partitions from May to December, and payhist on it as a user who has only these privileges.
struct Site {
    test: TestOps,
    ops: Ops,
    user: String,
}

impl Site {
    async fn new(engine: EngineKind, policy: Policy, grants: &[&str]) -> Self {
        let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
        test.history(1, policy, Switches { drop: true, ..Switches::default() }, "2026-05", "2026-12").await;
        let schema = test.db.name();
        let user = format!("l{}", &schema[1..]);
        let granted = format!("GRANT {} ON `{schema}`.* TO '{user}'@'localhost'", grants.join(", "));
        execute(&test, &format!("CREATE USER '{user}'@'localhost'; {granted}")).await;
        Self { ops: Self::connect(&test, &user).await, test, user }
    }

    /// With new sessions, which see what was granted since.
    async fn reconnected(self) -> Self {
        self.ops.drain().await;
        Self { ops: Self::connect(&self.test, &self.user).await, ..self }
    }

    async fn connect(test: &TestOps, user: &str) -> Ops {
        let source =
            |name: &str, options| SourceConfig { name: name.to_owned(), options, pool_max: 4, replicas: Vec::new() };
        let config = OpsConfig {
            environment: "test".to_owned(),
            instance: "test:4".to_owned(),
            control: source("control", test.db.connect_options()),
            sources: vec![source("main", test.db.connect_options().username(user))],
            archive: ArchiveConfig::default(),
            clock: Arc::new(test.clock.clone()),
        };
        Ops::open(config).await.unwrap()
    }

    async fn late_payment(&self, id: u64) {
        let sql = format!(
            "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, \
             updated_at) VALUES ({id}, 1, 'o', 'p', 'card', 'PAID', 1.5, 'EUR', '2026-05-03', '2026-05-03')"
        );
        execute(&self.test, &sql).await;
    }

    async fn apply(&self, what: &str) -> Result<(), String> {
        let permit = Permit::for_command();
        let hash =
            rotation::plan(&self.ops, &Permit::for_command(), "").await.map_err(|error| error.to_string())?.hash.0;
        let run = rotation::apply_and_wait(&self.ops, &permit, "", &hash).await.map_err(|error| error.to_string())?;
        if run.outcome == RunOutcome::Done { Ok(()) } else { Err(format!("{what}: {run:#?}")) }
    }

    async fn restore(&self) -> Result<(), String> {
        let month = "2026-05".parse().unwrap();
        let restored = rotation::restore(&self.ops, &Permit::for_command(), "", month).await;
        let restored = restored.map_err(|error| error.to_string())?;
        let done = restored.shards.iter().all(|shard| shard.outcome == RestoreOutcome::Restored);
        if done { Ok(()) } else { Err(format!("restore: {restored:#?}")) }
    }

    /// A month's whole way, as far as it goes.
    async fn lifecycle(&self) -> Result<(), String> {
        self.late_payment(1).await;
        self.apply("add and quarantine").await?;
        self.late_payment(2).await;
        self.apply("late rows").await?;
        self.restore().await?;
        self.test.clock.set("2027-01-20T12:00:00Z".parse().unwrap());
        self.apply("quarantine again").await?;
        self.apply("final drop").await
    }

    /// May is dropped at once without the row that is held, and the row deleted when its hold has ended.
    async fn carving(&self) -> Result<(), String> {
        self.apply("carve out and drop").await?;
        execute(&self.test, "UPDATE legal_hold SET until = '2026-11-01'").await;
        self.apply("delete held").await
    }

    async fn doctor_names(&self, privilege: &str) -> bool {
        let diagnosis = doctor::diagnose(&self.ops, &Permit::for_command(), "").await.unwrap();
        let missing = diagnosis.findings.iter().filter(|finding| finding.code == "privilege_missing");
        missing.into_iter().any(|finding| finding.what.contains(privilege))
    }

    async fn end(self) {
        self.ops.drain().await;
        execute(&self.test, &format!("DROP USER '{}'@'localhost'", self.user)).await;
    }
}

async fn execute(test: &TestOps, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut test.db.connect().await).await.unwrap();
}

async fn payments(test: &TestOps) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {TABLE}");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut test.db.connect().await).await.unwrap()
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn what_doctor_asks_for_suffices_for_a_months_whole_way(#[case] engine: EngineKind) {
    let site = Site::new(engine, whole_way(), &GRANTS).await;
    site.lifecycle().await.unwrap();
    assert_eq!(payments(&site.test).await, 0, "May is gone for good, with what came late");
    site.end().await;
}

#[rstest]
#[tokio::test]
async fn a_privilege_that_is_left_out_is_needed_and_doctor_names_it(
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
    #[values("ALTER", "CREATE", "INSERT", "DELETE", "DROP", "LOCK TABLES")] left_out: &str,
) {
    let others: Vec<_> = GRANTS.into_iter().filter(|privilege| *privilege != left_out).collect();
    let site = Site::new(engine, whole_way(), &others).await;
    assert!(site.doctor_names(left_out).await);
    site.lifecycle().await.unwrap_err();
    site.end().await;
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn adding_months_takes_alter_and_below_maxvalue_a_table_lock(#[case] engine: EngineKind) {
    let site = Site::new(engine, adding(), &["SELECT", "ALTER"]).await;
    site.apply("add").await.unwrap();
    execute(&site.test, &format!("ALTER TABLE {TABLE} ADD PARTITION (PARTITION rest VALUES LESS THAN (MAXVALUE))"))
        .await;
    site.test.clock.set("2026-12-15T12:00:00Z".parse().unwrap());
    assert!(site.doctor_names("LOCK TABLES").await);
    site.apply("split").await.unwrap_err();
    let schema = site.test.db.name();
    execute(&site.test, &format!("GRANT LOCK TABLES ON `{schema}`.* TO '{}'@'localhost'", site.user)).await;
    assert!(!site.doctor_names("LOCK TABLES").await);
    let site = site.reconnected().await;
    site.apply("split").await.unwrap();
    site.end().await;
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn dropping_at_once_takes_alter_and_drop(#[case] engine: EngineKind) {
    let policy = Policy { retention_months: Some(5), zone: "UTC".to_owned(), ..Policy::default() };
    let site = Site::new(engine, policy, &["SELECT", "ALTER", "DROP"]).await;
    site.late_payment(1).await;
    site.apply("drop").await.unwrap();
    assert_eq!(payments(&site.test).await, 0);
    site.end().await;
}

/// A history that drops at once and of whose May a row is held.
async fn held_site(engine: EngineKind, grants: &[&str]) -> Site {
    let policy = Policy { retention_months: Some(5), zone: "UTC".to_owned(), ..Policy::default() };
    let site = Site::new(engine, policy, grants).await;
    site.late_payment(1).await;
    assert!(!site.doctor_names("CREATE").await, "nothing is held");
    site.test.hold(HoldScope::User { user: UserId(1) }, None).await;
    site
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn what_doctor_asks_for_suffices_to_carve_held_rows_out_and_to_delete_them(#[case] engine: EngineKind) {
    let site = held_site(engine, &GRANTS).await;
    let diagnosis = doctor::diagnose(&site.ops, &Permit::for_command(), "").await.unwrap();
    let mut missing = diagnosis.findings.iter().filter(|finding| finding.code == "privilege_missing");
    assert!(missing.all(|finding| finding.severity == Severity::Info), "{diagnosis:#?}");
    site.carving().await.unwrap();
    assert_eq!(payments(&site.test).await, 0);
    assert!(site.test.payments(&payhist_plan::held::name(TABLE)).await.is_empty());
    site.end().await;
}

#[rstest]
#[tokio::test]
async fn a_privilege_that_is_left_out_keeps_held_rows_and_doctor_names_it(
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
    #[values("ALTER", "CREATE", "INSERT", "DELETE", "DROP", "LOCK TABLES")] left_out: &str,
) {
    let others: Vec<_> = GRANTS.into_iter().filter(|privilege| *privilege != left_out).collect();
    let site = held_site(engine, &others).await;
    assert!(site.doctor_names(left_out).await);
    site.carving().await.unwrap_err();
    let held = site.test.payments(&payhist_plan::held::name(TABLE)).await;
    assert!(payments(&site.test).await + i64::try_from(held.len()).unwrap() > 0, "the row is somewhere");
    site.end().await;
}
