//! Generated payments on real servers: exact numbers, the same for a seed, and never mixed with what is there.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::generate::{self, GenerateReport, GenerateRequest};
use payhist_ops::import::{self, Format, ImportRequest, OnError};
use payhist_ops::{OpsError, histories};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{HistoryName, HistorySpec, Policy, Switches};
use rstest::rstest;
use sqlx::AssertSqlSafe;
use std::io::Write;

const NOW: &str = "2026-11-15T12:00:00Z";
const ROWS: u64 = 5_000;

fn request() -> GenerateRequest {
    GenerateRequest { history: String::new(), rows: ROWS, users: 400, months: 4, seed: 1997, until: None }
}

async fn run(test: &TestOps, request: &GenerateRequest) -> Result<GenerateReport, OpsError> {
    generate::run(&test.ops, &Permit::for_command(), request, |_| {}).await
}

/// A history of payhist's own layout in the test's own schema, without tables yet.
async fn registered(test: &TestOps) -> HistorySpec {
    let policy =
        Policy { premake_months: Some(1), retention_months: None, zone: "Asia/Seoul".to_owned(), ..Policy::default() };
    let name: HistoryName = "payments".parse().unwrap();
    let spec = histories::own_layout(name, "main", test.db.name().to_owned(), policy);
    histories::register(&test.ops, &Permit::for_command(), &spec, Switches::default()).await.unwrap();
    spec
}

/// One figure over all shards.
async fn all(test: &TestOps, what: &str) -> i64 {
    let tables: Vec<_> =
        (0..10).map(|shard| format!("SELECT * FROM {}.payment_history_shard_{shard}", test.db.name())).collect();
    let sql = format!("SELECT CAST({what} AS SIGNED) FROM ({}) a", tables.join(" UNION ALL "));
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut test.db.connect().await).await.unwrap()
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_tables_hold_exactly_the_rows_asked_for_and_a_repeat_adds_none(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, NOW).await;
    registered(&test).await;
    let report = run(&test, &request()).await.unwrap();
    assert_eq!((report.rows, report.cells_kept), (ROWS, 0));
    assert_eq!(report.first_month.unwrap().to_string(), "2026-08");
    assert_eq!(all(&test, "COUNT(*)").await, 5_000);
    assert_eq!(all(&test, "COUNT(DISTINCT payment_id)").await, 5_000);
    assert_eq!(
        all(
            &test,
            "SUM(created_at > '2026-11-15 12:00:00' OR updated_at > '2026-11-15 12:00:00' OR updated_at < created_at)"
        )
        .await,
        0
    );
    assert_eq!(all(&test, "SUM((status = 'FAILED') <> (failure_code IS NOT NULL))").await, 0);
    assert!(all(&test, "COUNT(DISTINCT currency)").await == 4 && all(&test, "COUNT(DISTINCT provider)").await > 5);
    assert!(
        all(&test, "COUNT(*) - COUNT(DISTINCT order_id)").await > 50,
        "failed payments are tried again for the same order"
    );
    let undecided = "SUM(status IN ('REQUESTED', 'PENDING', 'AUTHORIZED') AND created_at < '2026-11-15 06:00:00')";
    assert_eq!(all(&test, undecided).await, 0, "only young payments are undecided");
    test.clock.advance(chrono::TimeDelta::minutes(5));
    let again = run(&test, &request()).await.unwrap();
    assert_eq!((again.rows, again.cells_kept), (0, 40));
    assert_eq!(all(&test, "COUNT(*)").await, 5_000);
}

#[tokio::test]
async fn the_csv_has_the_very_rows_of_the_tables() {
    let test = TestOps::new(EngineKind::MariaDb, NOW).await;
    registered(&test).await;
    run(&test, &request()).await.unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(generate::write_csv(&test.ops, &request(), file.as_file_mut()).await.unwrap(), ROWS);
    file.flush().unwrap();
    let import = ImportRequest {
        file: file.path().to_owned(),
        format: Format::Csv,
        history: String::new(),
        source: String::new(),
        zone: String::new(),
        on_error: OnError::Stop,
        stop: tokio_util::sync::CancellationToken::new(),
    };
    let report = import::run(&test.ops, &Permit::for_command(), &import, |_| {}).await.unwrap();
    assert_eq!((report.loaded, report.already_there, report.differing), (0, ROWS, 0));
}

#[test]
fn a_seed_and_an_end_give_the_same_payments_for_ever() {
    let policy =
        Policy { premake_months: None, retention_months: None, zone: "Asia/Seoul".to_owned(), ..Policy::default() };
    let spec = histories::own_layout("sample".parse().unwrap(), "main", "sample".to_owned(), policy);
    let written = |seed| {
        let mut csv = Vec::new();
        let request = GenerateRequest { rows: 300, seed, ..request() };
        generate::write_csv_of(spec.clone(), &request, NOW.parse().unwrap(), &mut csv).unwrap();
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&csv))
    };
    assert_eq!(written(1997), "6164d160eb6f4b8339ac3213516fe586f207e80dfa7b7a140c4d991c46359008");
    assert_ne!(written(1997), written(1998));
}

#[tokio::test]
async fn months_with_rows_of_somebody_else_are_left_alone() {
    let test = TestOps::new(EngineKind::MariaDb, NOW).await;
    let spec = registered(&test).await;
    run(&test, &GenerateRequest { rows: 0, ..request() }).await.unwrap(); // makes the tables alone
    let real = format!(
        "INSERT INTO {}.{} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at) \
         VALUES (1, 3, 'REAL', 'p', 'm', 'PAID', 1, 'USD', '2026-10-10', '2026-10-10')",
        spec.schema,
        spec.table_of(payhist_types::ShardId(3))
    );
    sqlx::query(AssertSqlSafe(real)).execute(&mut test.db.connect().await).await.unwrap();
    let report = run(&test, &request()).await.unwrap();
    assert_eq!(report.cells_kept, 1);
    let in_october = format!(
        "SELECT COUNT(*) FROM {}.{} PARTITION (p202610)",
        spec.schema,
        spec.table_of(payhist_types::ShardId(3))
    );
    let rows: i64 =
        sqlx::query_scalar(AssertSqlSafe(in_october)).fetch_one(&mut test.db.connect().await).await.unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn months_that_were_dropped_do_not_come_back() {
    let test = TestOps::new(EngineKind::MariaDb, NOW).await;
    test.history(
        10,
        Policy { premake_months: None, retention_months: Some(2), zone: "UTC".to_owned(), ..Policy::default() },
        Switches::default(),
        "2026-10",
        "2026-11",
    )
    .await;
    let report = run(&test, &request()).await.unwrap();
    assert_eq!(report.months_left_out.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2026-08", "2026-09"]);
    assert_eq!(all(&test, "SUM(created_at < '2026-10-01')").await, 0);
}

#[rstest]
#[case("users", GenerateRequest { users: 0, ..request() })]
#[case("months", GenerateRequest { months: 0, ..request() })]
#[case("months", GenerateRequest { months: 10_000, ..request() })]
#[case("rows", GenerateRequest { rows: 1_000_000_000, ..request() })]
#[tokio::test]
async fn a_number_that_cannot_be_is_named(#[case] field: &str, #[case] request: GenerateRequest) {
    let test = TestOps::new(EngineKind::MariaDb, NOW).await;
    registered(&test).await;
    match run(&test, &request).await {
        Err(OpsError::BadInput(fields)) => assert_eq!(fields[0].field, field),
        other => panic!("{other:?}"),
    }
}
