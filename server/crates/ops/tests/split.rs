//! Months split off MAXVALUE partitions, on real servers: never with a row in them.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsError, rotation};
use payhist_testkit::{Sessions, TestEngine, TestOps, running};
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use payhist_types::plan::{Guard, RotationPlan};
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use rstest::rstest;
use sqlx::AssertSqlSafe;

const NOW: &str = "2026-11-15T12:00:00Z";
const TABLE: &str = "payment_history_shard_0";

/// One shard with October, November and a MAXVALUE partition; December and January are wanted.
async fn history(engine: impl Into<TestEngine>) -> TestOps {
    let test = TestOps::new(engine, NOW).await;
    let policy = Policy { premake_months: Some(2), retention_months: None, ..Policy::default() };
    test.history(1, policy, Switches::default(), "2026-10", "2026-11").await;
    execute(&test, &format!("ALTER TABLE {TABLE} ADD PARTITION (PARTITION rest VALUES LESS THAN (MAXVALUE))")).await;
    test
}

async fn execute(test: &TestOps, sql: &str) {
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut test.db.connect().await).await.unwrap();
}

fn insert(payment: u64, created_at: &str) -> String {
    format!(
        "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at) \
         VALUES ({payment}, 1, 'o', 'p', 'card', 'PAID', 1.5, 'EUR', '{created_at}', '{created_at}')"
    )
}

async fn plan(ops: &Ops) -> RotationPlan {
    rotation::plan(ops, &Permit::for_command(), "").await.unwrap()
}

async fn apply(ops: &Ops, hash: &str) -> Result<RotationRun, OpsError> {
    rotation::apply_and_wait(ops, &Permit::for_command(), "", hash).await
}

/// The partitions, and how many rows each has.
async fn partitions(test: &TestOps) -> Vec<(String, i64)> {
    let mut connection = test.db.connect().await;
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT CAST(PARTITION_NAME AS CHAR) FROM information_schema.PARTITIONS \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY PARTITION_ORDINAL_POSITION",
    )
    .bind(test.db.name())
    .bind(TABLE)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut found = Vec::new();
    for name in names {
        let count = format!("SELECT COUNT(*) FROM {TABLE} PARTITION (`{name}`)");
        let rows = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut connection).await.unwrap();
        found.push((name, rows));
    }
    found
}

fn rows<const N: usize>(expected: [(&str, i64); N]) -> Vec<(String, i64)> {
    expected.into_iter().map(|(name, rows)| (name.to_owned(), rows)).collect()
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_maxvalue_partition_with_rows_is_never_split_and_its_statement_is_offered(#[case] engine: TestEngine) {
    let test = history(engine).await;
    for payment in 1..=3 {
        execute(&test, &insert(payment, "2026-12-05")).await;
    }
    let plan = plan(&test.ops).await;
    let has_rows = Guard::MaxValueHasRows { partition: "rest".to_owned(), rows: Some(3) };
    let [step] = &plan.steps[..] else { panic!("{:#?}", plan.steps) };
    assert_eq!(step.blocked_by, [has_rows]);
    assert!(matches!(apply(&test.ops, &plan.hash.0).await, Err(OpsError::Refused { .. })));
    assert_eq!(partitions(&test).await.len(), 3, "nothing was touched");

    // Whoever runs what the plan shows has every row in its month.
    let alter = step.sql.iter().find(|sql| sql.starts_with("ALTER TABLE")).unwrap();
    execute(&test, alter).await;
    let rest = if engine.kind() == EngineKind::MariaDb { "rest_" } else { "rest" };
    let split = rows([("p202610", 0), ("p202611", 0), ("p202612", 3), ("p202701", 0), (rest, 0)]);
    assert_eq!(partitions(&test).await, split);
}

/// The row is there after the plan was made and before the table is locked: the count under the lock finds it.
#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_row_that_comes_while_the_split_waits_keeps_it_from_happening(#[case] engine: TestEngine) {
    let test = history(engine).await;
    let hash = plan(&test.ops).await.hash.0;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["writer"]).await;
    sessions.step("writer", "BEGIN").await.done();
    sessions.step("writer", &insert(1, "2026-12-05")).await.done();
    let ops = test.ops.clone();
    let applying = tokio::spawn(async move { apply(&ops, &hash).await });
    wait_for_lock(&test).await;
    sessions.step("writer", "COMMIT").await.done();
    let run = applying.await.unwrap().unwrap();
    assert_eq!((run.outcome, run.steps[0].outcome), (RunOutcome::Failed, StepOutcome::Failed), "{run:#?}");
    assert!(run.steps[0].detail.as_deref().unwrap().contains("1 rows came into rest"), "{run:#?}");
    assert_eq!(partitions(&test).await, rows([("p202610", 0), ("p202611", 0), ("rest", 1)]));
    execute(&test, &insert(2, "2026-12-06")).await; // the lock went with the step
}

/// Waits until somebody waits for the table's lock.
async fn wait_for_lock(test: &TestOps) {
    let mut connection = test.db.connect().await;
    while running(&mut connection, &format!("LOCK TABLES `{}`%", test.db.name())).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
