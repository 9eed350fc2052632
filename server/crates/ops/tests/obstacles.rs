//! Who is in a plan's way, on real servers.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsConfig, rotation};
use payhist_storage::SourceConfig;
use payhist_testkit::{Sessions, TestEngine, TestOps};
use payhist_types::EngineKind;
use payhist_types::history::{HistorySpec, Policy, Switches};
use payhist_types::obstacles::Obstacles;
use rstest::rstest;
use sqlx::{AssertSqlSafe, Executor};
use std::sync::Arc;

async fn history(engine: impl Into<TestEngine>) -> (TestOps, HistorySpec) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let policy = Policy { premake_months: Some(1), ..Policy::default() };
    let spec = test.history(2, policy, Switches::default(), "2026-05", "2026-11").await;
    (test, spec)
}

async fn obstacles(ops: &Ops) -> Obstacles {
    rotation::obstacles(ops, &Permit::for_command(), "").await.unwrap()
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn an_idle_transaction_on_a_table_is_named_and_one_elsewhere_is_not(#[case] engine: TestEngine) {
    let (test, spec) = history(engine).await;
    assert_eq!(obstacles(&test.ops).await.holders, []);
    let mut sessions = Sessions::new(&test.db.connect_options(), &["holder", "bystander"]).await;
    for (session, table) in [("holder", "payment_history_shard_1"), ("bystander", "history")] {
        sessions.step(session, "BEGIN").await.done();
        sessions.step(session, &format!("SELECT COUNT(*) FROM `{}`.{table}", spec.schema)).await.done();
    }
    let found = obstacles(&test.ops).await;
    assert!(found.unavailable.is_empty(), "{found:#?}");
    let [holder] = &found.holders[..] else { panic!("{found:#?}") };
    assert_eq!((holder.table.as_str(), holder.source.as_str()), ("payment_history_shard_1", "main"));
    assert_eq!((holder.connection, holder.user.as_str()), (sessions.connection_id("holder"), "root"));
    assert_eq!(holder.statement, None);
    sessions.step("holder", "COMMIT").await.done();
    assert_eq!(obstacles(&test.ops).await.holders, []);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_statement_is_shown_without_its_values(#[case] engine: EngineKind) {
    let (test, spec) = history(engine).await;
    let mut connection = test.db.connect().await;
    let id: u64 = sqlx::query_scalar("SELECT CONNECTION_ID()").fetch_one(&mut connection).await.unwrap();
    let sql = format!(
        "SELECT SLEEP(60) FROM (SELECT 1) one WHERE NOT EXISTS (SELECT 1 FROM `{}`.payment_history_shard_0 WHERE payer_email = 'ada@example.com')",
        spec.schema
    );
    let running = tokio::spawn(async move { connection.execute(AssertSqlSafe(sql)).await.map(drop) });
    let statement = loop {
        if let Some(statement) = obstacles(&test.ops).await.holders.into_iter().find_map(|holder| holder.statement) {
            break statement;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert!(statement.contains("payer_email = ?") && !statement.contains("ada"), "{statement}");
    test.db.connect().await.execute(AssertSqlSafe(format!("KILL {id}"))).await.unwrap();
    let _killed = running.await.unwrap();
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn without_the_privilege_the_grant_is_named(#[case] engine: EngineKind) {
    let (test, _) = history(engine).await;
    let (schema, user) = (test.db.name(), format!("o{}", &test.db.name()[1..]));
    let mut connection = test.db.connect().await;
    for sql in
        [format!("CREATE USER '{user}'@'localhost'"), format!("GRANT SELECT ON `{schema}`.* TO '{user}'@'localhost'")]
    {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let options =
        |name: &str, options| SourceConfig { name: name.to_owned(), options, pool_max: 2, replicas: Vec::new() };
    let config = OpsConfig {
        environment: "test".to_owned(),
        instance: "test:3".to_owned(),
        control: options("control", test.db.connect_options()),
        sources: vec![options("main", test.db.connect_options().username(&user))],
        clock: Arc::new(test.clock.clone()),
        archive: payhist_ops::archive::ArchiveConfig::default(),
    };
    let ops = Ops::open(config).await.unwrap();
    let found = obstacles(&ops).await;
    assert_eq!(found.holders, []);
    let remedy = found.unavailable[0].remedy.as_deref().unwrap_or_default();
    assert!(remedy.contains("GRANT SELECT ON performance_schema.*"), "{found:#?}");
    ops.drain().await;
    connection.execute(AssertSqlSafe(format!("DROP USER '{user}'@'localhost'"))).await.unwrap();
}
