//! Held rows are copied in batches, beside writers, and a copy is never overwritten.

use chrono::TimeDelta;
use payhist_ops::auth::Permit;
use payhist_ops::browse;
use payhist_ops::rotation;
use payhist_plan::{held, twins};
use payhist_testkit::{Sessions, TestEngine, TestOps, outcomes, words};
use payhist_types::history::Switch;
use payhist_types::holds::HoldScope;
use payhist_types::payment::PaymentQuery;
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use std::time::{Duration, Instant};

const TABLE: &str = "payment_history_shard_0";
/// One payment by its whole key, so that nothing else is locked with it.
const PAYMENT: &str = "user_id = 2 AND created_at = '2026-03-10' AND payment_id = 1500";

fn user(user: u64) -> HoldScope {
    HoldScope::User { user: UserId(user) }
}

async fn carved_out(test: &TestOps) -> Vec<u64> {
    test.payments(&held::name(TABLE)).await
}

fn detail(run: &RotationRun, step: usize) -> &str {
    run.steps[step].detail.as_deref().unwrap_or_default()
}

/// A writer has one of the held rows locked, so that the second batch waits for it.
#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_switch_turned_off_stops_a_carve_out_between_two_batches(#[case] engine: TestEngine) {
    let test = TestOps::expiring(engine, 1, None, "2026-03").await;
    test.pay(TABLE, (1..=2_500).map(|id| (id, 2, "2026-03-10"))).await;
    test.pay(TABLE, [(3_001, 1, "2026-03-10"), (3_002, 3, "2026-03-10")]).await;
    test.hold(user(2), None).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["writer"]).await;
    sessions.step("writer", "BEGIN").await.done();
    sessions.step("writer", &format!("UPDATE {TABLE} SET version = 2 WHERE {PAYMENT}")).await.done();
    let (ops, hash) = (test.ops.clone(), test.plan().await.hash.0);
    let applying =
        tokio::spawn(async move { rotation::apply_and_wait(&ops, &Permit::for_command(), "", &hash).await.unwrap() });
    wait_for_copies(&test, 1_000).await;
    rotation::switch(&test.ops, &Permit::for_command(), "", Switch::Drop, false).await.unwrap();
    sessions.step("writer", "COMMIT").await.done();
    let run = applying.await.unwrap();
    assert_eq!(outcomes(&run)[..2], [StepOutcome::Blocked; 2], "{run:#?}");
    assert!(detail(&run, 0).contains("drop switch was turned off"), "{run:#?}");
    // It was turned off before the second batch began, or while it waited.
    assert!([1_000, 2_000].contains(&carved_out(&test).await.len()), "{run:#?}");
    assert_eq!(test.payments(TABLE).await.len(), 2_502);

    rotation::switch(&test.ops, &Permit::for_command(), "", Switch::Drop, true).await.unwrap();
    let run = test.apply().await;
    assert_eq!((run.outcome, run.steps[0].rows), (RunOutcome::Done, Some(2_500)), "{run:#?}");
    assert_eq!(carved_out(&test).await, (1..=2_500).collect::<Vec<_>>());
    assert!(test.payments(TABLE).await.is_empty());
}

async fn wait_for_copies(test: &TestOps, wanted: usize) {
    let begun = Instant::now();
    loop {
        let copies = carved_out(test).await.len();
        if copies == wanted {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{copies} copies");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// March, quarantined and carved out, is restored; then one of the held payments is changed, and March goes again.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_row_that_was_changed_after_it_was_copied_keeps_its_month_until_somebody_looks(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 1, Some(30), "2026-03").await;
    test.pay(TABLE, (1..=3).map(|id| (id, 2, "2026-03-10"))).await;
    test.pay(TABLE, [(4, 1, "2026-03-10")]).await;
    test.apply().await;
    test.hold(user(2), None).await;
    let mut carve_out = test.plan().await;
    assert_eq!(words(&carve_out)[0], "carve-out 2026-03");
    carve_out.steps.truncate(1);
    let run = test.record(&carve_out).await;
    assert_eq!(test.resume(run).await.outcome, RunOutcome::Done);
    let restored = rotation::restore(&test.ops, &Permit::for_command(), "", "2026-03".parse().unwrap()).await.unwrap();
    assert_eq!(restored.shards[0].rows, 4, "{restored:#?}");
    let query = PaymentQuery { user: "2".to_owned(), limit: "20".to_owned(), ..PaymentQuery::default() };
    let page = browse::list(&test.ops, &Permit::for_command(), &query).await.unwrap();
    let shown: Vec<_> = page.payments.iter().map(|row| row.payment.payment_id.get()).collect();
    assert_eq!(shown, [3, 2, 1], "each once, though there are copies");
    assert_eq!(carved_out(&test).await, [1, 2, 3]);

    test.execute(&format!("UPDATE {TABLE} SET amount = 7 WHERE payment_id = 2")).await;
    test.clock.advance(TimeDelta::days(31));
    assert_eq!(words(&test.plan().await)[0], "quarantine 2026-03");
    test.apply().await;
    let march = twins::name(TABLE, "p202603");
    let run = test.apply().await;
    let carve_out = run.steps.iter().position(|step| step.action == "carve-out 2026-03").unwrap();
    assert_eq!(outcomes(&run)[carve_out..][..2], [StepOutcome::Failed, StepOutcome::Skipped], "{run:#?}");
    let held = held::name(TABLE);
    assert!(detail(&run, carve_out).contains("1 of 3 held rows differ from their copies"), "{run:#?}");
    assert!(detail(&run, carve_out).contains(&held), "{run:#?}");
    assert_eq!((test.payments(&march).await.len(), carved_out(&test).await), (4, vec![1, 2, 3]));

    test.execute(&format!("DELETE FROM `{held}` WHERE payment_id = 2")).await;
    let run = test.apply().await;
    assert!(run.steps.iter().any(|step| step.action == "final-drop 2026-03" && step.outcome == StepOutcome::Done));
    assert_eq!((test.payments(&march).await, carved_out(&test).await), (vec![], vec![1, 2, 3]));
}

/// A payment that was put right after it was copied has another user, who is held as well: its copy is in the way.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_copy_that_has_what_must_be_unique_is_named_and_kept(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 1, None, "2026-03").await;
    test.pay(TABLE, [(1, 2, "2026-03-10"), (2, 2, "2026-03-10")]).await;
    test.hold(user(2), None).await;
    test.hold(user(3), None).await;
    let mut carve_out = test.plan().await;
    carve_out.steps.truncate(1);
    let run = test.record(&carve_out).await;
    test.resume(run).await;
    test.execute(&format!("UPDATE {TABLE} SET user_id = 3 WHERE payment_id = 2")).await;
    let run = test.apply().await;
    assert_eq!(outcomes(&run)[..2], [StepOutcome::Failed, StepOutcome::Skipped], "{run:#?}");
    assert!(detail(&run, 0).contains("the copy of another row has what must be unique"), "{run:#?}");
    assert_eq!((test.payments(TABLE).await, carved_out(&test).await), (vec![1, 2], vec![1, 2]));
}
