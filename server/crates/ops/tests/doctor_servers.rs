//! What the doctor finds of servers and of payhist's user there, on real servers of their own settings.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

#[expect(dead_code, reason = "it uses a part of it")]
mod support_doctor;

use chrono::{DateTime, Utc};
use payhist_ops::archive::ArchiveConfig;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsConfig, histories, rotation};
use payhist_storage::SourceConfig;
use payhist_testkit::{MockClock, TestDb, TestEngine, TestOps, TestServer};
use payhist_types::doctor::Severity;
use payhist_types::history::{HistorySpec, Policy, Route, Switches};
use payhist_types::policy::Blockers;
use payhist_types::{EngineKind, Month, ShardId};
use rstest::rstest;
use sqlx::Executor;
use sqlx::mysql::MySqlConnectOptions;
use std::sync::Arc;
use support_doctor::{codes, diagnose, mend, policy, run, sound, test_at_server_time, troubles};

/// Control tables in the test's schema, and these sources.
async fn open(control: MySqlConnectOptions, clock: &MockClock, sources: Vec<SourceConfig>) -> Ops {
    let control = SourceConfig { name: "control".to_owned(), options: control, pool_max: 2, replicas: Vec::new() };
    let (environment, instance) = ("test".to_owned(), "test:3".to_owned());
    let (archive, clock) = (ArchiveConfig::default(), Arc::new(clock.clone()));
    Ops::open(OpsConfig { environment, instance, control, sources, archive, clock }).await.unwrap()
}

fn source(name: &str, options: MySqlConnectOptions) -> SourceConfig {
    SourceConfig { name: name.to_owned(), options, pool_max: 2, replicas: Vec::new() }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_missing_privilege_is_named_with_its_grant(#[case] engine: EngineKind) {
    let test = test_at_server_time(engine).await;
    sound(&test, "UTC").await;
    let (schema, user) = (test.db.name(), format!("d{}", &test.db.name()[1..]));
    run(&test, &format!("CREATE USER '{user}'@'localhost'; GRANT SELECT ON `{schema}`.* TO '{user}'@'localhost'"))
        .await;
    let ops =
        open(test.db.connect_options(), &test.clock, vec![source("main", test.db.connect_options().username(&user))])
            .await;
    let diagnosis = diagnose(&ops).await;
    assert_eq!(codes(&diagnosis), ["privilege_missing"; 3], "{diagnosis:#?}");
    assert_eq!(troubles(&diagnosis), ["privilege_missing"; 2], "{diagnosis:#?}");
    mend(&test, &diagnosis).await;
    assert_eq!(codes(&diagnose(&ops).await), [""; 0]);
    run(&test, &format!("REVOKE ALL PRIVILEGES ON `{schema}`.* FROM '{user}'@'localhost'")).await;
    let blind = diagnose(&ops).await;
    assert!(!blind.findings.is_empty() && codes(&blind).iter().all(|code| *code == "privilege_missing"), "{blind:#?}");
    ops.drain().await;
    run(&test, &format!("DROP USER '{user}'@'localhost'")).await;
}

#[tokio::test]
async fn clocks_that_are_apart_are_told() {
    let test = test_at_server_time(EngineKind::MariaDb).await;
    sound(&test, "UTC").await;
    test.clock.advance(chrono::TimeDelta::seconds(-10));
    let diagnosis = diagnose(&test.ops).await;
    assert_eq!(codes(&diagnosis), ["clock"]);
    assert!(diagnosis.findings[0].what.contains("ahead of"), "{diagnosis:#?}");
}

const MARIADB_KILLS: &str = "GRANT CONNECTION ADMIN ON *.*";
const MYSQL_KILLS: &str = "GRANT CONNECTION_ADMIN ON *.*";
const SEES: &str = "GRANT SELECT ON performance_schema.*";

/// Without the privileges to see and to end sessions a policy that kills would wait in vain.
#[rstest]
#[case::mariadb(TestEngine::MariaDb, MARIADB_KILLS)]
#[case::mariadb11(TestEngine::MariaDb11, MARIADB_KILLS)]
#[case::mysql(TestEngine::MySql, MYSQL_KILLS)]
#[tokio::test]
async fn a_policy_that_kills_needs_the_privilege_to(#[case] engine: TestEngine, #[case] kills: &str) {
    let (test, ops, user) = of_a_user(engine, Blockers::Kill).await;
    assert_eq!(codes(&diagnose(&test.ops).await), [""; 0], "root may");
    let diagnosis = diagnose(&ops).await;
    assert_eq!(troubles(&diagnosis), ["privilege_missing"], "{diagnosis:#?}");
    let sql = &diagnosis.findings.iter().find(|finding| finding.severity == Severity::Warning).unwrap().sql;
    assert!(sql.len() == 2 && sql[0].starts_with(kills) && sql[1].starts_with(SEES), "{sql:?}");
    run(&test, &sql[0]).await;
    let diagnosis = diagnose(&ops).await;
    assert_eq!(troubles(&diagnosis), ["privilege_missing"], "it cannot see whom to end: {diagnosis:#?}");
    assert!(diagnosis.findings.iter().any(|finding| finding.sql.len() == 1 && finding.sql[0].starts_with(SEES)));
    mend(&test, &diagnosis).await;
    assert_eq!(codes(&diagnose(&ops).await), [""; 0]);
    end(&test, ops, &user).await;
}

/// It goes on without them, and says less.
#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn what_names_the_sessions_in_the_way_is_told_without_alarm(#[case] engine: TestEngine) {
    let (test, ops, user) = of_a_user(engine, Blockers::Wait).await;
    let unseen = async || rotation::obstacles(&ops, &Permit::for_command(), "").await.unwrap().unavailable.len();
    let diagnosis = diagnose(&ops).await;
    assert_eq!((codes(&diagnosis), troubles(&diagnosis)), (vec!["privilege_missing"], vec![]), "{diagnosis:#?}");
    let sql = &diagnosis.findings[0].sql;
    assert!(sql.len() == 2 && sql[0].starts_with("GRANT PROCESS ON *.*") && sql[1].starts_with(SEES), "{sql:?}");
    assert_eq!(unseen().await, 1);
    mend(&test, &diagnosis).await;
    assert_eq!((codes(&diagnose(&ops).await), unseen().await), (vec![], 0));
    end(&test, ops, &user).await;
}

/// A role's privileges are in no list of the user's: what can be tried is tried.
#[rstest]
#[case::mariadb(TestEngine::MariaDb, "SET DEFAULT ROLE {role} FOR '{user}'@'localhost'")]
#[case::mysql(TestEngine::MySql, "SET DEFAULT ROLE {role} TO '{user}'@'localhost'")]
#[tokio::test]
async fn a_role_that_shows_who_holds_locks_suffices(#[case] engine: TestEngine, #[case] by_default: &str) {
    let (test, ops, user) = of_a_user(engine, Blockers::Wait).await;
    let role = format!("r{}", &user[1..]);
    run(&test, &format!("CREATE ROLE {role}; GRANT {role} TO '{user}'@'localhost'")).await;
    run(&test, &by_default.replace("{role}", &role).replace("{user}", &user)).await;
    let as_user = test.db.connect_options().username(&user);
    ops.drain().await;
    let ops = open(test.db.connect_options(), &test.clock, vec![source("main", as_user.clone())]).await;
    assert_eq!(codes(&diagnose(&ops).await), ["not_checked", "privilege_missing"], "PROCESS may be the role's");
    run(&test, &format!("GRANT SELECT ON performance_schema.* TO {role}")).await;
    ops.drain().await;
    let ops = open(test.db.connect_options(), &test.clock, vec![source("main", as_user)]).await;
    assert_eq!(codes(&diagnose(&ops).await), ["not_checked"]);
    run(&test, &format!("DROP ROLE {role}")).await;
    end(&test, ops, &user).await;
}

/// A sound history, and payhist as a user who may do everything in its schema.
async fn of_a_user(engine: TestEngine, blockers: Blockers) -> (TestOps, Ops, String) {
    let test = test_at_server_time(engine).await;
    let (first, last) = (support_doctor::month(&test, -2).to_string(), support_doctor::month(&test, 1).to_string());
    test.history(3, Policy { blockers, ..policy("UTC") }, Switches::default(), &first, &last).await;
    let (schema, user) = (test.db.name(), format!("k{}", &test.db.name()[1..]));
    let grant = format!("GRANT ALL PRIVILEGES ON `{schema}`.* TO '{user}'@'localhost'");
    run(&test, &format!("CREATE USER '{user}'@'localhost'; {grant}")).await;
    let as_user = source("main", test.db.connect_options().username(&user));
    let ops = open(test.db.connect_options(), &test.clock, vec![as_user]).await;
    (test, ops, user)
}

async fn end(test: &TestOps, ops: Ops, user: &str) {
    ops.drain().await;
    run(test, &format!("DROP USER '{user}'@'localhost'")).await;
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn sessions_that_the_sources_address_puts_into_a_zone_are_told(#[case] engine: EngineKind) {
    let test = test_at_server_time(engine).await;
    sound(&test, "UTC").await;
    let seoul = SourceConfig::from_url("main", &format!("{}&timezone=%2B09:00", test.db.url()), 2).unwrap();
    let ops = open(test.db.connect_options(), &test.clock, vec![seoul]).await;
    let diagnosis = diagnose(&ops).await;
    assert_eq!(codes(&diagnosis), ["session_zone"], "{diagnosis:#?}");
    assert!(diagnosis.has_errors() && diagnosis.findings[0].what.contains("+09:00"), "{diagnosis:#?}");
    ops.drain().await;
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_server_whose_sessions_are_in_another_zone_is_told(#[case] engine: EngineKind) {
    let server = TestServer::private(engine).await;
    server.create_schema("payments").await;
    let mut connection = server.connect().await;
    let clock = clock_of(&server).await;
    let ops = TestOps::open(&server.connect_options(), "payments", &clock, "test:1").await;
    let spec = TestOps::spec_in("payments", 2, policy("UTC"));
    let (first, last) = around(&clock);
    TestOps::make_history(&ops, &mut connection, &spec, Switches::default(), &first, &last).await;
    for (zone, expected) in [("+09:00", &["server_zone"][..]), ("SYSTEM", &[]), ("+00:00", &[])] {
        let set = format!("SET GLOBAL time_zone = '{zone}'");
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(set))).await.unwrap();
        let diagnosis = diagnose(&ops).await;
        assert_eq!(codes(&diagnosis), expected, "{zone}: {diagnosis:#?}");
    }
    ops.drain().await;
}

/// Set to the server's own: doctor compares them.
async fn clock_of(server: &TestServer) -> MockClock {
    let now: DateTime<Utc> =
        sqlx::query_scalar("SELECT UTC_TIMESTAMP(6)").fetch_one(&mut server.connect().await).await.unwrap();
    MockClock::at(&now.to_rfc3339())
}

/// From last month to the next one.
fn around(clock: &MockClock) -> (String, String) {
    let month =
        |offset| -> Month { payhist_plan::months::month_of(clock.now(), chrono_tz::Tz::UTC).plus(offset).unwrap() };
    (month(-1).to_string(), month(1).to_string())
}

/// One history on two servers, of a shard each, and the control tables on a third.
struct Deployment {
    servers: [TestServer; 2],
    ops: Ops,
    _control: TestDb,
}

impl Deployment {
    async fn new(engines: [TestEngine; 2]) -> Self {
        Self::on([TestServer::private(engines[0]).await, TestServer::private(engines[1]).await]).await
    }

    async fn on(servers: [TestServer; 2]) -> Self {
        let control = TestDb::new(EngineKind::MariaDb).await;
        let clock = clock_of(&servers[0]).await;
        let sources =
            vec![source("first", servers[0].connect_options()), source("second", servers[1].connect_options())];
        let ops = open(control.connect_options(), &clock, sources).await;
        let spec = HistorySpec {
            source: serde_json::from_str(r#"{"first": "0", "second": "1"}"#).unwrap(),
            route: Route::Modulo { shards: 2 },
            ..TestOps::spec_in("payments", 2, policy("UTC"))
        };
        histories::register(&ops, &Permit::for_command(), &spec, Switches::default()).await.unwrap();
        let (first, last) = around(&clock);
        for (server, shard) in servers.iter().zip([0, 1]) {
            server.create_schema("payments").await;
            TestOps::make_tables(&mut server.connect().await, &spec, std::iter::once(ShardId(shard)), &first, &last)
                .await;
        }
        Self { servers, ops, _control: control }
    }

    /// The second one differs in this, and there is nothing else to find.
    async fn assert_differing(&self, what: &str) {
        let diagnosis = diagnose(&self.ops).await;
        assert_eq!(codes(&diagnosis), ["sources_differ"], "{diagnosis:#?}");
        let finding = &diagnosis.findings[0];
        assert_eq!((finding.source.as_deref(), finding.severity), (Some("second"), Severity::Warning), "{finding:?}");
        assert!(finding.what.contains(what), "{finding:?}");
    }
}

const LOOSE: &str = "SET GLOBAL sql_mode = 'NO_ENGINE_SUBSTITUTION'";

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn servers_of_one_engine_of_which_one_is_not_strict_are_told(#[case] engine: TestEngine) {
    let test = Deployment::new([engine; 2]).await;
    assert_eq!(codes(&diagnose(&test.ops).await), [""; 0]);
    test.servers[1].connect().await.execute(LOOSE).await.unwrap();
    test.assert_differing("its sql_mode is not strict").await;
    test.ops.drain().await;
}

/// MySQL's data must be made for it, so the server is another from the beginning.
#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn servers_of_one_engine_of_which_one_knows_tables_in_any_case_are_told(#[case] engine: TestEngine) {
    let any_case = TestServer::private_made_with(engine, vec!["--lower-case-table-names=1".into()]).await;
    let test = Deployment::on([TestServer::private(engine).await, any_case]).await;
    test.assert_differing("its lower_case_table_names is 1, of most sources of its engine 0").await;
    test.ops.drain().await;
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn servers_of_one_engine_of_which_one_undoes_all_at_a_timeout_are_told(#[case] engine: TestEngine) {
    let undoes_all = TestServer::private_with(engine, vec!["--innodb-rollback-on-timeout=ON".into()]).await;
    let test = Deployment::on([TestServer::private(engine).await, undoes_all]).await;
    test.assert_differing("its innodb_rollback_on_timeout is ON, of most sources of its engine OFF").await;
    test.ops.drain().await;
}

#[tokio::test]
async fn servers_of_one_engine_in_two_versions_are_told() {
    let test = Deployment::new([TestEngine::MariaDb, TestEngine::MariaDb11]).await;
    test.assert_differing("its version is 11.8").await;
    test.ops.drain().await;
}

/// They spell everything differently.
#[tokio::test]
async fn servers_of_different_engines_are_not_compared() {
    let test = Deployment::new([TestEngine::MariaDb, TestEngine::MySql]).await;
    test.servers[1].connect().await.execute(LOOSE).await.unwrap();
    assert_eq!(codes(&diagnose(&test.ops).await), [""; 0]);
    test.ops.drain().await;
}
