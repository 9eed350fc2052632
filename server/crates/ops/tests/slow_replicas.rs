//! Real replicas: what drops or copies rows waits for them, what adds months does not, and nobody takes an unknown lag for
//! none.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::holds::{self, Placement};
use payhist_ops::{Ops, OpsConfig, doctor, rotation};
use payhist_storage::SourceConfig;
use payhist_storage::replicas::ReplicaConfig;
use payhist_testkit::{MockClock, Replicated, TestOps};
use payhist_types::conversion::ConversionOutcome;
use payhist_types::doctor::Severity;
use payhist_types::history::{Policy, Switches};
use payhist_types::holds::HoldScope;
use payhist_types::replicas::ReplicaState;
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Executor, Row};
use std::sync::Arc;
use std::time::Duration;

const SCHEMA: &str = "payments";
const TABLE: &str = "payment_history_shard_0";

/// A history on a source with one replica, called `copy`; payhist's own tables are on the source as well.
struct Deployment {
    pair: Replicated,
    ops: Ops,
}

impl Deployment {
    /// March and April are to be dropped, and December to be added.
    async fn new(engine: EngineKind, lag_max_secs: Option<u32>) -> Self {
        let pair = Replicated::start(engine).await;
        let ops = open(&pair, pair.replica.connect_options()).await;
        let policy = Policy {
            premake_months: Some(1),
            retention_months: Some(6),
            replica_lag_max_secs: lag_max_secs,
            ..Policy::default()
        };
        let spec = TestOps::spec_in(SCHEMA, 1, policy);
        pair.source.create_schema(SCHEMA).await;
        let switches = Switches { drop: true, ..Switches::default() };
        TestOps::make_history(&ops, &mut pair.source.connect().await, &spec, switches, "2026-03", "2026-11").await;
        pair.caught_up().await;
        Self { pair, ops }
    }

    async fn apply(&self) -> RotationRun {
        let hash = rotation::plan(&self.ops, &Permit::for_command(), "").await.unwrap().hash.0;
        rotation::apply_and_wait(&self.ops, &Permit::for_command(), "", &hash).await.unwrap()
    }

    async fn on_source(&self, sql: &str) {
        self.pair.source.connect().await.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }

    async fn hold_user(&self, user: u64) {
        let (reason, case_number) = ("audit".to_owned(), "1".to_owned());
        let placement =
            Placement { scope: HoldScope::User { user: UserId(user) }, reason, case_number, last_day: None };
        holds::place(&self.ops, &Permit::for_command(), "", placement).await.unwrap();
    }

    /// With sessions that begin with the server's settings of now.
    async fn reopen(&mut self) {
        self.ops.drain().await;
        self.ops = open(&self.pair, self.pair.replica.connect_options()).await;
    }

    async fn state(&self) -> ReplicaState {
        rotation::obstacles(&self.ops, &Permit::for_command(), "").await.unwrap().replicas.remove(0).state
    }
}

async fn open(pair: &Replicated, replica: MySqlConnectOptions) -> Ops {
    let source = |name: &str, replicas| SourceConfig {
        name: name.to_owned(),
        options: pair.source.connect_options(),
        pool_max: 4,
        replicas,
    };
    let mut control = source("control", Vec::new());
    control.options = control.options.database("control");
    let config = OpsConfig {
        environment: "test".to_owned(),
        instance: "test:1".to_owned(),
        control,
        sources: vec![source("main", vec![ReplicaConfig { name: "copy".to_owned(), options: replica }])],
        archive: payhist_ops::archive::ArchiveConfig::default(),
        clock: Arc::new(MockClock::at("2026-11-15T12:00:00Z")),
    };
    Ops::open(config).await.unwrap()
}

fn steps(run: &RotationRun) -> Vec<(&str, StepOutcome)> {
    run.steps.iter().map(|step| (step.action.as_str(), step.outcome)).collect()
}

async fn months(connection: &mut MySqlConnection) -> i64 {
    let sql = "SELECT COUNT(*) FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
    sqlx::query_scalar(sql).bind(SCHEMA).bind(TABLE).fetch_one(connection).await.unwrap()
}

const HELD_BACK: [(&str, StepOutcome); 3] = [
    ("add 2026-12", StepOutcome::Done),
    ("drop 2026-03", StepOutcome::Blocked),
    ("drop 2026-04", StepOutcome::Skipped),
];

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn nothing_is_dropped_while_a_replica_is_stopped_and_months_are_added_all_the_same(#[case] engine: EngineKind) {
    let test = Deployment::new(engine, None).await;
    let state = test.state().await;
    assert!(matches!(state, ReplicaState::Behind { .. }), "{state}");
    test.pair.on_replica("STOP REPLICA SQL_THREAD").await;
    let run = test.apply().await;
    assert_eq!((run.outcome, steps(&run)), (RunOutcome::Partial, HELD_BACK.to_vec()), "{run:#?}");
    let why = run.steps[1].detail.as_ref().unwrap();
    assert!(why.contains("the replica copy of main is stopped") && why.contains("10 s"), "{why}");

    test.pair.on_replica("START REPLICA SQL_THREAD").await;
    test.pair.caught_up().await;
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    test.pair.caught_up().await;
    assert_eq!(months(&mut test.pair.replica.connect().await).await, 8, "May to December");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn nothing_is_dropped_while_a_replica_is_further_behind_than_the_policy_allows(#[case] engine: EngineKind) {
    let test = Deployment::new(engine, Some(1)).await;
    test.pair.delay(3_600).await;
    test.pair.source.create_schema("something_to_replicate").await;
    while !matches!(test.state().await, ReplicaState::Behind { secs: 2.. }) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let run = test.apply().await;
    assert_eq!((run.outcome, steps(&run)), (RunOutcome::Partial, HELD_BACK.to_vec()), "{run:#?}");
    let why = run.steps[1].detail.as_ref().unwrap();
    assert!(why.contains("s behind; the policy allows 1 s"), "{why}");

    test.pair.delay(0).await;
    test.pair.caught_up().await;
    assert_eq!(test.apply().await.outcome, RunOutcome::Done);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_conversion_waits_for_a_replica_between_its_chunks(#[case] engine: EngineKind) {
    let test = Deployment::new(engine, None).await;
    let mut connection = test.pair.source.connect().await;
    for sql in [
        format!("DROP TABLE {SCHEMA}.{TABLE}"),
        format!("CREATE TABLE {SCHEMA}.{TABLE} (id BIGINT PRIMARY KEY, created_at DATETIME(6) NOT NULL)"),
        format!("INSERT INTO {SCHEMA}.{TABLE} VALUES (1, '2026-10-01'), (2, '2026-11-01')"),
    ] {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    test.pair.caught_up().await;
    let plan = rotation::conversion_plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    test.pair.on_replica("STOP REPLICA SQL_THREAD").await;
    let (ops, hash) = (test.ops.clone(), plan.hash.0);
    let mut converting =
        tokio::spawn(async move { rotation::convert(&ops, &Permit::for_command(), "", &hash, |_| ()).await.unwrap() });
    let early = tokio::time::timeout(Duration::from_secs(5), &mut converting).await;
    assert!(early.is_err(), "it did not wait: {early:#?}");
    test.pair.on_replica("START REPLICA SQL_THREAD").await;
    let converted = converting.await.unwrap().remove(0);
    assert_eq!((converted.outcome, converted.rows), (ConversionOutcome::Converted, 2), "{converted:#?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn what_keeps_a_lag_from_being_known_is_told_and_holds_back(#[case] engine: EngineKind) {
    let test = Deployment::new(engine, None).await;
    let told = async |replica: MySqlConnectOptions| {
        let ops = open(&test.pair, replica).await;
        let obstacles = rotation::obstacles(&ops, &Permit::for_command(), "").await.unwrap();
        let state = obstacles.replicas[0].state.clone();
        assert!(state.holds_back(obstacles.replica_lag_max_secs), "{state}");
        let diagnosis = doctor::diagnose(&ops, &Permit::for_command(), "").await.unwrap();
        let of_replicas = diagnosis.findings.into_iter().filter(|finding| finding.code.contains("replica"));
        (state, of_replicas.collect::<Vec<_>>())
    };
    test.pair.on_replica("CREATE USER nobody@localhost").await;
    let options = test.pair.replica.connect_options();
    let (state, findings) = told(options.clone().username("nobody")).await;
    let privilege = match engine {
        EngineKind::MariaDb => "REPLICA MONITOR",
        EngineKind::MySql => "REPLICATION CLIENT",
    };
    assert_eq!(state, ReplicaState::Forbidden { privilege: privilege.to_owned() });
    assert_eq!(findings[0].code, "replica_privilege");
    test.pair.on_replica(&format!("GRANT {privilege} ON *.* TO nobody@localhost")).await;
    let ops = open(&test.pair, options.clone().username("nobody")).await;
    let obstacles = rotation::obstacles(&ops, &Permit::for_command(), "").await.unwrap();
    let state = &obstacles.replicas[0].state;
    assert!(matches!(state, ReplicaState::Behind { .. }), "exactly that GRANT suffices: {state:?}");

    let (state, findings) = told(test.pair.source.connect_options()).await;
    assert_eq!((state, findings[0].code.as_str()), (ReplicaState::NoReplica, "no_replica"));
    test.pair.replica.kill9().await;
    let (state, findings) = told(options).await;
    assert!(matches!(state, ReplicaState::Unreachable { .. }), "{state:?}");
    assert_eq!((findings.len(), findings[0].code.as_str()), (1, "replica_unreachable"));
    assert!(findings[0].what.contains("the replica copy of main is not answering"), "{findings:#?}");
}

/// A replica would carry out the batches by itself, and may take other rows.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn held_rows_are_copied_only_where_replicas_are_sent_rows(#[case] engine: EngineKind) {
    let mut test = Deployment::new(engine, None).await;
    let pay = format!(
        "INSERT INTO {SCHEMA}.{TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, \
         updated_at) VALUES (1, 2, 'o', 'p', 'card', 'PAID', 1.5, 'EUR', '2026-03-03', '2026-03-03')"
    );
    test.on_source(&pay).await;
    test.hold_user(2).await;
    test.on_source("SET GLOBAL binlog_format = 'STATEMENT'").await;
    test.reopen().await;
    let diagnosis = doctor::diagnose(&test.ops, &Permit::for_command(), "").await.unwrap();
    let found = diagnosis.findings.iter().find(|finding| finding.code == "binlog_by_statement").unwrap();
    assert!(found.severity == Severity::Error && found.sql.len() == 1, "{found:?}");
    let run = test.apply().await;
    assert_eq!(steps(&run)[1..3], [("carve-out 2026-03", StepOutcome::Failed), ("drop 2026-03", StepOutcome::Skipped)]);
    assert!(run.steps[1].detail.as_ref().unwrap().contains("binlog_format"), "{run:#?}");
    let mut connection = test.pair.source.connect().await;
    assert_eq!(months(&mut connection).await, 10, "all are there, and December");
    let made = format!("SHOW TABLES FROM {SCHEMA} LIKE '%\\_h%'");
    let made = connection.fetch_all(AssertSqlSafe(made)).await.unwrap();
    assert!(made.iter().all(|table| !table.get::<String, _>(0).contains("shard_0_h")), "no table for copies");

    test.on_source(&found.sql[0]).await;
    test.reopen().await;
    test.pair.caught_up().await;
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    test.pair.caught_up().await;
    let held = format!("SELECT payment_id FROM {SCHEMA}.{}", payhist_plan::held::name(TABLE));
    let copied: Vec<u64> =
        sqlx::query_scalar(AssertSqlSafe(held)).fetch_all(&mut test.pair.replica.connect().await).await.unwrap();
    assert_eq!(copied, [1], "the replica has the copy, and the month is gone");
    assert_eq!(months(&mut connection).await, 8);
    let diagnosis = doctor::diagnose(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert!(diagnosis.findings.iter().all(|finding| finding.code != "binlog_by_statement"), "{diagnosis:#?}");
}
