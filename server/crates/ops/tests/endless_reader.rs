//! A reader that never ends: final drop and restore wait for it no longer than their bound, so that writers get through
//! between two tries while the reader still holds the table.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::{Ops, rotation};
use payhist_testkit::{Sessions, TestOps, running};
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use payhist_types::partition::RestoreOutcome;
use payhist_types::run::{RotationRun, RunOutcome};
use rstest::rstest;
use sqlx::AssertSqlSafe;

const TABLE: &str = "payment_history_shard_0";

/// May is in quarantine with one row, and somebody reads the table in a transaction that stays open.
async fn site(engine: EngineKind) -> (TestOps, Sessions) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let policy =
        Policy { retention_months: Some(6), quarantine_days: Some(30), zone: "UTC".to_owned(), ..Policy::default() };
    test.history(1, policy, Switches { drop: true, ..Switches::default() }, "2026-05", "2026-12").await;
    insert(&test, 1, "2026-05-03").await;
    apply(&test.ops).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["reader"]).await;
    sessions.step("reader", "BEGIN").await.done();
    sessions.step("reader", &format!("SELECT COUNT(*) FROM {TABLE}")).await.done();
    (test, sessions)
}

async fn insert(test: &TestOps, payment: u64, day: &str) {
    let sql = format!(
        "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at) \
         VALUES ({payment}, 1, 'o', 'p', 'card', 'PAID', 1.5, 'EUR', '{day}', '{day}')"
    );
    sqlx::query(AssertSqlSafe(sql)).execute(&mut test.db.connect().await).await.unwrap();
}

async fn apply(ops: &Ops) -> RotationRun {
    let hash = rotation::plan(ops, &Permit::for_command(), "").await.unwrap().hash.0;
    rotation::apply_and_wait(ops, &Permit::for_command(), "", &hash).await.unwrap()
}

async fn payments(test: &TestOps) -> Vec<u64> {
    let sql = format!("SELECT payment_id FROM {TABLE} ORDER BY payment_id");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut test.db.connect().await).await.unwrap()
}

/// Longer than two tries and their pauses ever take.
const TWO_RETRIES: std::time::Duration = std::time::Duration::from_secs(25);

/// Waits until the lock has been waited for and given up twice.
async fn wait_for_two_retries(test: &TestOps) {
    tokio::time::timeout(TWO_RETRIES, two_retries(test)).await.expect("each wait for the lock has its bound");
}

async fn two_retries(test: &TestOps) {
    let mut connection = test.db.connect().await;
    let (mut seen, mut given_up) = (false, 0);
    while given_up < 2 {
        let waiting = running(&mut connection, &format!("LOCK TABLES `{}`%", test.db.name())).await;
        if seen && waiting == 0 {
            given_up += 1;
        }
        seen = waiting > 0;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn writers_get_through_while_a_final_drop_waits_for_a_reader(#[case] engine: EngineKind) {
    let (test, mut sessions) = site(engine).await;
    test.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let ops = test.ops.clone();
    let applying = tokio::spawn(async move { apply(&ops).await });
    wait_for_two_retries(&test).await;
    insert(&test, 2, "2026-07-03").await;
    sessions.step("reader", "COMMIT").await.done();
    let run = applying.await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!(payments(&test).await, [2]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn writers_get_through_while_a_restore_waits_for_a_reader(#[case] engine: EngineKind) {
    let (test, mut sessions) = site(engine).await;
    let ops = test.ops.clone();
    let restoring = tokio::spawn(async move {
        rotation::restore(&ops, &Permit::for_command(), "", "2026-05".parse().unwrap()).await.unwrap()
    });
    wait_for_two_retries(&test).await;
    insert(&test, 2, "2026-07-03").await;
    sessions.step("reader", "COMMIT").await.done();
    let restored = restoring.await.unwrap();
    assert_eq!(restored.shards[0].outcome, RestoreOutcome::Restored, "{restored:#?}");
    assert_eq!(payments(&test).await, [1, 2]);
}
