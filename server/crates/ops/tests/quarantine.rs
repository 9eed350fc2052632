//! Quarantine on real servers: months out, late rows after them, back again, and gone for good.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::generate::{self, GenerateRequest};
use payhist_ops::import::{self, Format, ImportRequest, OnError};
use payhist_ops::{Ops, OpsError, doctor, rotation};
use payhist_testkit::{Sessions, TestEngine, TestOps, outcomes};
use payhist_types::EngineKind;
use payhist_types::findings::FindingKind;
use payhist_types::history::Switch;
use payhist_types::partition::{MonthState, RestoreOutcome};
use payhist_types::plan::{Guard, RotationPlan, Step};
use payhist_types::run::{RunOutcome, StepOutcome};
use rstest::rstest;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

const TABLE: &str = "payment_history_shard_0";
const TWIN: &str = "payment_history_shard_0_p202605_q";

/// One shard from May to December 2026: only May is due.
async fn history(engine: impl Into<TestEngine>) -> TestOps {
    TestOps::expiring(engine, 1, Some(30), "2026-05").await
}

async fn restore(ops: &Ops, month: &str) -> Result<payhist_types::partition::Restoration, OpsError> {
    rotation::restore(ops, &Permit::for_command(), "", month.parse().unwrap()).await
}

fn verbs(plan: &RotationPlan) -> Vec<(&str, bool)> {
    plan.steps.iter().map(|step| (step.action.verb(), step.is_active())).collect()
}

/// The twins that stand in the test's schema.
async fn twins(test: &TestOps) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT CAST(TABLE_NAME AS CHAR) FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE 'payment\\_history\\_shard\\_%\\_q%' ORDER BY 1",
    )
    .bind(test.db.name())
    .fetch_all(&mut test.db.connect().await)
    .await
    .unwrap()
}

async fn only_twin(test: &TestOps) -> String {
    let twins = twins(test).await;
    let [twin] = &twins[..] else { panic!("one twin: {twins:?}") };
    assert!(twin.starts_with(TWIN), "{twin}");
    twin.clone()
}

/// A month that is away cannot be imported into.
async fn refuse_import(test: &TestOps, csv: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), csv).unwrap();
    let request = ImportRequest {
        file: file.path().to_owned(),
        format: Format::Csv,
        history: String::new(),
        source: String::new(),
        zone: String::new(),
        on_error: OnError::Stop,
        stop: CancellationToken::new(),
    };
    let refused = import::run(&test.ops, &Permit::for_command(), &request, |_| {}).await.unwrap_err();
    assert!(matches!(&refused, OpsError::Refused { reason, .. } if reason.contains("2026-05 of")), "{refused}");
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_month_goes_to_quarantine_takes_its_late_rows_along_and_is_gone_when_its_retention_ends(
    #[case] engine: TestEngine,
) {
    let test = history(engine).await;
    test.pay(TABLE, [(1, 1, "2026-05-01 00:00:00")]).await;
    test.pay(TABLE, [(2, 1, "2026-05-31 23:59:59.999999")]).await;
    test.pay(TABLE, [(3, 1, "2026-06-01 00:00:00")]).await;

    assert_eq!(verbs(&test.plan().await), [("quarantine", true)]);
    let run = test.apply().await;
    assert_eq!((run.outcome, run.steps[0].rows), (RunOutcome::Done, Some(2)), "{run:#?}");
    let twin = only_twin(&test).await;
    assert_eq!((test.payments(TABLE).await, test.payments(&twin).await), (vec![3], vec![1, 2]));
    let map = rotation::map(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!(map.rows[0].cells[0].state, MonthState::Quarantined);
    assert_eq!(test.plan().await.steps, [], "run twice, it changes nothing more");
    let diagnosis = doctor::diagnose(&test.ops, &Permit::for_command(), "").await.unwrap();
    let told =
        diagnosis.findings.iter().any(|finding| finding.code == "orphaned_exchange_table" || finding.code == "planner");
    assert!(!told, "a month in quarantine is no ailment: {diagnosis:#?}");

    let may = "user_id,order_id,provider,method,status,amount,currency,created_at\n1,o,p,card,PAID,1,EUR,2026-05-31T12:00:00Z\n";
    refuse_import(&test, may).await;
    let request = GenerateRequest { history: String::new(), rows: 90, users: 9, months: 7, seed: 1, until: None };
    let made = generate::run(&test.ops, &Permit::for_command(), &request, |_| {}).await.unwrap();
    assert_eq!(made.months_left_out, BTreeSet::from(["2026-05".parse().unwrap()]));
    test.execute(&format!("DELETE FROM {TABLE} WHERE payment_id > 1000 AND created_at >= '2026-06-01'")).await;
    assert_eq!(test.payments(TABLE).await, [3], "neither filled the empty partition");

    test.pay(TABLE, [(4, 1, "2026-05-07 00:00:00")]).await;
    let late = test.plan().await;
    assert_eq!(verbs(&late), [("late-rows", true)]);
    assert!(
        late.findings.iter().any(|finding| matches!(finding.kind, FindingKind::LateRows { rows: Some(1), .. })),
        "{:?}",
        late.findings
    );
    let run = test.apply().await;
    assert_eq!((run.outcome, run.steps[0].rows), (RunOutcome::Done, Some(1)), "{run:#?}");
    assert_eq!((test.payments(TABLE).await, test.payments(&twin).await), (vec![3], vec![1, 2, 4]));

    test.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let end = test.plan().await;
    assert_eq!(end.steps.iter().map(|step| step.action.verb()).next(), Some("final-drop"), "{:#?}", end.steps);
    let run = test.apply().await;
    assert_eq!((run.outcome, run.steps[0].rows), (RunOutcome::Done, Some(3)), "{run:#?}");
    assert_eq!(test.payments(TABLE).await, [3]);
    assert!(!twins(&test).await.contains(&twin), "the month is gone for good");
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_restore_brings_a_month_back_with_its_late_rows_and_no_run_takes_it_away_again(#[case] engine: TestEngine) {
    let test = history(engine).await;
    assert!(matches!(restore(&test.ops, "2026-05").await, Err(OpsError::Refused { .. })), "nothing to restore yet");
    for payment in 1..=3 {
        test.pay(TABLE, [(payment, 1, "2026-05-03 00:00:00")]).await;
    }
    test.apply().await;
    test.pay(TABLE, [(4, 1, "2026-05-07 00:00:00")]).await;

    let restored = restore(&test.ops, "2026-05").await.unwrap();
    let shard = &restored.shards[0];
    assert_eq!((shard.outcome, shard.rows, shard.late_rows), (RestoreOutcome::Restored, 4, 1), "{restored:#?}");
    assert_eq!(test.payments(TABLE).await, [1, 2, 3, 4]);
    assert_eq!(twins(&test).await, [""; 0]);

    let plan = test.plan().await;
    assert_eq!(verbs(&plan), [("quarantine", false)]);
    assert!(matches!(plan.steps[0].blocked_by[..], [Guard::Restored { .. }]), "{:?}", plan.steps[0].blocked_by);
    let again = restore(&test.ops, "2026-05").await.unwrap();
    assert_eq!(again.shards[0].outcome, RestoreOutcome::AlreadyThere, "run twice, it changes nothing more");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_expired_month_is_never_dropped_by_the_run_that_quarantines_it(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 1, Some(30), "2026-03").await;
    assert_eq!(verbs(&test.plan().await), [("quarantine", true); 3]);
    test.apply().await;
    assert_eq!(verbs(&test.plan().await), [("final-drop", true); 2], "March and April; May is not over");
    test.apply().await;
    assert_eq!(twins(&test).await.len(), 1);
    assert_eq!(test.plan().await.steps, Vec::<Step>::new());
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_table_in_a_twins_place_that_payhist_did_not_make_is_named_and_never_touched(#[case] engine: EngineKind) {
    let test = history(engine).await;
    test.pay(TABLE, [(1, 1, "2026-05-03 00:00:00")]).await;
    let twin = payhist_plan::twins::name(TABLE, "p202605");
    test.execute(&format!("CREATE TABLE `{twin}` (somebodys INT)")).await;
    let orphan = payhist_plan::twins::name(TABLE, "p201901");
    test.execute(&format!("CREATE TABLE `{orphan}` (forgotten INT)")).await;

    let plan = test.plan().await;
    assert_eq!(verbs(&plan), [("quarantine", false)]);
    assert!(matches!(plan.steps[0].blocked_by[..], [Guard::TwinUnclear { .. }]), "{:?}", plan.steps[0].blocked_by);
    for (name, is_orphan) in [(&twin, false), (&orphan, true)] {
        let named = |kind: &FindingKind| match kind {
            FindingKind::TwinUnclear { twin, .. } => twin == name && !is_orphan,
            FindingKind::OrphanTwin { twin, .. } => twin == name && is_orphan,
            _ => false,
        };
        assert!(plan.findings.iter().any(|finding| named(&finding.kind)), "{name}: {:?}", plan.findings);
    }
    assert_eq!(test.payments(TABLE).await, [1]);
    assert_eq!(twins(&test).await.len(), 2);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_row_that_came_after_the_plan_keeps_a_final_drop_from_happening(#[case] engine: EngineKind) {
    let test = history(engine).await;
    test.pay(TABLE, [(1, 1, "2026-05-03 00:00:00")]).await;
    test.apply().await;
    test.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let hash = test.plan().await.hash.0;
    test.pay(TABLE, [(2, 1, "2026-05-04 00:00:00")]).await;
    let answer = rotation::apply_and_wait(&test.ops, &Permit::for_command(), "", &hash).await;
    assert!(matches!(answer, Err(OpsError::Refused { .. })), "{answer:?}");
    let twin = only_twin(&test).await;
    assert_eq!((test.payments(TABLE).await, test.payments(&twin).await), (vec![2], vec![1]));
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn an_exchange_waits_for_a_reader_within_its_bound_and_then_goes_through(#[case] engine: TestEngine) {
    let test = history(engine).await;
    test.pay(TABLE, [(1, 1, "2026-05-03 00:00:00")]).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["reader"]).await;
    sessions.step("reader", "BEGIN").await.done();
    sessions.step("reader", &format!("SELECT COUNT(*) FROM {TABLE}")).await.done();
    let meanwhile = async {
        test.gives_up_once("ALTER TABLE {table}%EXCHANGE%", TABLE).await;
        // Between two tries the writer gets through, though the reader never ended.
        test.pay(TABLE, [(2, 1, "2026-06-03 00:00:00")]).await;
        sessions.step("reader", "COMMIT").await.done();
    };
    let (run, ()) = tokio::join!(test.apply(), meanwhile);
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!(test.payments(TABLE).await, [2]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_switch_thrown_while_a_step_waits_stops_the_run_before_the_next_step(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 1, Some(30), "2026-04").await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["reader"]).await;
    sessions.step("reader", "BEGIN").await.done();
    sessions.step("reader", &format!("SELECT COUNT(*) FROM {TABLE}")).await.done();
    let meanwhile = async {
        test.gives_up_once("ALTER TABLE {table}%EXCHANGE%", TABLE).await;
        rotation::switch(&test.ops, &Permit::for_command(), "", Switch::Drop, false).await.unwrap();
        sessions.step("reader", "COMMIT").await.done();
    };
    let (run, ()) = tokio::join!(test.apply(), meanwhile);
    assert_eq!(outcomes(&run), [StepOutcome::Done, StepOutcome::Blocked], "{run:#?}");
    assert_eq!(twins(&test).await.len(), 1, "May stayed where it is");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn two_instances_quarantine_once(#[case] engine: EngineKind) {
    let test = history(engine).await;
    test.pay(TABLE, [(1, 1, "2026-05-03 00:00:00")]).await;
    let other = test.second_instance().await;
    let hash = test.plan().await.hash.0;
    let permit = Permit::for_command();
    let (one, two) = tokio::join!(
        rotation::apply_and_wait(&test.ops, &permit, "", &hash),
        rotation::apply_and_wait(&other, &permit, "", &hash)
    );
    let done = [&one, &two].into_iter().filter(|run| matches!(run, Ok(run) if run.outcome == RunOutcome::Done)).count();
    assert_eq!(done, 1, "{one:?} {two:?}");
    let twin = only_twin(&test).await;
    assert_eq!(test.payments(&twin).await, [1]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_late_row_keeps_its_invisible_and_computed_columns(#[case] engine: EngineKind) {
    let test = history(engine).await;
    test.execute(&format!("ALTER TABLE {TABLE} ADD COLUMN note INT NOT NULL DEFAULT 0 INVISIBLE")).await;
    test.execute(&format!("ALTER TABLE {TABLE} ADD COLUMN twice DECIMAL(20,4) AS (amount * 2) STORED")).await;
    test.pay(TABLE, [(1, 1, "2026-05-10 12:00:00")]).await;
    assert_eq!(test.apply().await.outcome, RunOutcome::Done);
    test.pay(TABLE, [(2, 1, "2026-05-11 12:00:00")]).await;
    test.execute(&format!("UPDATE {TABLE} SET note = 42 WHERE payment_id = 2")).await;
    assert_eq!(test.apply().await.outcome, RunOutcome::Done);
    let sql = format!("SELECT payment_id, note, CAST(twice AS CHAR) FROM `{}` ORDER BY 1", only_twin(&test).await);
    let rows: Vec<(u64, i32, String)> =
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut test.db.connect().await).await.unwrap();
    assert_eq!(rows, [(1, 0, "3.0000".to_owned()), (2, 42, "5.0000".to_owned())]);
}
