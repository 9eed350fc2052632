//! Legal holds on real servers: what is held is never dropped, whenever the hold comes.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::{self, Permit, Principal};
use payhist_ops::holds::{self, Placement};
use payhist_ops::{Ops, OpsError, rotation};
use payhist_storage::{audit, runs};
use payhist_testkit::{Sessions, TestOps};
use payhist_types::EngineKind;
use payhist_types::holds::{HoldScope, HoldView, Keeps, MonthsKept};
use payhist_types::operator::Role;
use payhist_types::plan::{Guard, RotationPlan};
use payhist_types::run::{RunOutcome, StepOutcome};
use rstest::rstest;
use sqlx::AssertSqlSafe;

const NOW: &str = "2026-11-15T12:00:00Z";
const PASSWORD: &str = "correct horse battery";

/// Two shards; March and April 2026 have expired, May has not. Each month has a payment of the user who is named like the shard.
async fn history(engine: EngineKind, quarantine_days: Option<u16>) -> TestOps {
    let test = TestOps::expiring(engine, 2, quarantine_days, "2026-03").await;
    for user in 0..2 {
        for month in 3..=6 {
            let (table, at) = (format!("payment_history_shard_{user}"), format!("2026-{month:02}-10"));
            test.pay(&table, [(month, user, at.as_str())]).await;
        }
    }
    test
}

fn month(text: &str) -> HoldScope {
    HoldScope::Month { month: text.parse().unwrap() }
}

/// Verb and month of each step, and whether a hold blocks it.
fn steps(plan: &RotationPlan) -> Vec<(u16, String, bool)> {
    let held = |guard: &Guard| matches!(guard, Guard::Held { .. } | Guard::HoldsUnreadable);
    let words = |action: &payhist_types::plan::Action| format!("{} {}", action.verb(), action.month());
    plan.steps.iter().map(|step| (step.shard.0, words(&step.action), step.blocked_by.iter().any(held))).collect()
}

/// The payments that are in a shard's table, each called by its month.
async fn payments(test: &TestOps, shard: u16) -> Vec<u64> {
    test.payments(&format!("payment_history_shard_{shard}")).await
}

async fn operator(ops: &Ops, login: &str, role: Role) -> Principal {
    auth::add_operator(ops, &Permit::for_command(), login, role, PASSWORD).await.unwrap();
    auth::login(ops, login, PASSWORD).await.unwrap()
}

async fn only(ops: &Ops) -> HoldView {
    let mut list = holds::list(ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!(list.holds.len(), 1, "{list:?}");
    list.holds.remove(0)
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_held_month_stays_with_all_younger_ones_until_the_hold_has_passed(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    let id = test.hold(month("2026-04"), Some("2026-11-30")).await;
    let held = test.plan().await;
    let drop = |shard, month: &str, held| (shard, format!("drop {month}"), held);
    assert_eq!(
        steps(&held),
        [drop(0, "2026-03", false), drop(0, "2026-04", true), drop(1, "2026-03", false), drop(1, "2026-04", true)]
    );
    let until = Some("2026-12-01T00:00:00Z".parse().unwrap());
    let guard = Guard::Held { hold: id, case_number: "2026/88".into(), until };
    assert_eq!(held.steps[1].blocked_by, [guard]);
    assert_eq!(test.apply().await.outcome, RunOutcome::Done);
    assert_eq!(payments(&test, 0).await, [4, 5, 6]);

    test.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    assert!(!only(&test.ops).await.active, "it ends by itself");
    test.apply().await;
    assert_eq!((payments(&test, 0).await, payments(&test, 1).await), (vec![6], vec![6]));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_hold_lets_months_go_to_quarantine_and_keeps_them_from_their_final_drop(#[case] engine: EngineKind) {
    let test = history(engine, Some(30)).await;
    test.hold(HoldScope::History, None).await;
    let quarantine = test.plan().await;
    assert!(
        quarantine.steps.iter().all(|step| step.is_active() && step.action.verb() == "quarantine"),
        "{quarantine:#?}"
    );
    test.apply().await;
    let end = test.plan().await;
    assert_eq!(end.steps.len(), 4);
    assert!(end.steps.iter().all(|step| matches!(step.blocked_by[0], Guard::Held { .. })), "{end:#?}");
    let keeps = only(&test.ops).await.keeps;
    assert!(matches!(keeps, Some(Keeps::Months(MonthsKept { months: 10, .. }))), "{keeps:?}");
    let refused = rotation::apply_and_wait(&test.ops, &Permit::for_command(), "", &end.hash.0).await;
    assert!(matches!(refused, Err(OpsError::Refused { .. })), "{refused:?}");
    rotation::restore(&test.ops, &Permit::for_command(), "", "2026-03".parse().unwrap()).await.unwrap();
    assert_eq!(payments(&test, 1).await, [3, 6], "held and restored");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_held_user_is_carved_out_of_one_shard_and_a_held_order_of_all(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    test.hold(HoldScope::User { user: payhist_types::UserId(7) }, None).await;
    let carved = |plan: &RotationPlan| {
        let carve_outs = plan.active_steps().filter(|step| step.action.verb() == "carve-out");
        carve_outs.map(|step| step.shard.0).collect::<Vec<_>>()
    };
    assert_eq!(carved(&test.plan().await), [1, 1]);
    test.hold(HoldScope::Order { order: "O-3".into() }, None).await;
    assert_eq!(carved(&test.plan().await), [0, 0, 1, 1]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_hold_that_was_placed_after_the_plan_makes_it_stale(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    let hash = test.plan().await.hash.0;
    test.hold(month("2026-03"), None).await;
    let refused = rotation::apply_and_wait(&test.ops, &Permit::for_command(), "", &hash).await;
    assert!(matches!(refused, Err(OpsError::Refused { .. })), "{refused:?}");
    assert_eq!(payments(&test, 0).await, [3, 4, 5, 6]);
}

/// A reader keeps the first drop from its lock; the hold comes while the step tries again and again.
#[rstest]
#[case::drop_on_mariadb(EngineKind::MariaDb, None)]
#[case::drop_on_mysql(EngineKind::MySql, None)]
#[case::final_drop_on_mariadb(EngineKind::MariaDb, Some(30))]
#[case::final_drop_on_mysql(EngineKind::MySql, Some(30))]
#[tokio::test]
async fn a_hold_that_comes_while_a_drop_waits_for_its_lock_keeps_the_rows(
    #[case] engine: EngineKind,
    #[case] quarantine_days: Option<u16>,
) {
    let test = history(engine, quarantine_days).await;
    let (mut drop, mut table) = ("ALTER TABLE {table}%DROP%", "payment_history_shard_0".to_owned());
    if quarantine_days.is_some() {
        test.apply().await;
        (drop, table) = ("%DROP TABLE {table}%", payhist_plan::twins::name(&table, "p202603"));
    }
    let mut sessions = Sessions::new(&test.db.connect_options(), &["reader"]).await;
    sessions.step("reader", "BEGIN").await.done();
    sessions.step("reader", &format!("SELECT COUNT(*) FROM `{table}`")).await.done();
    let meanwhile = async {
        test.gives_up_once(drop, &table).await;
        let id = test.hold(month("2026-03"), None).await;
        sessions.step("reader", "COMMIT").await.done();
        id
    };
    let (run, id) = tokio::join!(test.apply(), meanwhile);

    let outcomes: Vec<_> = run.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(run.outcome, RunOutcome::Failed, "{run:#?}");
    assert_eq!(
        outcomes,
        [StepOutcome::Blocked, StepOutcome::Skipped, StepOutcome::Blocked, StepOutcome::Skipped],
        "April stays behind March: {run:#?}"
    );
    assert!(run.steps[0].detail.as_ref().unwrap().contains(&format!("hold {id} (case 2026/88)")), "{run:#?}");
    let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM `{table}` WHERE payment_id = 3")))
        .fetch_one(&mut test.db.connect().await)
        .await
        .unwrap();
    assert_eq!(rows, 1, "the held row is there");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn holds_that_cannot_be_read_keep_everything(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    test.hold(month("2030-01"), None).await;
    assert!(steps(&test.plan().await).iter().all(|(.., held)| !held), "it keeps nothing that has expired");
    test.execute("UPDATE legal_hold SET scope = '{\"kind\":\"somebody\"}'").await;
    assert!(steps(&test.plan().await).iter().all(|(.., held)| *held), "a scope of another version");
    test.execute("RENAME TABLE legal_hold TO legal_hold_away").await;
    let unreadable = test.plan().await;
    assert!(unreadable.steps.iter().all(|step| step.blocked_by[0] == Guard::HoldsUnreadable), "{unreadable:#?}");
    test.execute("RENAME TABLE legal_hold_away TO legal_hold").await;

    // The same at the moment of deletion: the run was planned while they could be read.
    test.execute("DELETE FROM legal_hold").await;
    let planned = test.plan().await;
    let history = payhist_ops::histories::find(&test.ops, "").await.unwrap();
    runs::create(&mut test.db.connect().await, history.id, &planned, "test", NOW.parse().unwrap()).await.unwrap();
    test.execute("RENAME TABLE legal_hold TO legal_hold_away").await;
    rotation::resume(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!((payments(&test, 0).await, payments(&test, 1).await), (vec![3, 4, 5, 6], vec![3, 4, 5, 6]));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_release_takes_two_people_and_everything_is_in_the_audit_log(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    let ann = operator(&test.ops, "ann", Role::Compliance).await;
    let bob = operator(&test.ops, "bob", Role::Admin).await;
    let dba = operator(&test.ops, "dan", Role::Dba).await;
    let id = test.hold(HoldScope::History, None).await;
    let refused = |answer: Result<(), OpsError>| matches!(answer, Err(OpsError::Refused { .. }));
    let approve = |who| holds::approve_release(&test.ops, who, id);

    assert!(refused(approve(&bob).await), "nobody asked");
    holds::ask_release(&test.ops, &ann.permit().unwrap(), id, "case closed").await.unwrap();
    assert!(refused(holds::ask_release(&test.ops, &bob.permit().unwrap(), id, "again").await), "asked already");
    assert!(refused(approve(&ann).await), "she asked herself");
    assert!(matches!(approve(&dba).await, Err(OpsError::Forbidden(_))));
    assert!(only(&test.ops).await.active, "it holds until it is approved");
    assert!(steps(&test.plan().await).iter().all(|(.., held)| *held));

    approve(&bob).await.unwrap();
    let ended = only(&test.ops).await;
    assert_eq!((ended.active, ended.hold.released.unwrap().by), (false, "operator bob".to_owned()));
    assert!(refused(approve(&bob).await), "it has ended");
    assert!(matches!(holds::approve_release(&test.ops, &bob, id + 1).await, Err(OpsError::NotFound(_))));
    assert!(steps(&test.plan().await).iter().all(|(.., held)| !held));

    let mut connection = test.db.connect().await;
    let told: Vec<(String, String)> =
        sqlx::query_as("SELECT action, actor FROM audit WHERE action LIKE 'hold.%' ORDER BY sequence")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let told: Vec<_> = told.iter().map(|(action, actor)| (action.as_str(), actor.as_str())).collect();
    assert_eq!(
        told,
        [("hold.place", "command"), ("hold.ask_release", "operator ann"), ("hold.release", "operator bob")]
    );
    audit::verify(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_hold_needs_a_case_a_reason_and_a_day_to_come() {
    let test = history(EngineKind::MariaDb, None).await;
    for (case_number, reason, last_day, field) in
        [(" ", "audit", None, "case_number"), ("1", "", None, "reason"), ("1", "audit", Some("2026-11-14"), "last_day")]
    {
        let last_day = last_day.map(|day| day.parse().unwrap());
        let (case_number, reason) = (case_number.to_owned(), reason.to_owned());
        let placement = Placement { scope: HoldScope::History, reason, case_number, last_day };
        let wrong = holds::place(&test.ops, &Permit::for_command(), "", placement).await.unwrap_err();
        assert!(matches!(&wrong, OpsError::BadInput(fields) if fields[0].field == field), "{wrong}");
    }
    test.hold(HoldScope::History, Some("2026-11-15")).await;
}
