//! Processes killed with -9 at every fault point: the next run finishes, and nothing is done twice or lost.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_ops::auth::Permit;
use payhist_ops::{jobs, rotation};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use payhist_types::jobs::JobRunStatus;
use payhist_types::run::{RunOutcome, StepOutcome};
use rstest::rstest;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{PAYHIST, Serve, configuration, processes_on};

const APPLY_FAULTS: [&str; 7] = [
    "rotation.after_begin",
    "rotation.before_intent",
    "rotation.after_intent",
    "rotation.before_ddl",
    "rotation.after_ddl:2",
    "rotation.after_settle:3",
    "rotation.before_finish",
];

fn apply(config: &Path, fault: Option<&str>) -> std::process::ExitStatus {
    let mut command = Command::new(PAYHIST);
    command.args(["partitions", "apply", "--json", "--config"]).arg(config).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(fault) = fault {
        command.env("PAYHIST_FAULT", fault);
    }
    command.status().unwrap()
}

/// Waits until the lease of the killed process has ended, as the server's clock sees it.
async fn end_lease(test: &TestOps) {
    let mut connection = test.db.connect().await;
    sqlx::query("UPDATE lease SET expires_at = '2000-01-01'").execute(&mut connection).await.unwrap();
}

async fn partitions(test: &TestOps, shard: u16) -> Vec<String> {
    let mut connection = test.db.connect().await;
    sqlx::query_scalar(
        "SELECT PARTITION_NAME FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = CONCAT('payment_history_shard_', ?) \
         ORDER BY PARTITION_ORDINAL_POSITION",
    )
    .bind(test.db.name())
    .bind(shard)
    .fetch_all(&mut connection)
    .await
    .unwrap()
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_apply_killed_at_every_fault_point_is_finished_by_the_next_one(#[case] engine: EngineKind) {
    for fault in APPLY_FAULTS {
        let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
        let policy =
            Policy { premake_months: Some(2), retention_months: Some(4), zone: "UTC".to_owned(), ..Policy::default() };
        // The binary reads the real clock, so the months are those around today.
        let today = payhist_plan::months::month_of(real_now(), chrono_tz::Tz::UTC);
        let month = |months| today.plus(months).unwrap().to_string();
        let switches = Switches { drop: true, ..Switches::default() };
        test.history(2, policy, switches, &month(-6), &month(0)).await;
        let folder = tempfile::tempdir().unwrap();
        let config = configuration(&test, folder.path());

        assert!(!apply(&config, Some(fault)).success(), "{fault}: it died");
        end_lease(&test).await;
        assert!(apply(&config, None).success(), "{fault}: the next one finishes");

        let name = |months| payhist_plan::months::partition_name(today.plus(months).unwrap());
        let expected: Vec<_> = (-4..=2).map(name).collect();
        for shard in 0..2 {
            assert_eq!(partitions(&test, shard).await, expected, "{fault}, shard {shard}");
        }
        let runs = rotation::runs(&test.ops, &Permit::for_command(), "").await.unwrap();
        assert!(runs.iter().all(|run| run.outcome == RunOutcome::Done), "{fault}: {runs:#?}");
        for run in runs {
            let run = rotation::run(&test.ops, &Permit::for_command(), run.id).await.unwrap();
            let settled = |outcome| matches!(outcome, StepOutcome::Done | StepOutcome::AlreadyDone);
            assert!(run.steps.iter().all(|step| settled(step.outcome)), "{fault}: {run:#?}");
        }
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_split_killed_at_every_fault_point_is_finished_by_the_next_apply(#[case] engine: EngineKind) {
    for fault in ["rotation.after_intent", "rotation.before_ddl", "rotation.after_ddl", "rotation.after_settle"] {
        let test = TestOps::new(engine, &real_now().to_rfc3339()).await;
        let policy =
            Policy { premake_months: Some(2), retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
        let today = payhist_plan::months::month_of(real_now(), chrono_tz::Tz::UTC);
        let month = |months| today.plus(months).unwrap();
        test.history(1, policy, Switches::default(), &month(-1).to_string(), &month(0).to_string()).await;
        let max = "ALTER TABLE payment_history_shard_0 ADD PARTITION (PARTITION rest VALUES LESS THAN (MAXVALUE))";
        sqlx::query(max).execute(&mut test.db.connect().await).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = configuration(&test, folder.path());

        let died = std::os::unix::process::ExitStatusExt::signal(&apply(&config, Some(fault)));
        assert_eq!(died, Some(6), "{fault} was not reached");
        end_lease(&test).await;
        // After the ALTER there is nothing left for a run of its own: what resumes the killed one is all.
        apply(&config, None);

        let mut found = partitions(&test, 0).await;
        assert!(found.pop().unwrap().starts_with("rest"), "{fault}: the MAXVALUE partition stays");
        let months: Vec<_> = (-1..=2).map(|months| payhist_plan::months::partition_name(month(months))).collect();
        assert_eq!(found, months, "{fault}");
        let plan = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
        assert_eq!(plan.steps, [], "{fault}");
        let runs = rotation::runs(&test.ops, &Permit::for_command(), "").await.unwrap();
        assert!(runs.iter().all(|run| run.outcome == RunOutcome::Done), "{fault}: {runs:#?}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the process under test reads the real clock")]
fn real_now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

#[tokio::test]
async fn two_serving_processes_perform_each_run_once_and_one_of_them_may_die() {
    let test = TestOps::new(EngineKind::MariaDb, &real_now().to_rfc3339()).await;
    let policy = Policy { premake_months: None, retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
    test.history(1, policy, Switches::default(), "2026-10", "2026-12").await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&test, folder.path());
    let mut one = Serve::start(&config);
    let _two = Serve::start(&config);
    let mut ids = Vec::new();
    for round in 0..6 {
        test.clock.set(real_now());
        ids.push(jobs::run_now(&test.ops, &Permit::for_command(), "runway-check").await.unwrap());
        if round == 2 {
            one.kill9();
            end_lease(&test).await;
        }
        ended(&test, "runway-check", *ids.last().unwrap()).await;
    }
    let runs = jobs::show(&test.ops, &Permit::for_command(), "runway-check").await.unwrap().runs;
    for id in ids {
        let mine: Vec<_> = runs.iter().filter(|run| run.id == id).collect();
        assert_eq!(mine.len(), 1);
        assert_eq!(mine[0].status, JobRunStatus::Succeeded, "{:?}", mine[0]);
    }
    let mut tokens: Vec<_> = runs.iter().map(|run| run.fencing_token).collect();
    tokens.sort_unstable();
    let distinct = tokens.len();
    tokens.dedup();
    assert_eq!(tokens.len(), distinct, "no token was used for two runs");
}

/// Dies at the fault point of the first job that it runs.
fn serve_and_die(config: &Path, fault: &str) {
    let mut command = Command::new(PAYHIST);
    command.args(["serve", "--config"]).arg(config).env("PAYHIST_FAULT", fault).stderr(Stdio::null());
    let status = command.status().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "{fault} was not reached: {status}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_job_whose_process_died_is_finished_under_the_next_token_by_another(#[case] engine: EngineKind) {
    for fault in ["job.after_begin", "job.before_finish"] {
        let test = TestOps::new(engine, &real_now().to_rfc3339()).await;
        let policy =
            Policy { premake_months: Some(2), retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
        let today = payhist_plan::months::month_of(real_now(), chrono_tz::Tz::UTC);
        let month = |months| today.plus(months).unwrap();
        test.history(2, policy, Switches::default(), &month(-1).to_string(), &month(0).to_string()).await;
        let folder = tempfile::tempdir().unwrap();
        let config = configuration(&test, folder.path());
        jobs::ensure(&test.ops).await.unwrap();
        for job in jobs::JOBS {
            jobs::pause(&test.ops, &Permit::for_command(), job.name, true).await.unwrap();
        }
        let id = jobs::run_now(&test.ops, &Permit::for_command(), "premake").await.unwrap();

        serve_and_die(&config, fault);
        end_lease(&test).await;
        let _other = Serve::start(&config);
        ended(&test, "premake", id).await;

        let runs = jobs::show(&test.ops, &Permit::for_command(), "premake").await.unwrap().runs;
        let [run] = &runs[..] else { panic!("{fault}: one run, one row: {runs:#?}") };
        assert_eq!((run.id, run.status, run.fencing_token), (id, JobRunStatus::Succeeded, 2), "{fault}: {run:#?}");
        let expected: Vec<_> = (-1..=2).map(|months| payhist_plan::months::partition_name(month(months))).collect();
        for shard in 0..2 {
            assert_eq!(partitions(&test, shard).await, expected, "{fault}, shard {shard}");
        }
    }
}

/// Waits until one of the serving processes has run it.
async fn ended(test: &TestOps, job: &str, id: u64) {
    loop {
        let runs = jobs::show(&test.ops, &Permit::for_command(), job).await.unwrap().runs;
        if runs.iter().any(|run| run.id == id && run.finished_at.is_some()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A demo of a few payments in `folder`; its first line on standard output is the announcement.
fn demo(folder: &Path) -> std::process::Child {
    Command::new(PAYHIST)
        .args(["demo", "--json", "--port", "0", "--rows", DEMO_ROWS, "--dir"])
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

const DEMO_ROWS: &str = "3000";

#[tokio::test]
async fn a_demo_killed_at_any_moment_comes_up_whole_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    for moment_ms in [150, 700, 1_500, 2_500, 4_000] {
        let mut killed = demo(folder.path());
        tokio::time::sleep(Duration::from_millis(moment_ms)).await;
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    let mut whole = demo(folder.path());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(whole.stdout.take().unwrap()), &mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&ready["ready"], &ready["operator"]), (&true.into(), &"admin".into()), "{line}");

    let options = sqlx::mysql::MySqlConnectOptions::new().socket(folder.path().join("run/mysql.sock")).username("root");
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let mut rows = 0;
    for shard in 0..10 {
        let count = format!("SELECT COUNT(*) FROM payhist_payments.payment_history_shard_{shard}");
        rows += sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(count)).fetch_one(&mut connection).await.unwrap();
    }
    assert_eq!(rows.to_string(), DEMO_ROWS, "no payment was lost or doubled");
    drop(connection);

    let stopped = Command::new("kill").args(["-TERM", &whole.id().to_string()]).status().unwrap();
    assert!(stopped.success() && whole.wait().unwrap().success(), "SIGTERM is a clean stop");
    assert_eq!(processes_on(folder.path()), [""; 0], "no server is left behind");
}
