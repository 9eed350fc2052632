//! Jobs on real servers: what is due becomes due once and runs once, whoever looks.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use chrono::TimeDelta;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, jobs};
use payhist_storage::leases;
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use payhist_types::jobs::{JobRun, JobRunStatus};
use rstest::rstest;

async fn runs(ops: &Ops, job: &str) -> Vec<JobRun> {
    jobs::show(ops, &Permit::for_command(), job).await.unwrap().runs
}

async fn tick(ops: &Ops) {
    jobs::make_due(ops).await.unwrap();
    jobs::run_open(ops).await.unwrap();
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn two_instances_perform_each_tick_exactly_once(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T12:00:30Z").await;
    let other = test.second_instance().await;
    jobs::ensure(&test.ops).await.unwrap();
    for _ in 0..5 {
        test.clock.advance(TimeDelta::minutes(1));
        tokio::join!(tick(&test.ops), tick(&other));
    }
    let runs = runs(&test.ops, "deadlock-capture").await;
    assert_eq!(runs.len(), 5, "one for each minute: {runs:#?}");
    assert!(runs.iter().all(|run| run.status == JobRunStatus::Succeeded), "{runs:#?}");
    let mut tokens: Vec<_> = runs.iter().map(|run| run.fencing_token).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 5, "each run under a token of its own");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn premake_makes_the_months_that_the_policy_asks_for(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T02:14:30Z").await;
    let policy =
        Policy { premake_months: Some(2), retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
    test.history(2, policy, Switches::default(), "2026-10", "2026-11").await;
    jobs::ensure(&test.ops).await.unwrap();
    test.clock.advance(TimeDelta::minutes(1));
    tick(&test.ops).await;
    let run = runs(&test.ops, "premake").await.remove(0);
    assert_eq!(run.status, JobRunStatus::Succeeded, "{run:?}");
    assert!(run.rotation_run.is_some() && run.summary.unwrap().contains("4 of 4 steps done"));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn months_go_when_their_window_opens_though_the_daily_run_comes_before(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T02:44:30Z").await;
    let windows = vec!["daily 04:00-05:00".parse().unwrap()];
    let policy = Policy { retention_months: Some(1), windows, ..Policy::default() };
    test.history(1, policy, Switches { drop: true, ..Switches::default() }, "2026-09", "2026-11").await;
    jobs::ensure(&test.ops).await.unwrap();
    test.clock.advance(TimeDelta::minutes(1));
    tick(&test.ops).await;
    let daily = runs(&test.ops, "expire").await.remove(0);
    assert!(daily.rotation_run.is_none() && daily.summary.unwrap().contains("no maintenance window is open"));
    test.clock.set("2026-11-15T03:59:59Z".parse().unwrap());
    tick(&test.ops).await;
    assert_eq!(runs(&test.ops, "expire").await.len(), 1, "the window is still closed");

    let other = test.second_instance().await;
    for now in ["2026-11-15T04:00:00.2Z", "2026-11-15T04:00:01Z", "2026-11-15T04:30:00Z"] {
        test.clock.set(now.parse().unwrap());
        tokio::join!(tick(&test.ops), tick(&other));
    }
    let runs = runs(&test.ops, "expire").await;
    assert_eq!(runs.len(), 2, "once for the opening, whoever looks and how often: {runs:#?}");
    assert_eq!(runs[0].scheduled_at.to_rfc3339(), "2026-11-15T04:00:00+00:00");
    assert!(
        runs[0].rotation_run.is_some() && runs[0].summary.as_ref().unwrap().contains("1 of 1 steps done"),
        "{runs:#?}"
    );
}

#[tokio::test]
async fn missed_ticks_are_recorded_and_the_newest_runs() {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:30Z").await;
    jobs::ensure(&test.ops).await.unwrap();
    test.clock.advance(TimeDelta::minutes(3));
    tick(&test.ops).await;
    let statuses: Vec<_> = runs(&test.ops, "deadlock-capture").await.into_iter().map(|run| run.status).collect();
    assert_eq!(statuses, [JobRunStatus::Succeeded, JobRunStatus::Skipped, JobRunStatus::Skipped]);
}

#[tokio::test]
async fn a_paused_job_becomes_due_only_by_hand_and_makes_up_for_nothing() {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:30Z").await;
    let permit = Permit::for_command();
    jobs::ensure(&test.ops).await.unwrap();
    jobs::pause(&test.ops, &permit, "deadlock-capture", true).await.unwrap();
    test.clock.advance(TimeDelta::minutes(10));
    tick(&test.ops).await;
    assert_eq!(runs(&test.ops, "deadlock-capture").await.len(), 0);
    let id = jobs::run_now(&test.ops, &permit, "deadlock-capture").await.unwrap();
    let run = jobs::wait_for(&test.ops, "deadlock-capture", id).await.unwrap();
    assert_eq!((run.status, run.trigger.as_str()), (JobRunStatus::Succeeded, "command"));
    jobs::pause(&test.ops, &permit, "deadlock-capture", false).await.unwrap();
    tick(&test.ops).await;
    assert_eq!(runs(&test.ops, "deadlock-capture").await.len(), 1, "the ten minutes of the pause are not made up for");
}

#[tokio::test]
async fn a_run_left_by_a_dead_instance_is_taken_over_when_its_lease_has_ended() {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:30Z").await;
    jobs::ensure(&test.ops).await.unwrap();
    test.clock.advance(TimeDelta::minutes(1));
    jobs::make_due(&test.ops).await.unwrap();
    // An instance that took the lease and the run, and then died.
    let mut connection = test.ops.control().acquire("test").await.unwrap();
    let term = TimeDelta::seconds(30);
    let token =
        leases::take(&mut connection, "job.deadlock-capture", "dead", term, test.clock.now()).await.unwrap().unwrap();
    let id = payhist_storage::jobs::next_open(&mut connection, "deadlock-capture").await.unwrap().unwrap();
    assert!(payhist_storage::jobs::begin(&mut connection, id, "dead", token, test.clock.now()).await.unwrap());
    drop(connection);

    jobs::run_open(&test.ops).await.unwrap();
    assert_eq!(runs(&test.ops, "deadlock-capture").await[0].status, JobRunStatus::Running, "its lease still holds");
    test.clock.advance(TimeDelta::seconds(31));
    jobs::run_open(&test.ops).await.unwrap();
    let run = runs(&test.ops, "deadlock-capture").await.remove(0);
    assert_eq!(run.status, JobRunStatus::Succeeded);
    assert!(run.fencing_token > token && run.instance.as_deref() == Some("test:1"), "{run:?}");

    // The dead one wakes up: its outcome no longer counts.
    let late =
        payhist_storage::jobs::JobResult { status: JobRunStatus::Failed, summary: "late".into(), rotation_run: None };
    let mut connection = test.ops.control().acquire("test").await.unwrap();
    assert!(!payhist_storage::jobs::finish(&mut connection, id, token, &late, test.clock.now()).await.unwrap());
}

#[tokio::test]
async fn the_next_times_are_on_the_second_whenever_one_looks() {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:30.250Z").await;
    for job in jobs::list(&test.ops, &Permit::for_command()).await.unwrap() {
        assert!(job.next.iter().all(|at| at.timestamp_subsec_nanos() == 0), "{}: {:?}", job.name, job.next);
    }
}

#[tokio::test]
async fn a_schedule_is_told_in_one_sentence() {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:00Z").await;
    for job in jobs::list(&test.ops, &Permit::for_command()).await.unwrap() {
        let words = &job.schedule_words;
        assert!(words.ends_with('.') && words.matches('.').count() == 1, "{}: {words}", job.name);
    }
}
