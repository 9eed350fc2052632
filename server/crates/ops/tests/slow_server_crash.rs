//! The database server killed with -9 in the midst of a rotation's DDL: the next run finishes, and every row is where it
//! belongs. The DDL waits behind a reader; the reader ends, and the server dies so many milliseconds later.
//!
//! Each crash is the first since a clean start: one in twenty second crashes before `MariaDB`'s next checkpoint leaves a server
//! that does not start again ("Missing `FILE_CREATE` … before `FILE_CHECKPOINT`", 10.11.14 and 11.8.9), whoever made the tables.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use chrono::TimeDelta;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsError, rotation};
use payhist_storage::StorageError;
use payhist_testkit::{MockClock, Sessions, TestOps, TestServer, running};
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use payhist_types::plan::RotationPlan;
use payhist_types::run::RunOutcome;
use rstest::rstest;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection};
use std::time::Duration;

const TABLE: &str = "payment_history_shard_0";
const MOMENTS_MS: [u64; 8] = [0, 1, 3, 6, 10, 20, 40, 80];

/// One kind of DDL: what asks for it, and what is to be there in the end.
struct Case {
    policy: (Option<u16>, Option<u16>, Option<u16>),
    months: [&'static str; 2],
    has_max_value: bool,
    /// How the statement that waits for the reader begins.
    waits: &'static str,
    partitions: &'static [&'static str],
    rows: &'static [u64],
    quarantined: &'static [u64],
}

fn case(ddl: &str) -> Case {
    let add = Case {
        policy: (Some(1), None, None),
        months: ["2026-10", "2026-11"],
        has_max_value: false,
        waits: "ALTER TABLE",
        partitions: &["p202610", "p202611", "p202612"],
        rows: &[1, 2, 3, 4, 5, 6],
        quarantined: &[],
    };
    match ddl {
        "REORGANIZE" => Case {
            has_max_value: true,
            waits: "LOCK TABLES",
            partitions: &["p202610", "p202611", "p202612", "rest"],
            ..add
        },
        "DROP" => Case {
            policy: (None, Some(1), None),
            months: ["2026-09", "2026-11"],
            partitions: &["p202610", "p202611"],
            rows: &[4, 5, 6],
            ..add
        },
        "EXCHANGE" => Case {
            policy: (None, Some(6), Some(30)),
            months: ["2026-05", "2026-07"],
            partitions: &["p202605", "p202606", "p202607"],
            rows: &[4, 5, 6],
            quarantined: &[1, 2, 3],
            ..add
        },
        _ => add,
    }
}

#[rstest]
#[tokio::test]
async fn a_server_killed_in_mid_ddl_loses_nothing_and_the_next_run_finishes(
    #[values("ADD", "DROP", "EXCHANGE", "REORGANIZE")] ddl: &str,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let case = case(ddl);
    let mut server = TestServer::private(engine).await;
    for moment in MOMENTS_MS {
        commit_durably(&server).await;
        let schema = format!("killed_after_{moment}");
        server.create_schema(&schema).await;
        let options = server.connect_options().database(&schema);
        let clock = MockClock::at("2026-11-15T12:00:00Z");
        let ops = TestOps::open(&options, &schema, &clock, "test:1").await;
        prepare(&ops, &options, &schema, &case).await;

        let mut sessions = Sessions::new(&options, &["reader"]).await;
        sessions.step("reader", "BEGIN").await.done();
        sessions.step("reader", &format!("SELECT COUNT(*) FROM {TABLE}")).await.done();
        let background = ops.clone();
        let applying = tokio::spawn(async move { apply(&background).await });
        wait_for(&mut connect(&options).await, case.waits, &schema).await;
        sessions.step("reader", "COMMIT").await.done();
        tokio::time::sleep(Duration::from_millis(moment)).await;
        server.kill9().await;
        server = server.restart().await;
        applying.await.unwrap();

        clock.advance(TimeDelta::minutes(5)); // the lease of a run that could not give it back has ended
        apply(&ops).await;
        apply(&ops).await;
        let place = format!("{ddl} on {engine:?}, killed after {moment} ms");
        assert_whole(&ops, &options, &case, &place).await;
        if engine == EngineKind::MariaDb {
            server = server.restart().await; // so that it does not recover from the crashes before as well
        }
    }
}

/// The test's servers flush once a second, as no server that holds money does.
async fn commit_durably(server: &TestServer) {
    let durable = "SET GLOBAL innodb_flush_log_at_trx_commit = 1";
    sqlx::raw_sql(durable).execute(&mut server.connect().await).await.unwrap();
}

/// Three rows in the first month, three in the last.
async fn prepare(ops: &Ops, options: &MySqlConnectOptions, schema: &str, case: &Case) {
    let (premake_months, retention_months, quarantine_days) = case.policy;
    let policy = Policy { premake_months, retention_months, quarantine_days, ..Policy::default() };
    let spec = TestOps::spec_in(schema, 1, policy);
    let [first, last] = case.months;
    let mut connection = connect(options).await;
    let switches = Switches { drop: true, ..Switches::default() };
    TestOps::make_history(ops, &mut connection, &spec, switches, first, last).await;
    for payment in 1..=6 {
        let month = if payment <= 3 { first } else { last };
        let sql = format!(
            "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at) \
             VALUES ({payment}, 1, 'o', 'p', 'card', 'PAID', {payment}.25, 'EUR', '{month}-07', '{month}-07')"
        );
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    if case.has_max_value {
        let max = format!("ALTER TABLE {TABLE} ADD PARTITION (PARTITION rest VALUES LESS THAN (MAXVALUE))");
        sqlx::query(AssertSqlSafe(max)).execute(&mut connection).await.unwrap();
    }
}

async fn connect(options: &MySqlConnectOptions) -> MySqlConnection {
    MySqlConnection::connect_with(options).await.unwrap()
}

/// Applies what the plan asks for, if it asks for anything; a server that dies meanwhile is no failure of the test.
async fn apply(ops: &Ops) {
    let hash = plan(ops).await.hash.0;
    let _refused_or_cut_off = rotation::apply_and_wait(ops, &Permit::for_command(), "", &hash).await;
}

/// Each connection to the server that was killed may be lent once more, and fails.
async fn plan(ops: &Ops) -> RotationPlan {
    loop {
        match rotation::plan(ops, &Permit::for_command(), "").await {
            Ok(plan) => return plan,
            Err(OpsError::Storage(StorageError::Unavailable { .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Waits until a statement that begins so waits for its lock.
async fn wait_for(connection: &mut MySqlConnection, begins: &str, schema: &str) {
    while running(connection, &format!("{begins} `{schema}`.`{TABLE}`%")).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn assert_whole(ops: &Ops, options: &MySqlConnectOptions, case: &Case, place: &str) {
    let plan = plan(ops).await;
    assert_eq!(plan.steps, [], "{place}: {:#?}", plan.findings);
    let runs = rotation::runs(ops, &Permit::for_command(), "").await.unwrap();
    assert!(runs.iter().all(|run| run.outcome != RunOutcome::Running), "{place}: a run was left behind: {runs:#?}");
    let mut connection = connect(options).await;
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT CAST(PARTITION_NAME AS CHAR) FROM information_schema.PARTITIONS \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY PARTITION_ORDINAL_POSITION",
    )
    .bind(TABLE)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let found: Vec<_> = found.iter().map(|name| name.trim_end_matches('_')).collect();
    assert_eq!(found, case.partitions, "{place}");
    assert_eq!(payments(&mut connection, TABLE).await, whole(case.rows), "{place}");
    let twins: Vec<String> = sqlx::query_scalar(
        "SELECT CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'payment\\_history\\_shard\\_%\\_q%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut away = Vec::new();
    for twin in &twins {
        away.extend(payments(&mut connection, twin).await);
    }
    assert_eq!(away, whole(case.quarantined), "{place}: {twins:?}");
}

fn whole(payments: &[u64]) -> Vec<String> {
    payments.iter().map(|payment| format!("{payment}|{payment}.2500|PAID")).collect()
}

/// Each payment with its amount and status, read from a table that CHECK TABLE finds sound.
async fn payments(connection: &mut MySqlConnection, table: &str) -> Vec<String> {
    let check =
        sqlx::raw_sql(AssertSqlSafe(format!("CHECK TABLE `{table}`"))).fetch_all(&mut *connection).await.unwrap();
    let said: Vec<String> = check.iter().map(|row| sqlx::Row::get(row, "Msg_text")).collect();
    assert_eq!(said, ["OK"], "{table}");
    let sql =
        format!("SELECT CAST(CONCAT_WS('|', payment_id, amount, status) AS CHAR) FROM `{table}` ORDER BY payment_id");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await.unwrap()
}
