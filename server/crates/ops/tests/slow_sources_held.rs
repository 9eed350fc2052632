//! Held rows of a history on two servers, one of which dies: its shards' months stay whole, the other's go without them.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

#[expect(dead_code, reason = "it uses a part of it")]
mod support_sources;

use payhist_ops::auth::Permit;
use payhist_ops::holds::{self, Placement};
use payhist_ops::rotation;
use payhist_plan::{held, twins};
use payhist_testkit::{Sessions, TestServer, running};
use payhist_types::holds::HoldScope;
use payhist_types::run::{RunOutcome, StepOutcome};
use payhist_types::{EngineKind, ShardId};
use rstest::rstest;
use sqlx::AssertSqlSafe;
use std::time::Duration;
use support_sources::{Deployment, SCHEMA, payment, steps};

/// May is in quarantine and at its end, and an order with a payment on every shard is held.
async fn held_deployment(first: EngineKind, second: EngineKind) -> Deployment {
    let test = Deployment::new(first, second).await;
    assert_eq!(test.apply().await.outcome, RunOutcome::Done);
    let (reason, case_number) = ("audit".to_owned(), "1".to_owned());
    let scope = HoldScope::Order { order: "o".to_owned() };
    let placement = Placement { scope, reason, case_number, last_day: None };
    holds::place(&test.ops, &Permit::for_command(), "", placement).await.unwrap();
    test.clock.set("2026-12-01T12:00:00Z".parse().unwrap());
    test
}

/// Where a shard's payment is: in the twin of its month, and among the held rows.
async fn places(server: &TestServer, shard: u16) -> [bool; 2] {
    let table = format!("payment_history_shard_{shard}");
    let mut connection = server.connect().await;
    let mut there = [false; 2];
    for (place, table) in there.iter_mut().zip([twins::name(&table, "p202605"), held::name(&table)]) {
        let sql = format!("SELECT payment_id FROM `{SCHEMA}`.`{table}`");
        let found: Vec<u64> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap_or_default();
        *place = found == [payment(ShardId(shard)).get()];
    }
    there
}

const IN_TWIN: [bool; 2] = [true, false];
const CARVED_OUT: [bool; 2] = [false, true];

fn ended(outcomes: [StepOutcome; 3]) -> Vec<(&'static str, StepOutcome)> {
    ["add 2027-01", "carve-out 2026-05", "final-drop 2026-05"].into_iter().zip(outcomes).collect()
}

const DONE: [StepOutcome; 3] = [StepOutcome::Done; 3];

#[rstest]
#[case::mariadb_goes_on(EngineKind::MariaDb, EngineKind::MySql)]
#[case::mysql_goes_on(EngineKind::MySql, EngineKind::MariaDb)]
#[tokio::test]
async fn months_go_without_their_held_rows_where_the_server_answers(
    #[case] first: EngineKind,
    #[case] second: EngineKind,
) {
    let mut test = held_deployment(first, second).await;
    test.second.kill9().await;
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Partial, "{run:#?}");
    for shard in 0..2 {
        assert_eq!((steps(&run, shard), places(&test.first, shard).await), (ended(DONE), CARVED_OUT), "{run:#?}");
        assert_eq!(steps(&run, shard + 2), []);
    }
    test.second = test.second.restart().await;
    assert_eq!((places(&test.second, 2).await, places(&test.second, 3).await), (IN_TWIN, IN_TWIN));

    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    for shard in 2..4 {
        assert_eq!((steps(&run, shard), places(&test.second, shard).await), (ended(DONE), CARVED_OUT), "{run:#?}");
    }
}

/// A writer has the held row, so that it is being copied when the server dies.
#[rstest]
#[case::mariadb_goes_on(EngineKind::MariaDb, EngineKind::MySql)]
#[case::mysql_goes_on(EngineKind::MySql, EngineKind::MariaDb)]
#[tokio::test]
async fn a_server_that_dies_while_held_rows_are_copied_keeps_its_months(
    #[case] first: EngineKind,
    #[case] second: EngineKind,
) {
    let mut test = held_deployment(first, second).await;
    let twin = twins::name("payment_history_shard_2", "p202605");
    let mut sessions = Sessions::new(&test.second.connect_options(), &["writer"]).await;
    sessions.step("writer", "BEGIN").await.done();
    sessions.step("writer", &format!("UPDATE `{SCHEMA}`.`{twin}` SET version = 2")).await.done();
    let (ops, hash) = (test.ops.clone(), test.plan().await.hash.0);
    let applying =
        tokio::spawn(async move { rotation::apply_and_wait(&ops, &Permit::for_command(), "", &hash).await.unwrap() });
    wait_for_copy(&test.second).await;
    test.second.kill9().await;
    let run = applying.await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Partial, "{run:#?}");
    let stopped = [StepOutcome::Done, StepOutcome::Failed, StepOutcome::Skipped];
    assert_eq!(
        (steps(&run, 0), steps(&run, 1), steps(&run, 2)),
        (ended(DONE), ended(DONE), ended(stopped)),
        "{run:#?}"
    );

    test.second = test.second.restart().await;
    assert_eq!((places(&test.second, 2).await, places(&test.second, 3).await), (IN_TWIN, IN_TWIN));
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!((places(&test.second, 2).await, places(&test.second, 3).await), (CARVED_OUT, CARVED_OUT));
}

async fn wait_for_copy(server: &TestServer) {
    let mut connection = server.connect().await;
    while running(&mut connection, "INSERT INTO%NOT EXISTS%").await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
