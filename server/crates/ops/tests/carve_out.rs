//! Held rows on real servers: carved out of a month that goes, and deleted when nothing holds them any more.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::{self, Permit, Principal};
use payhist_ops::{Ops, doctor, holds};
use payhist_plan::{held, twins};
use payhist_testkit::{TestEngine, TestOps, outcomes, words};
use payhist_types::holds::HoldScope;
use payhist_types::operator::Role;
use payhist_types::run::{RunOutcome, StepOutcome};
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use sqlx::AssertSqlSafe;

const TABLE: &str = "payment_history_shard_0";

/// One shard; March and April 2026 have expired, May has not. Each month has a payment of each of three users.
async fn history(engine: impl Into<TestEngine>, quarantine_days: Option<u16>) -> TestOps {
    let test = TestOps::expiring(engine, 1, quarantine_days, "2026-03").await;
    for month in 3..=6 {
        let at = format!("2026-{month:02}-10 00:00:00");
        test.pay(TABLE, (1..=3).map(|user| (month * 10 + user, user, at.as_str()))).await;
    }
    test
}

/// Every row of a table, whole.
async fn rows(test: &TestOps, table: &str) -> Vec<String> {
    let sql = format!(
        "SELECT CAST(CONCAT_WS('|', payment_id, user_id, order_id, amount, payer_name, created_at) AS CHAR) FROM `{table}` ORDER BY payment_id"
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut test.db.connect().await).await.unwrap()
}

async fn carved_out(test: &TestOps) -> Vec<u64> {
    test.payments(&held::name(TABLE)).await
}

fn user(user: u64) -> HoldScope {
    HoldScope::User { user: UserId(user) }
}

async fn operator(ops: &Ops, login: &str) -> Principal {
    const PASSWORD: &str = "correct horse battery";
    auth::add_operator(ops, &Permit::for_command(), login, Role::Compliance, PASSWORD).await.unwrap();
    auth::login(ops, login, PASSWORD).await.unwrap()
}

#[rstest]
#[case::drop_on_mariadb(TestEngine::MariaDb, None)]
#[case::drop_on_mariadb11(TestEngine::MariaDb11, None)]
#[case::drop_on_mysql(TestEngine::MySql, None)]
#[case::final_drop_on_mariadb(TestEngine::MariaDb, Some(30))]
#[case::final_drop_on_mariadb11(TestEngine::MariaDb11, Some(30))]
#[case::final_drop_on_mysql(TestEngine::MySql, Some(30))]
#[tokio::test]
async fn months_go_without_the_rows_of_held_users_and_orders(
    #[case] engine: TestEngine,
    #[case] quarantine_days: Option<u16>,
) {
    let test = history(engine, quarantine_days).await;
    test.hold(user(2), None).await;
    test.hold(HoldScope::Order { order: "O-33".into() }, None).await;
    let before = rows(&test, TABLE).await;
    if quarantine_days.is_some() {
        assert_eq!(test.apply().await.outcome, RunOutcome::Done);
    }
    let planned = test.plan().await;
    let drop = if quarantine_days.is_some() { "final-drop" } else { "drop" };
    let expected =
        ["2026-03", "2026-04"].map(|month| [format!("carve-out {month}"), format!("{drop} {month}")]).concat();
    assert_eq!(words(&planned)[..4], expected, "{planned:#?}");
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!(run.steps[0].rows, Some(2), "{run:#?}");

    assert_eq!(carved_out(&test).await, [32, 33, 42]);
    let kept = rows(&test, &held::name(TABLE)).await;
    assert!(kept.iter().all(|row| before.contains(row)), "{kept:?}");
    assert!(test.payments(TABLE).await.iter().all(|payment| *payment > 50));
    assert_eq!(test.plan().await.active_steps().count(), 0);
    let examined = doctor::diagnose(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert!(!format!("{examined:?}").contains(&held::name(TABLE)), "it is no orphan: {examined:#?}");
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn held_rows_are_deleted_when_the_last_of_their_holds_ends(#[case] engine: TestEngine) {
    let test = history(engine, None).await;
    let first = test.hold(user(2), None).await;
    test.hold(user(3), Some("2026-11-30")).await;
    test.hold(HoldScope::Order { order: "O-32".into() }, None).await;
    test.apply().await;
    assert_eq!(carved_out(&test).await, [32, 33, 42, 43]);

    test.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    let deleted = run.steps.iter().find(|step| step.action.starts_with("delete-held")).unwrap();
    assert_eq!(
        (deleted.rows, carved_out(&test).await),
        (Some(2), vec![32, 42, 52]),
        "May has gone meanwhile: {run:#?}"
    );

    let (ann, bob) = (operator(&test.ops, "ann").await, operator(&test.ops, "bob").await);
    holds::ask_release(&test.ops, &ann.permit().unwrap(), first, "settled").await.unwrap();
    holds::approve_release(&test.ops, &bob, first).await.unwrap();
    test.apply().await;
    assert_eq!(carved_out(&test).await, [32], "the order is held yet");
    assert_eq!(test.plan().await.active_steps().count(), 0);
}

#[rstest]
#[case::drop_on_mariadb(EngineKind::MariaDb, None)]
#[case::drop_on_mysql(EngineKind::MySql, None)]
#[case::final_drop_on_mariadb(EngineKind::MariaDb, Some(30))]
#[case::final_drop_on_mysql(EngineKind::MySql, Some(30))]
#[tokio::test]
async fn a_hold_that_comes_after_the_plan_is_carved_out_before_its_month_goes(
    #[case] engine: EngineKind,
    #[case] quarantine_days: Option<u16>,
) {
    let test = history(engine, quarantine_days).await;
    if quarantine_days.is_some() {
        test.apply().await;
    }
    test.hold(user(2), None).await;
    let run = test.record(&test.plan().await).await;
    test.hold(user(3), None).await;
    let run = test.resume(run).await;
    let stopped = [StepOutcome::Done, StepOutcome::Blocked, StepOutcome::Skipped, StepOutcome::Skipped];
    assert_eq!(outcomes(&run)[..4], stopped, "{run:#?}");
    assert!(run.steps[1].detail.as_ref().unwrap().contains("must be carved out first"), "{run:#?}");
    let march = if quarantine_days.is_some() { twins::name(TABLE, "p202603") } else { TABLE.to_owned() };
    assert!(test.payments(&march).await.contains(&33), "the row is where it was");

    assert_eq!(test.apply().await.outcome, RunOutcome::Done);
    assert_eq!(carved_out(&test).await, [32, 33, 42, 43]);
}

/// Something else than the carve-out has changed a copy, by as little as a letter's case.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_copy_that_differs_in_any_column_keeps_the_month(#[case] engine: EngineKind) {
    let copy = held::name(TABLE);
    for change in [
        "amount = amount + 0.0001",
        "payer_name = 'ann 32'",
        "payer_name = NULL",
        "updated_at = created_at + INTERVAL 1 MICROSECOND",
    ] {
        let test = history(engine, Some(30)).await;
        test.execute(&format!("ALTER TABLE {TABLE} MODIFY payer_name VARCHAR(255) COLLATE utf8mb4_general_ci NULL"))
            .await;
        test.apply().await;
        test.hold(user(2), None).await;
        let planned = test.plan().await;
        let mut first = planned.clone();
        first.steps.truncate(1);
        let run = test.record(&first).await;
        assert_eq!(outcomes(&test.resume(run).await), [StepOutcome::Done]);
        test.execute(&format!("UPDATE `{copy}` SET {change} WHERE payment_id = 32")).await;
        // Only the drop, as if its carve-out had been done long before.
        let mut only = planned.clone();
        only.steps.remove(0);
        let run = test.record(&only).await;
        let run = test.resume(run).await;
        assert_eq!(run.steps[0].outcome, StepOutcome::Blocked, "{change}: {run:#?}");
        assert!(test.payments(&twins::name(TABLE, "p202603")).await.contains(&32), "{change}");
        // The copy is not overwritten either: somebody must look at it.
        let run = test.apply().await;
        assert_eq!(outcomes(&run)[..2], [StepOutcome::Failed, StepOutcome::Skipped], "{change}: {run:#?}");
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_hold_that_comes_after_the_plan_keeps_what_was_carved_out(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    test.hold(user(2), Some("2026-11-20")).await;
    test.apply().await;
    test.clock.set("2026-11-21T00:00:00Z".parse().unwrap());
    let planned = test.plan().await;
    assert_eq!(words(&planned), ["delete-held 2026-04"], "{planned:#?}");
    let run = test.record(&planned).await;
    test.hold(HoldScope::Order { order: "O-42".into() }, None).await;
    let run = test.resume(run).await;
    assert_eq!((outcomes(&run), carved_out(&test).await), (vec![StepOutcome::Blocked], vec![32, 42]), "{run:#?}");
    test.apply().await;
    assert_eq!(carved_out(&test).await, [42]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_table_in_the_place_of_the_held_rows_is_never_used(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    test.execute(&format!("CREATE TABLE `{}` (payment_id INT)", held::name(TABLE))).await;
    test.hold(user(2), None).await;
    let planned = test.plan().await;
    assert_eq!(planned.active_steps().count(), 0, "{planned:#?}");
    assert_eq!(test.payments(TABLE).await.len(), 12);
}
