//! Replicas get the very rows that are carved out, on real servers with a binary log.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

#[expect(dead_code, reason = "it uses a part of it")]
mod support_doctor;

use chrono::{DateTime, Utc};
use payhist_ops::auth::Permit;
use payhist_ops::holds::{self, Placement};
use payhist_ops::{Ops, rotation};
use payhist_plan::held;
use payhist_plan::months::month_of;
use payhist_testkit::{MockClock, TestEngine, TestOps, TestServer, outcomes};
use payhist_types::doctor::Severity;
use payhist_types::history::{Policy, Switches};
use payhist_types::holds::HoldScope;
use payhist_types::run::{RotationRun, StepOutcome};
use payhist_types::{Month, UserId};
use rstest::rstest;
use sqlx::{AssertSqlSafe, Executor, Row};
use support_doctor::{codes, diagnose};

const SCHEMA: &str = "payments";
const TABLE: &str = "payment_history_shard_0";

/// A history of one shard on a server that logs in that format; its first month has expired.
struct Deployment {
    server: TestServer,
    clock: MockClock,
    ops: Ops,
    expired: Month,
}

impl Deployment {
    async fn new(engine: TestEngine, format: &str) -> Self {
        let options = ["--log-bin=log", "--server-id=1", &format!("--binlog-format={format}")].map(Into::into);
        let server = TestServer::private_with(engine, options.to_vec()).await;
        server.create_schema(SCHEMA).await;
        let now: DateTime<Utc> =
            sqlx::query_scalar("SELECT UTC_TIMESTAMP(6)").fetch_one(&mut server.connect().await).await.unwrap();
        let clock = MockClock::at(&now.to_rfc3339());
        let ops = TestOps::open(&server.connect_options(), SCHEMA, &clock, "test:1").await;
        let policy = Policy { retention_months: Some(1), zone: "UTC".to_owned(), ..Policy::default() };
        let spec = TestOps::spec_in(SCHEMA, 1, policy);
        let expired = month_of(now, chrono_tz::Tz::UTC).plus(-3).unwrap();
        let last = expired.plus(4).unwrap().to_string();
        let switches = Switches { drop: true, ..Switches::default() };
        TestOps::make_history(&ops, &mut server.connect().await, &spec, switches, &expired.to_string(), &last).await;
        Self { server, clock, ops, expired }
    }

    async fn execute(&self, sql: &str) {
        self.server.connect().await.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }

    /// Three payments of user 2, who is held, and one of user 1, in the month that has expired.
    async fn pay_and_hold(&self) {
        for (id, user) in [(1, 2), (2, 2), (3, 2), (4, 1)] {
            let at = self.expired.first_day();
            self.execute(&format!(
                "INSERT INTO {SCHEMA}.{TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, \
                 created_at, updated_at) VALUES ({id}, {user}, 'o', 'p', 'card', 'PAID', 1, 'EUR', '{at}', '{at}')"
            ))
            .await;
        }
        self.hold().await;
    }

    async fn hold(&self) {
        let scope = HoldScope::User { user: UserId(2) };
        let placement = Placement { scope, reason: "audit".into(), case_number: "2026/88".into(), last_day: None };
        holds::place(&self.ops, &Permit::for_command(), "", placement).await.unwrap();
    }

    async fn apply(&self) -> RotationRun {
        let hash = rotation::plan(&self.ops, &Permit::for_command(), "").await.unwrap().hash.0;
        rotation::apply_and_wait(&self.ops, &Permit::for_command(), "", &hash).await.unwrap()
    }

    async fn rows(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) FROM {SCHEMA}.{table}");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.server.connect().await).await.unwrap()
    }

    async fn has_table(&self, table: &str) -> bool {
        let sql = "SELECT COUNT(*) > 0 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
        let mut connection = self.server.connect().await;
        sqlx::query_scalar(sql).bind(SCHEMA).bind(table).fetch_one(&mut connection).await.unwrap()
    }

    /// payhist anew, with sessions of its own.
    async fn reconnect(&mut self) {
        self.ops.drain().await;
        self.ops = TestOps::open(&self.server.connect_options(), SCHEMA, &self.clock, "test:2").await;
    }
}

#[rstest]
#[case::mariadb11(TestEngine::MariaDb11)]
#[tokio::test]
async fn nothing_is_carved_out_by_a_session_that_logs_statements(#[case] engine: TestEngine) {
    let mut test = Deployment::new(engine, "STATEMENT").await;
    test.pay_and_hold().await;
    let run = test.apply().await;
    assert_eq!(outcomes(&run)[..2], [StepOutcome::Failed, StepOutcome::Skipped], "{run:#?}");
    let why = run.steps[0].detail.as_deref().unwrap_or_default();
    assert!(why.contains("binlog_format"), "{why}");
    let held = held::name(TABLE);
    assert_eq!((test.rows(TABLE).await, test.has_table(&held).await), (4, false));

    test.execute("SET GLOBAL binlog_format = 'ROW'").await;
    test.reconnect().await;
    let run = test.apply().await;
    assert_eq!(outcomes(&run)[..2], [StepOutcome::Done; 2], "{run:#?}");
    assert_eq!((test.rows(TABLE).await, test.rows(&held).await), (0, 3));
    test.ops.drain().await;
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn what_would_be_unsafe_as_a_statement_is_carved_out_as_rows(#[case] engine: TestEngine) {
    let test = Deployment::new(engine, "MIXED").await;
    test.pay_and_hold().await;
    assert_eq!(codes(&diagnose(&test.ops).await), [""; 0]);
    let run = test.apply().await;
    assert_eq!(outcomes(&run)[..2], [StepOutcome::Done; 2], "{run:#?}");
    let mut connection = test.server.connect().await;
    let events = connection.fetch_all("SHOW BINLOG EVENTS").await.unwrap();
    let queries = events.iter().filter(|event| event.get::<String, _>("Event_type") == "Query");
    let queries = queries.map(|event| String::from_utf8_lossy(event.get_unchecked::<&[u8], _>("Info")).into_owned());
    let copy = format!("INSERT INTO `{SCHEMA}`.`{}`", held::name(TABLE));
    let copied: Vec<_> =
        queries.filter(|sql| sql.contains(&copy) && !sql.contains("INSERT INTO rotation_run")).collect();
    assert_eq!(copied, [""; 0], "as statements");
    test.ops.drain().await;
}

/// An error while somebody is held, and else a warning.
#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_server_that_logs_statements_is_told(#[case] engine: TestEngine) {
    let test = Deployment::new(engine, "STATEMENT").await;
    let told = async || {
        let found = diagnose(&test.ops).await.findings;
        found.iter().map(|finding| (finding.code.clone(), finding.severity)).collect::<Vec<_>>()
    };
    let finding = |severity| vec![("binlog_by_statement".to_owned(), severity)];
    assert_eq!(told().await, finding(Severity::Warning));
    test.hold().await;
    assert_eq!(told().await, finding(Severity::Error));
    for sql in &diagnose(&test.ops).await.findings[0].sql {
        test.execute(sql).await;
    }
    assert_eq!(told().await, []);
    test.ops.drain().await;
}
