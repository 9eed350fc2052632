//! Tables that payhist has not made, adopted by configuration, on real servers.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::adopt::adopt;
use payhist_ops::auth::Permit;
use payhist_ops::holds::{self, Placement};
use payhist_ops::{OpsError, histories, rotation};
use payhist_storage::runs;
use payhist_testkit::{TestEngine, TestOps};
use payhist_types::columns::Columns;
use payhist_types::history::{HistorySpec, Policy, Route, Switch};
use payhist_types::holds::HoldScope;
use payhist_types::run::{RunOutcome, StepOutcome};
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use sqlx::Executor;

const NOW: &str = "2026-11-15T12:00:00Z";

/// Of August to November, September has expired as well, and December is wanted.
fn spec(test: &TestOps, route: Route, table_pattern: &str) -> HistorySpec {
    HistorySpec {
        name: "legacy".parse().unwrap(),
        source: "main".into(),
        schema: test.db.name().to_owned(),
        table_pattern: table_pattern.to_owned(),
        route,
        policy: Policy {
            premake_months: Some(1),
            retention_months: Some(1),
            zone: "UTC".to_owned(),
            ..Policy::default()
        },
        columns: None,
    }
}

/// A table of that column type, partitioned by that expression; `edge` spells an edge from a first day of a month.
async fn create(test: &TestOps, table: &str, kind: &str, by: &str, edge: impl Fn(&str) -> String, tail: &str) {
    let months =
        [("Old", "2026-09-01"), ("the second", "2026-10-01"), ("p202601", "2026-11-01"), ("naïve", "2026-12-01")];
    let parts: Vec<_> =
        months.iter().map(|(n, day)| format!("PARTITION `{n}` VALUES LESS THAN ({})", edge(day))).collect();
    let sql = format!(
        "CREATE TABLE `{table}` (id BIGINT, user_id BIGINT UNSIGNED NOT NULL, `at` {kind} NOT NULL, PRIMARY KEY (id, `at`)) \
         PARTITION BY {by} ({}{tail})",
        parts.join(", ")
    );
    let mut connection = test.db.connect().await;
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone()))).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

async fn create_plain(test: &TestOps, table: &str) {
    create(test, table, "DATETIME", "RANGE COLUMNS (`at`)", |day| format!("'{day}'"), "").await;
}

async fn partitions(test: &TestOps, table: &str) -> Vec<String> {
    let sql = "SELECT PARTITION_NAME FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? \
               ORDER BY PARTITION_ORDINAL_POSITION";
    let mut connection = test.db.connect().await;
    sqlx::query_scalar(sql).bind(test.db.name()).bind(table).fetch_all(&mut connection).await.unwrap()
}

async fn adopted(test: &TestOps, spec: &HistorySpec) -> Result<(), OpsError> {
    adopt(&test.ops, &Permit::for_command(), std::slice::from_ref(spec)).await
}

async fn allow_drops(test: &TestOps) {
    rotation::switch(&test.ops, &Permit::for_command(), "legacy", Switch::Drop, true).await.unwrap();
}

const MAXVALUE: &str = ", PARTITION rest VALUES LESS THAN MAXVALUE";

#[rstest]
#[case::datetime("DATETIME(3)", "RANGE COLUMNS (`at`)", |day: &str| format!("'{day}'"), ", PARTITION rest VALUES LESS THAN (MAXVALUE)")]
#[case::date("DATE", "RANGE COLUMNS (`at`)", |day: &str| format!("'{day}'"), ", PARTITION rest VALUES LESS THAN (MAXVALUE)")]
#[case::unix_timestamp("TIMESTAMP DEFAULT '2020-01-01 00:00:00'", "RANGE (UNIX_TIMESTAMP(`at`))", |day: &str| format!("UNIX_TIMESTAMP('{day} 00:00:00')"), MAXVALUE)]
#[case::to_days("DATETIME", "RANGE (TO_DAYS(`at`))", |day: &str| format!("TO_DAYS('{day}')"), MAXVALUE)]
#[case::year_month("DATETIME", "RANGE (YEAR(`at`) * 100 + MONTH(`at`))", |day: &str| day[..7].replace('-', ""), MAXVALUE)]
#[tokio::test]
async fn each_expression_is_rotated_whatever_its_partitions_are_called(
    #[case] kind: &str,
    #[case] by: &str,
    #[case] edge: fn(&str) -> String,
    #[case] max_value: &str,
    #[values(false, true)] has_max_value: bool,
    #[values(TestEngine::MariaDb, TestEngine::MariaDb11, TestEngine::MySql)] engine: TestEngine,
) {
    let test = TestOps::new(engine, NOW).await;
    create(&test, "legacy payments", kind, by, edge, if has_max_value { max_value } else { "" }).await;
    adopted(&test, &spec(&test, Route::Single, "legacy payments")).await.unwrap();
    let fresh = rotation::plan(&test.ops, &Permit::for_command(), "legacy").await.unwrap();
    assert!(fresh.active_steps().all(|step| !step.action.is_destructive()), "nothing is dropped unasked: {fresh:#?}");
    allow_drops(&test).await;
    let plan = rotation::plan(&test.ops, &Permit::for_command(), "legacy").await.unwrap();
    let run = rotation::apply_and_wait(&test.ops, &Permit::for_command(), "legacy", &plan.hash.0).await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    let rest = if engine.kind() == EngineKind::MariaDb { "rest_" } else { "rest" };
    let last = if has_max_value { vec!["p202612", rest] } else { vec!["p202612"] };
    assert_eq!(partitions(&test, "legacy payments").await, [vec!["p202601", "naïve"], last].concat());
    let again = rotation::plan(&test.ops, &Permit::for_command(), "legacy").await.unwrap();
    assert_eq!(again.steps, [], "run twice, it changes nothing more");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn every_shard_of_a_route_is_rotated_the_open_one_too(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    for shard in 0..3 {
        create_plain(&test, &format!("range_{shard}")).await;
    }
    let route = Route::Range { upper_bounds: vec![UserId(10_000), UserId(20_000)] };
    adopted(&test, &spec(&test, route, "range_{shard}")).await.unwrap();
    let plan = rotation::plan(&test.ops, &Permit::for_command(), "legacy").await.unwrap();
    rotation::apply_and_wait(&test.ops, &Permit::for_command(), "legacy", &plan.hash.0).await.unwrap();
    for shard in 0..3 {
        let partitions = partitions(&test, &format!("range_{shard}")).await;
        assert_eq!(partitions.last().map(String::as_str), Some("p202612"));
    }
}

#[tokio::test]
async fn what_would_put_tables_in_doubt_is_refused() {
    let test = TestOps::new(EngineKind::MariaDb, NOW).await;
    let legacy = spec(&test, Route::Modulo { shards: 3 }, "t_{shard}");
    adopted(&test, &legacy).await.unwrap();
    adopted(&test, &legacy).await.unwrap();
    let name = |name: &str| name.parse().unwrap();
    for (key, wrong) in [
        ("source", HistorySpec { source: "elsewhere".into(), ..legacy.clone() }),
        ("table_pattern", HistorySpec { table_pattern: "u_{shard}".to_owned(), ..legacy.clone() }),
        ("table_pattern", HistorySpec { schema: "elsewhere".into(), ..legacy.clone() }),
        ("table_pattern", HistorySpec { name: name("twin"), ..legacy.clone() }),
        ("table_pattern", spec_of_one_table(&legacy, "T_2")),
        ("route.shards", HistorySpec { route: Route::Modulo { shards: 0 }, ..legacy.clone() }),
    ] {
        let Err(OpsError::BadInput(fields)) = adopted(&test, &wrong).await else { panic!("{wrong:?}") };
        assert_eq!(fields[0].field, key, "{fields:?}");
    }
    let all = histories::all(&test.ops).await.unwrap();
    assert_eq!(all.into_iter().map(|history| history.spec).collect::<Vec<_>>(), [legacy]);
}

/// A hold looks for its rows by the route and the columns that count: by others it would look elsewhere.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_route_or_a_column_by_which_a_hold_would_lose_its_rows_is_refused(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    let routed = |shards| spec(&test, Route::Modulo { shards }, "t_{shard}");
    adopted(&test, &routed(2)).await.unwrap();
    let scope = HoldScope::User { user: UserId(5) };
    let hold = Placement { scope, reason: "audit".to_owned(), case_number: "1".to_owned(), last_day: None };
    holds::place(&test.ops, &Permit::for_command(), "legacy", hold).await.unwrap();
    adopted(&test, &routed(4)).await.unwrap(); // 5 % 2 == 5 % 4
    let Err(OpsError::BadInput(fields)) = adopted(&test, &routed(8)).await else { panic!("it was changed") };
    assert_eq!(fields[0].field, "route");
    assert!(fields[0].message.contains("keeps user 5 on shard 1"), "{fields:?}");
    let columns = Some(Box::new(Columns { user_id: "payer".to_owned(), ..Columns::own() }));
    let mapped = HistorySpec { columns, ..routed(4) };
    let Err(OpsError::BadInput(fields)) = adopted(&test, &mapped).await else { panic!("it was changed") };
    assert_eq!(fields[0].field, "columns", "{fields:?}");
    assert_eq!(histories::find(&test.ops, "legacy").await.unwrap().spec, routed(4));
    let mut connection = test.db.connect().await;
    sqlx::query("UPDATE legal_hold SET until = ?").bind("2026-11-15 12:00:00").execute(&mut connection).await.unwrap();
    adopted(&test, &routed(8)).await.unwrap();
    adopted(&test, &HistorySpec { route: Route::Modulo { shards: 8 }, ..mapped }).await.unwrap();
}

fn spec_of_one_table(legacy: &HistorySpec, table: &str) -> HistorySpec {
    let (name, table_pattern) = ("single".parse().unwrap(), table.to_owned());
    HistorySpec { name, table_pattern, route: Route::Single, ..legacy.clone() }
}

/// A run that was planned by a short retention and left behind must not drop what the longer one keeps.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_run_planned_by_another_policy_drops_nothing_any_more(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    create_plain(&test, "t").await;
    let short = spec(&test, Route::Single, "t");
    adopted(&test, &short).await.unwrap();
    allow_drops(&test).await;
    let plan = rotation::plan(&test.ops, &Permit::for_command(), "legacy").await.unwrap();
    let history = histories::find(&test.ops, "legacy").await.unwrap();
    let mut connection = test.db.connect().await;
    let run = runs::create(&mut connection, history.id, &plan, "a killed process", test.ops.now()).await.unwrap();
    let policy = Policy { retention_months: Some(12), ..short.policy.clone() };
    adopted(&test, &HistorySpec { policy, ..short }).await.unwrap();
    assert_eq!(rotation::resume(&test.ops, &Permit::for_command(), "legacy").await.unwrap(), 1);
    assert_eq!(partitions(&test, "t").await, ["Old", "the second", "p202601", "naïve"]);
    let steps = runs::steps(&mut connection, run).await.unwrap();
    assert_eq!(steps[0].outcome, StepOutcome::Blocked, "{steps:#?}");
    let left = |outcome| matches!(outcome, StepOutcome::Blocked | StepOutcome::Skipped);
    assert!(steps.iter().all(|step| left(step.outcome)), "{steps:#?}");
    let changes: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audit WHERE action = 'history.change'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(changes, 1);
}
