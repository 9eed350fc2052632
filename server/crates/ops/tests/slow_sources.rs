//! A history on two servers of different engines, one of which dies: the other's shards go on, the answers name what is
//! missing, and the next run finishes once it is back.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support_sources;

use chrono::TimeDelta;
use payhist_ops::auth::Permit;
use payhist_ops::holds::{self, Placement};
use payhist_ops::{OpsError, browse, doctor, jobs, monitoring, overview, policies, rotation};
use payhist_testkit::{Sessions, TestOps, TestServer, running};
use payhist_types::database::Unavailable;
use payhist_types::findings::FindingKind;
use payhist_types::holds::{HoldScope, Keeps, RowsKept};
use payhist_types::jobs::JobRunStatus;
use payhist_types::overview::Health;
use payhist_types::partition::RestoreOutcome;
use payhist_types::payment::PaymentQuery;
use payhist_types::policy_edit::PolicyEdit;
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use payhist_types::{EngineKind, ShardId, UserId};
use rstest::rstest;
use support_sources::{DONE, Deployment, SCHEMA, payment, steps};

#[rstest]
#[case::mariadb_goes_on(EngineKind::MariaDb, EngineKind::MySql)]
#[case::mysql_goes_on(EngineKind::MySql, EngineKind::MariaDb)]
#[tokio::test]
async fn runs_go_on_while_one_server_is_down_and_the_next_one_finishes(
    #[case] first: EngineKind,
    #[case] second: EngineKind,
) {
    let mut test = Deployment::new(first, second).await;
    assert_eq!(test.plan().await.active_steps().count(), 8, "both engines in one plan: {:#?}", test.plan().await);
    test.second.kill9().await;

    let plan = test.plan().await;
    assert!(plan.steps.iter().all(|step| step.shard.0 < 2), "{plan:#?}");
    assert_eq!(plan.active_steps().count(), 4);
    assert!(plan.is_partial() && plan.unknown().len() == 1 && plan.unknown()[0].contains("shards 2-3"), "{plan:#?}");
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Partial, "{run:#?}");
    assert!(run.unknown[0].contains("its source second does not answer"), "{run:#?}");
    assert_eq!((steps(&run, 0), steps(&run, 1)), (DONE.to_vec(), DONE.to_vec()));

    test.second = test.second.restart().await;
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!((steps(&run, 2), steps(&run, 3)), (DONE.to_vec(), DONE.to_vec()));
    assert!(!test.plan().await.is_partial());
}

#[rstest]
#[case::mariadb_goes_on(EngineKind::MariaDb, EngineKind::MySql)]
#[case::mysql_goes_on(EngineKind::MySql, EngineKind::MariaDb)]
#[tokio::test]
async fn a_server_that_dies_in_mid_run_costs_its_own_shards_alone(
    #[case] first: EngineKind,
    #[case] second: EngineKind,
) {
    let mut test = Deployment::new(first, second).await;
    let mut sessions = reader(&test.first, 0).await;
    let _lost = reader(&test.second, 2).await;
    let (ops, hash) = (test.ops.clone(), test.plan().await.hash.0);
    let applying =
        tokio::spawn(async move { rotation::apply_and_wait(&ops, &Permit::for_command(), "", &hash).await.unwrap() });
    wait_for_alter(&test.first).await;
    wait_for_alter(&test.second).await;
    test.second.kill9().await;
    sessions.step("reader", "COMMIT").await.done();
    let run = applying.await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Partial, "{run:#?}");
    assert_eq!((steps(&run, 0), steps(&run, 1)), (DONE.to_vec(), DONE.to_vec()));
    let of_second: Vec<_> =
        run.steps.iter().filter(|step| step.table.ends_with('2') || step.table.ends_with('3')).collect();
    assert_eq!(of_second[0].outcome, StepOutcome::Failed, "{run:#?}");
    assert!(of_second[1..].iter().all(|step| step.outcome == StepOutcome::Skipped), "one wait is enough: {run:#?}");
    assert!(of_second.iter().all(|step| step.detail.as_ref().unwrap().contains("second")), "{run:#?}");

    test.second = test.second.restart().await;
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!((steps(&run, 2), steps(&run, 3)), (DONE.to_vec(), DONE.to_vec()));
}

#[rstest]
#[case::mariadb_waits(EngineKind::MariaDb, EngineKind::MySql)]
#[case::mysql_waits(EngineKind::MySql, EngineKind::MariaDb)]
#[tokio::test]
async fn a_table_that_waits_for_its_lock_keeps_no_other_source_waiting(
    #[case] first: EngineKind,
    #[case] second: EngineKind,
) {
    let test = Deployment::new(first, second).await;
    let mut sessions = reader(&test.first, 0).await;
    let hash = test.plan().await.hash.0;
    let run = rotation::apply(&test.ops, &Permit::for_command(), "", &hash).await.unwrap();
    let until = async |done: fn(&RotationRun) -> bool| loop {
        let seen = rotation::run(&test.ops, &Permit::for_command(), run).await.unwrap();
        if seen.outcome != RunOutcome::Running || done(&seen) {
            break seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let waiting = until(|seen| steps(seen, 2) == DONE && steps(seen, 3) == DONE).await;
    assert_eq!(steps(&waiting, 0)[0].1, StepOutcome::Intended, "{waiting:#?}");
    assert_eq!(steps(&waiting, 1), DONE.map(|(step, _)| (step, StepOutcome::Pending)), "serial on one source");
    sessions.step("reader", "COMMIT").await.done();
    let run = until(|_| false).await;
    assert_eq!(
        (run.outcome, steps(&run, 0), steps(&run, 1)),
        (RunOutcome::Done, DONE.to_vec(), DONE.to_vec()),
        "{run:#?}"
    );
}

/// A transaction that has read a shard's table, and so keeps its ALTER waiting.
async fn reader(server: &TestServer, shard: u16) -> Sessions {
    let mut sessions = Sessions::new(&server.connect_options(), &["reader"]).await;
    sessions.step("reader", "BEGIN").await.done();
    sessions.step("reader", &format!("SELECT COUNT(*) FROM `{SCHEMA}`.payment_history_shard_{shard}")).await.done();
    sessions
}

/// Waits until an ALTER waits for the reader.
async fn wait_for_alter(server: &TestServer) {
    let mut connection = server.connect().await;
    while running(&mut connection, "ALTER TABLE%").await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_people_look_at_names_the_server_that_is_down_and_shows_the_rest() {
    let test = Deployment::new(EngineKind::MariaDb, EngineKind::MySql).await;
    assert_eq!(test.apply().await.outcome, RunOutcome::Done); // May goes to quarantine
    for scope in [HoldScope::Order { order: "o".into() }, HoldScope::User { user: UserId(2) }] {
        let placement = Placement { scope, reason: "audit".into(), case_number: "1".into(), last_day: None };
        holds::place(&test.ops, &Permit::for_command(), "", placement).await.unwrap();
    }
    test.second.kill9().await;

    let held = holds::list(&test.ops, &Permit::for_command(), "").await.unwrap().holds;
    let keeps: Vec<_> = held.iter().map(|view| view.keeps.clone()).collect();
    let [Some(Keeps::Rows(user)), Some(Keeps::Rows(order))] = &*keeps else { panic!("{held:#?}") };
    let lost = |kept: &RowsKept| kept.not_counted.iter().map(|lost| lost.shard.0).collect::<Vec<_>>();
    assert_eq!((order.rows, order.quarantined_rows, order.shards, lost(order)), (2, 2, 2, vec![2, 3]), "{order:#?}");
    assert_eq!((user.rows, user.shards, lost(user)), (0, 0, vec![2]), "{user:#?}");
    assert!(user.not_counted[0].reason.contains("its source second does not answer"), "{user:#?}");

    let map = rotation::map(&test.ops, &Permit::for_command(), "").await.unwrap();
    let lost: Vec<_> =
        map.rows.iter().filter(|row| row.problem.is_some()).map(|row| (row.shard.0, &*row.source)).collect();
    assert_eq!(lost, [(2, "second"), (3, "second")]);
    let simulation =
        policies::simulate(&test.ops, &Permit::for_command(), "", &PolicyEdit::default(), 3).await.unwrap();
    assert!(!simulation.steps.is_empty() && simulation.unknown[0].contains("second"), "{simulation:#?}");

    let restored = rotation::restore(&test.ops, &Permit::for_command(), "", "2026-05".parse().unwrap()).await.unwrap();
    let outcomes: Vec<_> = restored.shards.iter().map(|shard| shard.outcome).collect();
    let (back, failed) = (RestoreOutcome::Restored, RestoreOutcome::Failed);
    assert_eq!(outcomes, [back, back, failed, failed], "{restored:#?}");

    let page = browse::list(&test.ops, &Permit::for_command(), &PaymentQuery::default()).await.unwrap();
    let missing: Vec<_> = page.missing.iter().map(|missing| (missing.shard.0, &*missing.source)).collect();
    assert!(!page.complete && page.payments.len() == 2, "{page:#?}");
    assert_eq!(missing, [(2, "second"), (3, "second")]);
    let shown = browse::show(&test.ops, &Permit::for_command(), None, "", payment(ShardId(1))).await.unwrap();
    assert_eq!((shown.location.source.as_str(), shown.missing.len()), ("first", 0));
    let lost = browse::show(&test.ops, &Permit::for_command(), None, "", payment(ShardId(2))).await.unwrap_err();
    assert!(matches!(lost, OpsError::SourcesSilent(_)) && lost.to_string().contains("2 on second"), "{lost}");

    let diagnosis = doctor::diagnose(&test.ops, &Permit::for_command(), "").await.unwrap();
    let of = |code: &str| diagnosis.findings.iter().filter(|finding| finding.code == code).collect::<Vec<_>>();
    assert!(of("not_checked").iter().any(|finding| finding.what.contains("the source second")), "{diagnosis:#?}");
    assert_eq!(
        of("unreadable").iter().map(|finding| finding.shard).collect::<Vec<_>>(),
        [Some(ShardId(2)), Some(ShardId(3))]
    );
    // Its clock is not the test's: so the server that answers was examined.
    assert_eq!(of("clock").iter().map(|finding| finding.source.as_deref()).collect::<Vec<_>>(), [Some("first")]);

    let health = overview::view(&test.ops, &Permit::for_command(), "").await.unwrap();
    let shards = health.checks.iter().find(|check| check.title == "Shards").unwrap();
    assert!(shards.health == Health::Critical && shards.detail.contains("second"), "{shards:?}");

    jobs::ensure(&test.ops).await.unwrap();
    test.clock.advance(TimeDelta::minutes(1));
    jobs::make_due(&test.ops).await.unwrap();
    jobs::run_open(&test.ops).await.unwrap();
    let job = jobs::show(&test.ops, &Permit::for_command(), "premake").await.unwrap().runs.remove(0);
    assert_eq!(job.status, JobRunStatus::Partial, "{job:?}");
    assert!(job.summary.unwrap().contains("its source second does not answer"));
}

#[rstest]
#[case::mariadb_hangs(EngineKind::MySql, EngineKind::MariaDb)]
#[case::mysql_hangs(EngineKind::MariaDb, EngineKind::MySql)]
#[tokio::test]
async fn a_server_that_hangs_is_waited_for_no_longer_than_its_deadline(
    #[case] first: EngineKind,
    #[case] second: EngineKind,
) {
    let test = Deployment::new(first, second).await;
    let everything = PaymentQuery::default();
    let look = async |query: &PaymentQuery| browse::list(&test.ops, &Permit::for_command(), query).await.unwrap();
    assert!(look(&everything).await.complete);
    test.second.server().freeze(); // while connections to it lie ready

    let of_one = look(&PaymentQuery { user: "1".to_owned(), ..PaymentQuery::default() }).await;
    assert!(of_one.complete && of_one.payments.len() == 1, "it is on the other server: {of_one:#?}");
    let page = look(&everything).await;
    let missing: Vec<_> = page.missing.iter().map(|missing| (missing.shard.0, &*missing.source)).collect();
    assert_eq!((missing, page.payments.len()), (vec![(2, "second"), (3, "second")], 2), "{page:#?}");
    let database = monitoring::database(&test.ops, &Permit::for_command()).await.unwrap();
    let silent = |one: &Unavailable| one.source == "second" && one.reason.contains("in time");
    assert!(database.unavailable.iter().any(silent) && database.servers.len() == 1, "{database:#?}");
    let plan = test.plan().await;
    assert!(plan.is_partial() && plan.unknown()[0].contains("its source second does not answer"), "{plan:#?}");
    assert!(plan.steps.iter().all(|step| step.shard.0 < 2), "{plan:#?}");

    test.second.server().thaw();
    while !look(&everything).await.complete {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await; // until its catalogue is read again
    }
    assert!(!test.plan().await.is_partial());
}

#[tokio::test]
async fn a_shard_that_two_servers_have_is_left_alone() {
    let test = Deployment::new(EngineKind::MariaDb, EngineKind::MySql).await;
    let mut connection = test.first.connect().await;
    TestOps::make_tables(&mut connection, &test.spec, std::iter::once(ShardId(2)), "2026-05", "2026-11").await;
    let plan = test.plan().await;
    assert!(plan.steps.iter().all(|step| step.shard != ShardId(2)), "{plan:#?}");
    let misplaced = |kind: &FindingKind| matches!(kind, FindingKind::Misplaced { found_on, .. } if found_on.len() == 2);
    let found: Vec<_> = plan.findings.iter().filter(|finding| misplaced(&finding.kind)).map(|one| one.shard).collect();
    assert_eq!(found, [Some(ShardId(2))], "{plan:#?}");
    let run = test.apply().await;
    assert_eq!((run.outcome, steps(&run, 3)), (RunOutcome::Partial, DONE.to_vec()), "{run:#?}");
    let diagnosis = doctor::diagnose(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert!(diagnosis.findings.iter().any(|finding| finding.code == "misplaced_shard"), "{diagnosis:#?}");
}
