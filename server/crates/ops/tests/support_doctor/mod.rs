//! Histories for the doctor, and what becomes of its SQL.

use chrono::{DateTime, Utc};
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, doctor, histories};
use payhist_testkit::{TestEngine, TestOps};
use payhist_types::Month;
use payhist_types::doctor::{Diagnosis, Severity};
use payhist_types::history::{HistorySpec, Policy, Route, Switches};
use sqlx::Executor;

/// The servers' clocks cannot be set: payhist's is set to theirs, so the months are those of today.
pub(crate) async fn test_at_server_time(engine: impl Into<TestEngine>) -> TestOps {
    let test = TestOps::new(engine, "2026-01-01T00:00:00Z").await;
    let mut connection = test.db.connect().await;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT UTC_TIMESTAMP(6)").fetch_one(&mut connection).await.unwrap();
    test.clock.set(now);
    test
}

pub(crate) fn policy(zone: &str) -> Policy {
    Policy {
        premake_months: Some(1),
        retention_months: Some(12),
        quarantine_days: Some(7),
        zone: zone.to_owned(),
        ..Policy::default()
    }
}

/// The month that many months from now, and its first day as text.
pub(crate) fn month(test: &TestOps, offset: i32) -> Month {
    payhist_plan::months::month_of(test.clock.now(), chrono_tz::Tz::UTC).plus(offset).unwrap()
}

pub(crate) fn day(test: &TestOps, offset: i32) -> String {
    month(test, offset).first_day().to_string()
}

/// A sound history of payhist's own layout: three shards, from two months ago to the next month.
pub(crate) async fn sound(test: &TestOps, zone: &str) -> HistorySpec {
    let (first, last) = (month(test, -2).to_string(), month(test, 1).to_string());
    test.history(3, policy(zone), Switches::default(), &first, &last).await
}

pub(crate) async fn diagnose(ops: &Ops) -> Diagnosis {
    doctor::diagnose(ops, &Permit::for_command(), "").await.unwrap()
}

pub(crate) fn codes(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// What must not be left when everything is mended.
pub(crate) fn troubles(diagnosis: &Diagnosis) -> Vec<&str> {
    let troubles = diagnosis.findings.iter().filter(|finding| finding.severity > Severity::Info);
    troubles.map(|finding| finding.code.as_str()).collect()
}

/// Runs statements as root in the test's schema: `{day-1}` is the first day of last month, `{p-1}` its partition.
pub(crate) async fn run(test: &TestOps, sql: &str) {
    let mut filled = sql.to_owned();
    for offset in -4..=4 {
        let month = month(test, offset);
        filled = filled.replace(&format!("{{day{offset}}}"), &day(test, offset));
        filled = filled.replace(&format!("{{p{offset}}}"), &format!("p{:04}{:02}", month.year(), month.month()));
    }
    let mut connection = test.db.connect().await;
    connection
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(filled.clone())))
        .await
        .unwrap_or_else(|error| panic!("{filled}: {error}"));
}

/// Executes all the SQL that the doctor gives, in its order, in one session, as somebody would who pastes it.
pub(crate) async fn mend(test: &TestOps, diagnosis: &Diagnosis) {
    let mut connection = test.db.connect().await;
    for sql in diagnosis.findings.iter().flat_map(|finding| &finding.sql) {
        let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone()));
        connection.execute(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// Adopts one table `t` that the SQL makes.
pub(crate) async fn adopted(test: &TestOps, create: &str, zone: &str) {
    run(test, create).await;
    let spec = HistorySpec {
        name: "adopted".parse().unwrap(),
        source: "main".into(),
        schema: test.db.name().to_owned(),
        table_pattern: "t".to_owned(),
        route: Route::Single,
        policy: policy(zone),
        columns: None,
    };
    histories::register(&test.ops, &Permit::for_command(), &spec, Switches::default()).await.unwrap();
}
