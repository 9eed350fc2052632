//! Rotation on real servers: plans, runs, refusals and what a second instance may do.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsError, rotation};
use payhist_testkit::{Sessions, TestEngine, TestOps};
use payhist_types::EngineKind;
use payhist_types::findings::FindingKind;
use payhist_types::history::{Policy, Switch, Switches};
use payhist_types::policy::Blockers;
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use rstest::rstest;

const NOW: &str = "2026-11-15T12:00:00Z";
const TABLE: &str = "payment_history_shard_0";

fn policy() -> Policy {
    Policy { premake_months: Some(2), retention_months: Some(6), zone: "Asia/Seoul".to_owned(), ..Policy::default() }
}

async fn apply(ops: &Ops, hash: &str) -> Result<RotationRun, OpsError> {
    rotation::apply_and_wait(ops, &Permit::for_command(), "", hash).await
}

async fn drop_switch(ops: &Ops, on: bool) {
    rotation::switch(ops, &Permit::for_command(), "", Switch::Drop, on).await.unwrap();
}

async fn partitions(test: &TestOps, table: &str) -> Vec<String> {
    let mut connection = test.db.connect().await;
    sqlx::query_scalar("SELECT PARTITION_NAME FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY PARTITION_ORDINAL_POSITION")
        .bind(test.db.name())
        .bind(table)
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn months_are_made_ahead_and_nothing_is_dropped_while_the_switch_is_off(#[case] engine: TestEngine) {
    let test = TestOps::new(engine, NOW).await;
    test.history(3, policy(), Switches::default(), "2026-03", "2026-11").await;
    let before = test.plan().await;
    assert_eq!(before.active_steps().count(), 3 * 2, "two months on each of three shards");
    assert_eq!(before.steps.len(), 3 * 2 + 3 * 2, "and March and April, shown but blocked");

    let run = apply(&test.ops, &before.hash.0).await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Done);
    assert_eq!(run.steps.iter().filter(|step| step.outcome == StepOutcome::Done).count(), 6);
    assert_eq!(run.steps.iter().filter(|step| step.outcome == StepOutcome::Blocked).count(), 6);
    let names = partitions(&test, "payment_history_shard_1").await;
    assert_eq!((names.first().unwrap().as_str(), names.last().unwrap().as_str()), ("p202603", "p202701"));

    let after = test.plan().await;
    assert_eq!(after.active_steps().count(), 0, "run twice, it changes nothing more");
    assert!(matches!(apply(&test.ops, &after.hash.0).await, Err(OpsError::Refused { .. })));
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_drop_takes_expired_months_only_and_says_how_many_rows_went(#[case] engine: TestEngine) {
    let test = TestOps::new(engine, NOW).await;
    test.history(2, policy(), Switches::default(), "2026-03", "2027-01").await;
    // Seoul's April ends at 15:00 UTC: one row is in April, the other in May.
    test.pay(TABLE, [(1, 0, "2026-04-30 14:59:59.999999"), (2, 0, "2026-04-30 15:00:00")]).await;
    drop_switch(&test.ops, true).await;
    let plan = test.plan().await;
    let run = apply(&test.ops, &plan.hash.0).await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    let dropped: Vec<_> = run
        .steps
        .iter()
        .filter(|step| step.table.ends_with('0'))
        .map(|step| (step.action.as_str(), step.rows))
        .collect();
    assert_eq!(dropped, [("drop 2026-03", Some(0)), ("drop 2026-04", Some(1))]);
    assert_eq!(partitions(&test, "payment_history_shard_0").await[0], "p202605");
    assert_eq!(test.payments(TABLE).await, [2]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_plan_that_is_no_longer_true_is_refused(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    test.history(1, policy(), Switches::default(), "2026-03", "2026-11").await;
    let seen = test.plan().await;
    drop_switch(&test.ops, true).await;
    let refused = apply(&test.ops, &seen.hash.0).await;
    assert!(matches!(refused, Err(OpsError::Refused { .. })), "{refused:?}");
    assert_eq!(partitions(&test, "payment_history_shard_0").await.len(), 9, "nothing was touched");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn one_bad_table_never_stops_the_others(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    test.history(3, policy(), Switches { drop: true, ..Switches::default() }, "2026-03", "2026-11").await;
    test.execute("DROP TABLE payment_history_shard_1").await;
    let plan = test.plan().await;
    assert!(plan.findings.iter().any(|finding| finding.kind == FindingKind::MissingTable), "{:?}", plan.findings);
    let run = apply(&test.ops, &plan.hash.0).await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Done);
    for shard in [0, 2] {
        assert_eq!(partitions(&test, &format!("payment_history_shard_{shard}")).await.last().unwrap(), "p202701");
    }
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn an_alter_waits_for_a_reader_within_its_bound_and_then_goes_through(#[case] engine: TestEngine) {
    let test = TestOps::new(engine, NOW).await;
    let spec = test.history(1, policy(), Switches::default(), "2026-05", "2026-11").await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["reader"]).await;
    sessions.step("reader", "BEGIN").await.done();
    sessions.step("reader", &format!("SELECT COUNT(*) FROM `{}`.payment_history_shard_0", spec.schema)).await.done();
    let meanwhile = async {
        test.gives_up_once("ALTER TABLE {table}%", TABLE).await;
        sessions.step("reader", "COMMIT").await.done();
    };
    let (run, ()) = tokio::join!(test.apply(), meanwhile);
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert!(run.steps[0].attempts > 1, "it was turned away at least once: {run:#?}");
    assert!(run.steps[0].wait_ms > Some(0), "and waited: {run:#?}");
    assert_eq!((run.steps[1].attempts, run.steps[1].wait_ms), (1, Some(0)), "nothing was in its way: {run:#?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn two_instances_applying_at_once_do_the_work_once(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    test.history(3, policy(), Switches::default(), "2026-05", "2026-11").await;
    let other = test.second_instance().await;
    let hash = test.plan().await.hash.0;
    let (one, two) = tokio::join!(apply(&test.ops, &hash), apply(&other, &hash));
    let done =
        [&one, &two].into_iter().filter(|result| matches!(result, Ok(run) if run.outcome == RunOutcome::Done)).count();
    assert_eq!(done, 1, "{one:?} {two:?}");
    assert!([one, two].into_iter().any(|result| matches!(result, Err(OpsError::Refused { .. }))));
    assert_eq!(rotation::runs(&test.ops, &Permit::for_command(), "").await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_edge_that_cannot_be_read_is_never_dropped() {
    let test = TestOps::new(EngineKind::MariaDb, NOW).await;
    let spec = test.spec(1, policy());
    payhist_ops::histories::register(
        &test.ops,
        &Permit::for_command(),
        &spec,
        Switches { drop: true, ..Switches::default() },
    )
    .await
    .unwrap();
    let mut connection = test.db.connect().await;
    // Partitioned by something payhist does not know, with old partitions that look expired by name.
    let sql = format!(
        "CREATE TABLE `{}`.payment_history_shard_0 (id INT NOT NULL, d DATE NOT NULL) PARTITION BY RANGE (id) \
         (PARTITION p202001 VALUES LESS THAN (10), PARTITION p202002 VALUES LESS THAN (20))",
        spec.schema
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    let plan = test.plan().await;
    assert_eq!(plan.active_steps().count(), 0, "{plan:#?}");
    assert!(!plan.findings.is_empty());
    let map = rotation::map(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert!(map.findings.iter().any(|finding| matches!(finding.kind, FindingKind::UnknownExpression { .. })));
}

/// The oldest month of one shard with rows, to be dropped between 1 and 5 o'clock on Saturdays.
fn with_window(blockers: Blockers) -> Policy {
    Policy { windows: vec!["Sat 01:00-05:00".parse().unwrap()], blockers, ..policy() }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_window_that_closes_during_a_run_stops_the_drops_that_are_left(#[case] engine: EngineKind) {
    // Saturday, a minute to five in Seoul.
    let test = TestOps::new(engine, "2026-11-13T19:59:00Z").await;
    test.history(1, with_window(Blockers::Wait), Switches { drop: true, ..Switches::default() }, "2026-03", "2027-01")
        .await;
    let planned = test.plan().await;
    assert_eq!(planned.active_steps().count(), 2, "{planned:#?}");
    let run = test.record(&planned).await;
    test.clock.advance(chrono::TimeDelta::minutes(1));
    let run = test.resume(run).await;
    assert!(run.steps.iter().all(|step| step.outcome == StepOutcome::Blocked), "{run:#?}");
    assert!(run.steps[0].detail.as_ref().unwrap().contains("opens at 2026-11-20 16:00 UTC"), "{run:#?}");
    assert_eq!(partitions(&test, "payment_history_shard_0").await[0], "p202603");
    // Planned outside, the steps are shown, blocked; within the window they go.
    assert_eq!(test.plan().await.active_steps().count(), 0);
    test.clock.set("2026-11-20T16:00:00Z".parse().unwrap());
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!(partitions(&test, "payment_history_shard_0").await[0], "p202605");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_small_month_behind_a_large_one_that_waits_is_not_dropped(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-13T19:59:00Z").await;
    let mut policy = with_window(Blockers::Wait);
    policy.max_drop_bytes_outside_windows = Some(1_000_000_000);
    test.history(1, policy, Switches { drop: true, ..Switches::default() }, "2026-03", "2027-01").await;
    let mut planned = test.plan().await;
    planned.steps[0].bytes = 1_000_000_001; // planned within the window, where its size did not matter
    let run = test.record(&planned).await;
    test.clock.advance(chrono::TimeDelta::minutes(1));
    let run = test.resume(run).await;
    let outcomes: Vec<_> = run.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [StepOutcome::Blocked, StepOutcome::Skipped], "{run:#?}");
    assert_eq!(partitions(&test, "payment_history_shard_0").await[..2], ["p202603", "p202604"]);
}

mod slow {
    use super::*;

    #[rstest]
    #[case::mariadb(TestEngine::MariaDb)]
    #[case::mariadb11(TestEngine::MariaDb11)]
    #[case::mysql(TestEngine::MySql)]
    #[tokio::test]
    async fn who_holds_the_tables_lock_is_killed_where_the_policy_says_so_and_nobody_else(#[case] engine: TestEngine) {
        let test = TestOps::new(engine, NOW).await;
        let policy = Policy { blockers: Blockers::Kill, ..policy() };
        let spec = test.history(1, policy, Switches::default(), "2026-05", "2026-11").await;
        let mut sessions = Sessions::new(&test.db.connect_options(), &["holder", "bystander"]).await;
        for (session, table) in [("holder", "payment_history_shard_0"), ("bystander", "history")] {
            sessions.step(session, "BEGIN").await.done();
            sessions.step(session, &format!("SELECT COUNT(*) FROM `{}`.{table}", spec.schema)).await.done();
        }
        let killed = format!("connection {}", sessions.connection_id("holder"));
        let run = test.apply().await;
        assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
        assert!(run.steps[0].detail.as_ref().is_some_and(|detail| detail.contains(&killed)), "{run:#?}");
        sessions.step("bystander", "SELECT 1").await.done();
        let mut connection = test.db.connect().await;
        let told: Vec<String> = sqlx::query_scalar("SELECT detail FROM audit WHERE action = 'blockers.kill'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert!(told.len() == 1 && told[0].contains(&killed), "{told:?}");
    }
}
