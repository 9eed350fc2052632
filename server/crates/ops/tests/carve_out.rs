//! Held rows on real servers: carved out of a month that goes, and deleted when nothing holds them any more.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::{self, Permit, Principal};
use payhist_ops::holds::{self, Placement};
use payhist_ops::{Ops, doctor, rotation};
use payhist_plan::{held, twins};
use payhist_storage::runs;
use payhist_testkit::{TestEngine, TestOps};
use payhist_types::history::{Policy, Switches};
use payhist_types::holds::HoldScope;
use payhist_types::operator::Role;
use payhist_types::plan::RotationPlan;
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use sqlx::AssertSqlSafe;

const NOW: &str = "2026-11-15T12:00:00Z";
const TABLE: &str = "payment_history_shard_0";

/// One shard; March and April 2026 have expired, May has not. Each month has a payment of each of three users.
async fn history(engine: impl Into<TestEngine>, quarantine_days: Option<u16>) -> TestOps {
    let test = TestOps::new(engine, NOW).await;
    let policy = Policy {
        premake_months: None,
        retention_months: Some(6),
        quarantine_days,
        zone: "UTC".to_owned(),
        ..Policy::default()
    };
    test.history(1, policy, Switches { drop: true, ..Switches::default() }, "2026-03", "2026-12").await;
    for month in 3..=6 {
        for user in 1..=3 {
            let at = format!("2026-{month:02}-10 00:00:00");
            let id = month * 10 + user;
            let sql = format!(
                "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, payer_name, created_at, updated_at) \
                 VALUES ({id}, {user}, 'O-{id}', 'p', 'card', 'PAID', {id}.5, 'EUR', 'Ann {id}', '{at}', '{at}')"
            );
            execute(&test, &sql).await;
        }
    }
    test
}

async fn execute(test: &TestOps, sql: &str) {
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut test.db.connect().await).await.unwrap();
}

/// Every row of a table, whole; none where there is no such table.
async fn rows(test: &TestOps, table: &str) -> Vec<String> {
    let sql = format!(
        "SELECT CAST(CONCAT_WS('|', payment_id, user_id, order_id, amount, payer_name, created_at) AS CHAR) FROM `{table}` ORDER BY payment_id"
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut test.db.connect().await).await.unwrap_or_default()
}

/// The payments of a table.
async fn payments(test: &TestOps, table: &str) -> Vec<u64> {
    rows(test, table).await.iter().map(|row| row.split('|').next().unwrap().parse().unwrap()).collect()
}

async fn carved_out(test: &TestOps) -> Vec<u64> {
    payments(test, &held::name(TABLE)).await
}

fn user(user: u64) -> HoldScope {
    HoldScope::User { user: UserId(user) }
}

async fn hold(ops: &Ops, scope: HoldScope, last_day: Option<&str>) -> u64 {
    let last_day = last_day.map(|day| day.parse().unwrap());
    let placement = Placement { scope, reason: "audit".into(), case_number: "2026/88".into(), last_day };
    holds::place(ops, &Permit::for_command(), "", placement).await.unwrap()
}

async fn plan(ops: &Ops) -> RotationPlan {
    rotation::plan(ops, &Permit::for_command(), "").await.unwrap()
}

async fn apply(ops: &Ops) -> RotationRun {
    let hash = plan(ops).await.hash.0;
    rotation::apply_and_wait(ops, &Permit::for_command(), "", &hash).await.unwrap()
}

/// Records a run for the plan, as if its process had been killed at once.
async fn record(test: &TestOps, plan: &RotationPlan) -> u64 {
    let history = payhist_ops::histories::find(&test.ops, "").await.unwrap();
    runs::create(&mut test.db.connect().await, history.id, plan, "test", NOW.parse().unwrap()).await.unwrap()
}

async fn resume(test: &TestOps, run: u64) -> RotationRun {
    rotation::resume(&test.ops, &Permit::for_command(), "").await.unwrap();
    rotation::run(&test.ops, &Permit::for_command(), run).await.unwrap()
}

fn words(plan: &RotationPlan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {}", step.action.verb(), step.action.month())).collect()
}

fn outcomes(run: &RotationRun) -> Vec<StepOutcome> {
    run.steps.iter().map(|step| step.outcome).collect()
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
    hold(&test.ops, user(2), None).await;
    hold(&test.ops, HoldScope::Order { order: "O-33".into() }, None).await;
    let before = rows(&test, TABLE).await;
    if quarantine_days.is_some() {
        assert_eq!(apply(&test.ops).await.outcome, RunOutcome::Done);
    }
    let planned = plan(&test.ops).await;
    let drop = if quarantine_days.is_some() { "final-drop" } else { "drop" };
    let expected =
        ["2026-03", "2026-04"].map(|month| [format!("carve-out {month}"), format!("{drop} {month}")]).concat();
    assert_eq!(words(&planned)[..4], expected, "{planned:#?}");
    let run = apply(&test.ops).await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!(run.steps[0].rows, Some(2), "{run:#?}");

    assert_eq!(carved_out(&test).await, [32, 33, 42]);
    let kept = rows(&test, &held::name(TABLE)).await;
    assert!(kept.iter().all(|row| before.contains(row)), "{kept:?}");
    assert!(payments(&test, TABLE).await.iter().all(|payment| *payment > 50));
    assert_eq!(plan(&test.ops).await.active_steps().count(), 0);
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
    let first = hold(&test.ops, user(2), None).await;
    hold(&test.ops, user(3), Some("2026-11-30")).await;
    hold(&test.ops, HoldScope::Order { order: "O-32".into() }, None).await;
    apply(&test.ops).await;
    assert_eq!(carved_out(&test).await, [32, 33, 42, 43]);

    test.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let run = apply(&test.ops).await;
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
    apply(&test.ops).await;
    assert_eq!(carved_out(&test).await, [32], "the order is held yet");
    assert_eq!(plan(&test.ops).await.active_steps().count(), 0);
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
        apply(&test.ops).await;
    }
    hold(&test.ops, user(2), None).await;
    let run = record(&test, &plan(&test.ops).await).await;
    hold(&test.ops, user(3), None).await;
    let run = resume(&test, run).await;
    let stopped = [StepOutcome::Done, StepOutcome::Blocked, StepOutcome::Skipped, StepOutcome::Skipped];
    assert_eq!(outcomes(&run)[..4], stopped, "{run:#?}");
    assert!(run.steps[1].detail.as_ref().unwrap().contains("must be carved out first"), "{run:#?}");
    let march = if quarantine_days.is_some() { twins::name(TABLE, "p202603") } else { TABLE.to_owned() };
    assert!(payments(&test, &march).await.contains(&33), "the row is where it was");

    assert_eq!(apply(&test.ops).await.outcome, RunOutcome::Done);
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
        execute(&test, &format!("ALTER TABLE {TABLE} MODIFY payer_name VARCHAR(255) COLLATE utf8mb4_general_ci NULL"))
            .await;
        apply(&test.ops).await;
        hold(&test.ops, user(2), None).await;
        let planned = plan(&test.ops).await;
        let mut first = planned.clone();
        first.steps.truncate(1);
        let run = record(&test, &first).await;
        assert_eq!(outcomes(&resume(&test, run).await), [StepOutcome::Done]);
        execute(&test, &format!("UPDATE `{copy}` SET {change} WHERE payment_id = 32")).await;
        // Only the drop, as if its carve-out had been done long before.
        let mut only = planned.clone();
        only.steps.remove(0);
        let run = record(&test, &only).await;
        let run = resume(&test, run).await;
        assert_eq!(run.steps[0].outcome, StepOutcome::Blocked, "{change}: {run:#?}");
        assert!(payments(&test, &twins::name(TABLE, "p202603")).await.contains(&32), "{change}");
        // The copy is not overwritten either: somebody must look at it.
        let run = apply(&test.ops).await;
        assert_eq!(outcomes(&run)[..2], [StepOutcome::Failed, StepOutcome::Skipped], "{change}: {run:#?}");
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_hold_that_comes_after_the_plan_keeps_what_was_carved_out(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    hold(&test.ops, user(2), Some("2026-11-20")).await;
    apply(&test.ops).await;
    test.clock.set("2026-11-21T00:00:00Z".parse().unwrap());
    let planned = plan(&test.ops).await;
    assert_eq!(words(&planned), ["delete-held 2026-04"], "{planned:#?}");
    let run = record(&test, &planned).await;
    hold(&test.ops, HoldScope::Order { order: "O-42".into() }, None).await;
    let run = resume(&test, run).await;
    assert_eq!((outcomes(&run), carved_out(&test).await), (vec![StepOutcome::Blocked], vec![32, 42]), "{run:#?}");
    apply(&test.ops).await;
    assert_eq!(carved_out(&test).await, [42]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_table_in_the_place_of_the_held_rows_is_never_used(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    execute(&test, &format!("CREATE TABLE `{}` (payment_id INT)", held::name(TABLE))).await;
    hold(&test.ops, user(2), None).await;
    let planned = plan(&test.ops).await;
    assert_eq!(planned.active_steps().count(), 0, "{planned:#?}");
    assert_eq!(payments(&test, TABLE).await.len(), 12);
}
