//! Import on real servers: exact figures, repeats, bad lines by number and reason, and months made safely or refused.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::import::{self, Format, ImportReport, ImportRequest, OnError};
use payhist_ops::{Ops, OpsError};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use rstest::rstest;
use sqlx::{AssertSqlSafe, Executor};
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

const NOW: &str = "2026-11-15T12:00:00Z";
const HEADER: &str = "user_id,order_id,provider,provider_tx_id,method,status,amount,currency,created_at\n";

fn file(content: impl AsRef<[u8]>) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_ref()).unwrap();
    file
}

fn request(file: &Path, format: Format) -> ImportRequest {
    ImportRequest {
        file: file.to_owned(),
        format,
        history: String::new(),
        source: String::new(),
        zone: String::new(),
        on_error: OnError::Stop,
        stop: tokio_util::sync::CancellationToken::new(),
    }
}

async fn import(ops: &Ops, request: &ImportRequest) -> Result<ImportReport, OpsError> {
    import::run(ops, &Permit::for_command(), request, |_| {}).await
}

async fn import_text(test: &TestOps, format: Format, content: impl AsRef<[u8]>) -> Result<ImportReport, OpsError> {
    import(&test.ops, &request(file(content).path(), format)).await
}

fn policy(retention_months: Option<u16>, zone: &str) -> Policy {
    Policy { premake_months: None, retention_months, zone: zone.to_owned(), ..Policy::default() }
}

/// A history of two shards with the months 2026-09 to 2026-11.
async fn test_with_history(engine: EngineKind, zone: &str) -> TestOps {
    let test = TestOps::new(engine, NOW).await;
    test.history(2, policy(None, zone), Switches::default(), "2026-09", "2026-11").await;
    test
}

async fn scalar<T>(test: &TestOps, sql: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::MySql> + sqlx::Type<sqlx::MySql> + Send + Unpin,
{
    let sql = sql.replace("{schema}", test.db.name());
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut test.db.connect().await).await.unwrap()
}

async fn rows(test: &TestOps) -> i64 {
    let mut rows = 0;
    for shard in 0..2 {
        rows += scalar::<i64>(test, &format!("SELECT COUNT(*) FROM {{schema}}.payment_history_shard_{shard}")).await;
    }
    rows
}

async fn months_of(test: &TestOps, shard: u16) -> Vec<String> {
    sqlx::query_scalar("SELECT PARTITION_NAME FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY PARTITION_ORDINAL_POSITION")
        .bind(test.db.name())
        .bind(format!("payment_history_shard_{shard}"))
        .fetch_all(&mut test.db.connect().await)
        .await
        .unwrap()
}

fn line(user: u64, order: &str, amount: &str, created_at: &str) -> String {
    format!("{user},{order},stripe,tx-{order},card,PAID,{amount},USD,{created_at}\n")
}

fn bad_lines(error: OpsError) -> Vec<(String, String)> {
    match error {
        OpsError::BadInput(fields) => fields.into_iter().map(|field| (field.field, field.message)).collect(),
        other => panic!("not the file's fault: {other:?}"),
    }
}

fn refusal(result: Result<ImportReport, OpsError>) -> String {
    match result {
        Err(OpsError::Refused { reason, remedy }) => format!("{reason} | {remedy}"),
        other => panic!("not refused: {other:?}"),
    }
}

/// The real data lie beside the project, not in it.
fn cdnow() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/cdnow/CDNOW_master.txt")
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_appended_file_loads_only_what_is_new_and_names_what_differs(#[case] engine: EngineKind) {
    let test = test_with_history(engine, "UTC").await;
    let october = "2026-10-05T10:00:00Z";
    let before = HEADER.to_owned() + &line(1, "A", "10.50", october) + &line(2, "B", "0", october);
    let first = import_text(&test, Format::Csv, &before).await.unwrap();
    assert_eq!((first.loaded, first.skipped, first.sum.as_deref()), (2, 1, Some("10.50")));
    // C twice: the second counts as there. A with another amount: left alone.
    let after = before + &line(3, "C", "7", october) + &line(3, "C", "7", october) + &line(1, "A", "99", october);
    let second = import_text(&test, Format::Csv, &after).await.unwrap();
    assert_eq!((second.rows_read, second.loaded, second.already_there, second.differing), (5, 1, 3, 1));
    assert_eq!(second.differing_lines[0].line, 6);
    assert!(second.differing_lines[0].reason.contains("10.5 USD"), "{:?}", second.differing_lines);
    assert!(!second.is_complete());
    assert_eq!(rows(&test).await, 3);
    let amount: rust_decimal::Decimal =
        scalar(&test, "SELECT amount FROM {schema}.payment_history_shard_1 WHERE order_id = 'A'").await;
    assert_eq!(amount.to_string(), "10.5000");
}

#[rstest]
#[case::short_line("1,A,stripe\n", "it has 3 fields, the header has 9")]
#[case::too_many_fields("1,A,stripe,,card,PAID,1,USD,2026-10-01T00:00:00Z,x\n", "it has 10 fields, the header has 9")]
#[case::impossible_date(
    "1,A,stripe,,card,PAID,1,USD,2026-02-30T00:00:00Z\n",
    "created_at: \"2026-02-30T00:00:00Z\" is no time"
)]
#[case::negative("1,A,stripe,,card,PAID,-0.01,USD,2026-10-01T00:00:00Z\n", "\"-0.01\" is negative")]
#[case::overflow("1,A,stripe,,card,PAID,1000000000000000,USD,2026-10-01T00:00:00Z\n", "is beyond 999999999999999.9999")]
#[case::decimals("1,A,stripe,,card,PAID,0.00001,USD,2026-10-01T00:00:00Z\n", "more than 4 decimals")]
#[case::status("1,A,stripe,,card,PAYED,1,USD,2026-10-01T00:00:00Z\n", "\"PAYED\" is none that payhist knows")]
#[case::currency("1,A,stripe,,card,PAID,1,usd,2026-10-01T00:00:00Z\n", "not a currency code")]
#[case::encoding(b"1,\xff,stripe,,card,PAID,1,USD,2026-10-01T00:00:00Z\n", "it is not UTF-8 (at byte 3 of the line)")]
#[case::nul("1,A\0,stripe,,card,PAID,1,USD,2026-10-01T00:00:00Z\n", "NUL")]
#[case::open_quote("1,\"A,stripe,,card,PAID,1,USD,2026-10-01T00:00:00Z\n", "a quote is opened and not closed")]
#[case::cut_off("1,A,stripe,,card,PAID,1,USD,2026-10-01T00:00:00Z", "no line end")]
#[case::too_long_a_text(format!("1,{},stripe,,card,PAID,1,USD,2026-10-01T00:00:00Z\n", "x".repeat(65)), "order_id is longer than 64")]
#[case::before_1970("1,A,stripe,,card,PAID,1,USD,1969-12-31T23:59:59Z\n", "outside 1970 to 2109")]
#[case::nanoseconds("1,A,stripe,,card,PAID,1,USD,2026-10-01T00:00:00.0000001Z\n", "finer than microseconds")]
#[tokio::test]
async fn a_bad_csv_line_is_named_and_nothing_of_its_file_is_loaded(
    #[case] bad: impl AsRef<[u8]>,
    #[case] reason: &str,
) {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let good = HEADER.to_owned() + &line(1, "GOOD", "1", "2026-10-05T10:00:00Z");
    let error = import_text(&test, Format::Csv, [good.as_bytes(), bad.as_ref()].concat()).await.unwrap_err();
    let named = bad_lines(error);
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].0 == "line 3" && named[0].1.contains(reason), "{named:?}");
    assert_eq!(rows(&test).await, 0);
}

#[rstest]
#[case::short(Format::Cdnow, " 00001 19970101  1\r\n", "it is too short: the amount is missing")]
#[case::impossible_date(Format::Cdnow, " 00001 19970229  1   11.77\r\n", "\"19970229\" is no date")]
#[case::signed_year(Format::Cdnow, " 00001 +9970201  1   11.77\r\n", "is no date")]
#[case::negative(Format::Cdnow, " 00001 19970101  1  -11.77\r\n", "is negative")]
#[case::fifth_field(Format::Cdnow, " 00001 19970101  1   11.77 x\r\n", "more than the four fields")]
#[case::cut_amount(Format::Cdnow, " 00001 19970101  1   11.7", "no line end")]
#[case::cut_object(Format::Ndjson, "{\"user_id\":\"1\"", "it is no JSON object")]
#[case::unknown_key(Format::Ndjson, "{\"user\":1}\n", "unknown key \"user\"")]
#[case::exponent(
    Format::Ndjson,
    "{\"user_id\":1,\"order_id\":\"A\",\"provider\":\"p\",\"method\":\"m\",\"status\":\"PAID\",\"amount\":1e3,\"currency\":\"USD\",\"created_at\":\"2026-10-01T00:00:00Z\"}\n",
    "\"1e3\" is not an amount"
)]
#[case::key_twice(Format::Ndjson, "{\"user_id\":1,\"user_id\":2}\n", "the key user_id comes twice")]
#[tokio::test]
async fn a_bad_line_of_the_other_formats_is_named(#[case] format: Format, #[case] content: &str, #[case] reason: &str) {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let named = bad_lines(import_text(&test, format, content).await.unwrap_err());
    assert!(named[0].0 == "line 1" && named[0].1.contains(reason), "{named:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_with_the_reason() {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let folder = tempfile::tempdir().unwrap();
    let empty = file("");
    let cases = [
        (folder.path().join("none.csv"), "does not exist"),
        (folder.path().to_owned(), "is a folder"),
        (empty.path().to_owned(), "is empty"),
    ];
    for (path, reason) in cases {
        let named = bad_lines(import(&test.ops, &request(&path, Format::Csv)).await.unwrap_err());
        assert!(named[0].1.contains(reason) && named[0].1.contains(path.to_str().unwrap()), "{named:?}");
    }
    let only_header = bad_lines(import_text(&test, Format::Csv, HEADER).await.unwrap_err());
    assert!(only_header[0].1.contains("no payment"), "{only_header:?}");
}

#[rstest]
#[case("user_id,user_id\n", "twice")]
#[case("user_id,amuont\n", "unknown column \"amuont\"")]
#[case("user_id,order_id\n", "lacks the column provider")]
#[tokio::test]
async fn a_header_that_leaves_a_doubt_is_refused_before_its_lines(#[case] header: &str, #[case] reason: &str) {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let named = bad_lines(import_text(&test, Format::Csv, format!("{header}1,2\n")).await.unwrap_err());
    assert!(named.len() == 1 && named[0].0 == "line 1" && named[0].1.contains(reason), "{named:?}");
}

#[tokio::test]
async fn twenty_bad_lines_are_named_and_all_are_counted() {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let named = bad_lines(import_text(&test, Format::Csv, HEADER.to_owned() + &"x\n".repeat(25)).await.unwrap_err());
    assert_eq!(named.len(), 21);
    assert_eq!(named[20], ("file".to_owned(), "5 more lines are bad".to_owned()));
}

#[tokio::test]
async fn rejected_lines_are_kept_so_that_they_can_be_corrected_and_imported() {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let content = HEADER.to_owned()
        + &line(1, "A", "1", "2026-10-05T10:00:00Z")
        + &line(2, "B", "x", "2026-10-05T10:00:00Z")
        + "\n";
    let rejects = NamedTempFile::new().unwrap();
    let skip = OnError::Skip { rejects: rejects.path().to_owned() };
    let content = file(content);
    let report =
        import(&test.ops, &ImportRequest { on_error: skip, ..request(content.path(), Format::Csv) }).await.unwrap();
    assert_eq!((report.rows_read, report.loaded, report.rejected, report.skipped), (2, 1, 1, 2));
    assert_eq!(report.rejected_lines[0].line, 3);
    assert!(!report.is_complete());
    let kept = std::fs::read_to_string(rejects.path()).unwrap();
    assert!(kept.contains("# line 3: amount: \"x\" is not an amount"), "{kept}");
    let corrected = kept.replace(",x,", ",2.25,");
    let report = import_text(&test, Format::Csv, corrected).await.unwrap();
    assert_eq!((report.loaded, report.sum.as_deref()), (1, Some("2.25")));
    assert_eq!(rows(&test).await, 2);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn months_above_are_added_without_a_gap_on_every_shard(#[case] engine: EngineKind) {
    let test = test_with_history(engine, "Asia/Seoul").await;
    // In Seoul this is 2027-03 already.
    let report =
        import_text(&test, Format::Csv, HEADER.to_owned() + &line(1, "A", "1", "2027-02-28T15:00:00Z")).await.unwrap();
    assert_eq!(report.first_month.unwrap().to_string(), "2027-03");
    for shard in 0..2 {
        let expected = ["p202609", "p202610", "p202611", "p202612", "p202701", "p202702", "p202703"];
        assert_eq!(months_of(&test, shard).await, expected);
    }
    let taken: i64 = scalar(&test, "SELECT COUNT(*) FROM {schema}.payment_history_shard_1 PARTITION (p202703)").await;
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn months_below_are_refused_where_a_crash_could_damage_the_table() {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let refused =
        refusal(import_text(&test, Format::Csv, HEADER.to_owned() + &line(1, "A", "1", "2026-07-01T00:00:00Z")).await);
    assert!(refused.contains("the months 2026-07 to 2026-08 are not added below it"), "{refused}");
    assert!(refused.contains("--history"), "{refused}");
    assert_eq!(rows(&test).await, 0);
}

#[tokio::test]
async fn months_below_are_split_off_a_small_first_partition_where_that_is_safe() {
    let test = test_with_history(EngineKind::MySql, "UTC").await;
    let content =
        HEADER.to_owned() + &line(1, "NEW", "1", "2026-09-01T00:00:00Z") + &line(1, "OLD", "1", "2026-07-31T23:59:59Z");
    let report = import_text(&test, Format::Csv, content).await.unwrap();
    assert_eq!(report.loaded, 2);
    for shard in 0..2 {
        assert_eq!(months_of(&test, shard).await, ["p202607", "p202608", "p202609", "p202610", "p202611"]);
    }
    for partition in ["p202607", "p202609"] {
        let count = format!("SELECT COUNT(*) FROM {{schema}}.payment_history_shard_1 PARTITION ({partition})");
        assert_eq!(scalar::<i64>(&test, &count).await, 1, "{partition}");
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_gap_is_never_left_to_swallow_rows(#[case] engine: EngineKind) {
    let test = test_with_history(engine, "UTC").await;
    let drop = format!("ALTER TABLE {}.payment_history_shard_1 DROP PARTITION p202610", test.db.name());
    test.db.connect().await.execute(AssertSqlSafe(drop)).await.unwrap();
    // p202611 now takes October's rows as well: it is no month any more. Shard 0 is whole, and must stay untouched.
    let content =
        HEADER.to_owned() + &line(1, "A", "1", "2026-10-05T00:00:00Z") + &line(2, "B", "1", "2027-01-05T00:00:00Z");
    let refused = refusal(import_text(&test, Format::Csv, content).await);
    assert!(
        refused.contains("payment_history_shard_1: rows of 2026-10 would fall into partition p202611"),
        "{refused}"
    );
    assert_eq!(
        months_of(&test, 0).await,
        ["p202609", "p202610", "p202611"],
        "all shards are judged before one is changed"
    );
    assert_eq!(rows(&test).await, 0);
}

#[tokio::test]
async fn months_are_not_added_while_the_create_switch_is_off() {
    let test = TestOps::new(EngineKind::MariaDb, NOW).await;
    let off = Switches { create: false, drop: false, erase: false };
    test.history(2, policy(None, "UTC"), off, "2026-09", "2026-11").await;
    let content = HEADER.to_owned() + &line(1, "A", "1", "2026-12-05T00:00:00Z");
    let refused = refusal(import_text(&test, Format::Csv, content).await);
    assert!(refused.contains("payhist partitions switch create on --history payments"), "{refused}");
}

#[tokio::test]
async fn a_mistyped_year_does_not_make_a_thousand_partitions() {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let refused =
        refusal(import_text(&test, Format::Csv, HEADER.to_owned() + &line(1, "A", "1", "2106-10-05T00:00:00Z")).await);
    assert!(refused.contains("mistyped year"), "{refused}");
}

#[tokio::test]
async fn months_past_their_retention_are_named() {
    let test = TestOps::new(EngineKind::MariaDb, NOW).await;
    test.history(2, policy(Some(1), "UTC"), Switches::default(), "2026-09", "2026-11").await;
    let content =
        HEADER.to_owned() + &line(1, "A", "1", "2026-09-05T00:00:00Z") + &line(1, "B", "1", "2026-10-05T00:00:00Z");
    let report = import_text(&test, Format::Csv, content).await.unwrap();
    assert_eq!(report.past_retention.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2026-09"]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn more_payments_than_a_millisecond_has_ids_spill_into_the_next_and_every_id_is_one_rows(
    #[case] engine: EngineKind,
) {
    const ROWS: u32 = 16_384 + 1_000;
    let test = test_with_history(engine, "UTC").await;
    let lines: String = (0..ROWS).map(|n| line(2, &format!("O{n}"), "1", "2026-10-05T00:00:00Z")).collect();
    let report = import_text(&test, Format::Csv, HEADER.to_owned() + &lines).await.unwrap();
    assert_eq!(report.loaded, u64::from(ROWS));
    let ids: i64 = scalar(&test, "SELECT COUNT(DISTINCT payment_id) FROM {schema}.payment_history_shard_0").await;
    assert_eq!(ids, i64::from(ROWS));
    let again = import_text(&test, Format::Csv, HEADER.to_owned() + &lines).await.unwrap();
    assert_eq!((again.loaded, again.already_there), (0, u64::from(ROWS)));
}

#[tokio::test]
async fn rows_of_one_millisecond_that_differ_in_microseconds_never_share_an_id() {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let lines = |range: std::ops::Range<u32>| -> String {
        range.map(|n| line(2, &format!("O{n}"), "1", &format!("2026-10-05T00:00:00.000{:03}Z", n % 1_000))).collect()
    };
    for range in [0..3_000, 3_000..6_000] {
        import_text(&test, Format::Csv, HEADER.to_owned() + &lines(range)).await.unwrap();
    }
    let ids: i64 = scalar(&test, "SELECT COUNT(DISTINCT payment_id) FROM {schema}.payment_history_shard_0").await;
    assert_eq!(ids, 6_000);
}

#[tokio::test]
async fn a_payment_id_of_the_file_is_kept_and_one_that_leads_elsewhere_is_refused() {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let at = chrono::DateTime::parse_from_rfc3339("2026-10-05T00:00:00Z").unwrap().timestamp_millis().unsigned_abs();
    let id = |shard| payhist_types::PaymentId::new(at, payhist_types::ShardId(shard), 7).unwrap();
    let object = |order: &str, id: &str, created: &str| {
        format!(
            r#"{{"user_id":2,"order_id":"{order}","provider":"p","method":"m","status":"PAID","amount":"0.10","currency":"USD","created_at":"{created}","payment_id":"{id}"}}"#
        )
    };
    let kept = object("A", &id(0).to_string(), "2026-10-05T00:00:00Z");
    let report = import_text(&test, Format::Ndjson, &kept).await.unwrap(); // the last line may lack its end: it is whole
    assert_eq!(report.loaded, 1);
    let stored: u64 = scalar(&test, "SELECT payment_id FROM {schema}.payment_history_shard_0").await;
    assert_eq!(stored, id(0).get());
    let taken =
        import_text(&test, Format::Ndjson, object("B", &id(0).to_string(), "2026-10-06T00:00:00Z")).await.unwrap();
    assert_eq!((taken.loaded, taken.differing), (0, 1));
    for (wrong, reason) in [
        (object("C", &id(1).to_string(), "2026-10-05T00:00:00Z"), "it says shard 1, the user is on shard 0"),
        (object("C", &id(0).to_string(), "2026-11-05T00:00:00Z"), "it says 2026-10, created_at is in 2026-11"),
    ] {
        let named = bad_lines(import_text(&test, Format::Ndjson, wrong).await.unwrap_err());
        assert!(named[0].1.contains(reason), "{named:?}");
    }
}

#[tokio::test]
async fn numbers_of_json_keep_every_digit() {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let content = r#"{"user_id":18446744073709551614,"order_id":"A","provider":"p","method":"m","status":"PAID","amount":999999999999999.9999,"currency":"USD","created_at":"2026-10-05T00:00:00Z"}"#;
    let report = import_text(&test, Format::Ndjson, content).await.unwrap();
    assert_eq!(report.sum.as_deref(), Some("999999999999999.9999"));
    let user: u64 = scalar(&test, "SELECT user_id FROM {schema}.payment_history_shard_0").await;
    assert_eq!(user, u64::MAX - 1);
}

#[tokio::test]
async fn a_local_time_is_read_in_the_business_zone_and_one_that_is_not_clear_is_refused() {
    let test = test_with_history(EngineKind::MariaDb, "Europe/London").await;
    import_text(&test, Format::Csv, HEADER.to_owned() + &line(2, "A", "1", "2026-10-05T09:30:00")).await.unwrap();
    let at: chrono::DateTime<chrono::Utc> =
        scalar(&test, "SELECT created_at FROM {schema}.payment_history_shard_0").await;
    assert_eq!(at.to_rfc3339(), "2026-10-05T08:30:00+00:00");
    let twice = import_text(&test, Format::Csv, HEADER.to_owned() + &line(2, "B", "1", "2026-10-25T01:30:00")).await;
    assert!(bad_lines(twice.unwrap_err())[0].1.contains("struck"));
}

#[tokio::test]
async fn one_import_at_a_time_and_the_other_is_told_who_works() {
    let test = test_with_history(EngineKind::MariaDb, "UTC").await;
    let lease = format!(
        "INSERT INTO {}.lease VALUES ('import.payments', 'elsewhere:42', '2026-11-15 12:00:09', 3)",
        test.db.name()
    );
    test.db.connect().await.execute(AssertSqlSafe(lease)).await.unwrap();
    let content = HEADER.to_owned() + &line(1, "A", "1", "2026-10-05T00:00:00Z");
    let refused = refusal(import_text(&test, Format::Csv, &content).await);
    assert!(refused.contains("elsewhere:42 is importing"), "{refused}");
    test.clock.advance(chrono::TimeDelta::seconds(10)); // it was killed: its term ends
    assert_eq!(import_text(&test, Format::Csv, &content).await.unwrap().loaded, 1);
}

/// With all of a real file: for the slow profile.
mod slow {
    use super::*;

    /// The figures that ../shared/data/README.md gives for the file.
    #[rstest]
    #[case::mariadb(EngineKind::MariaDb)]
    #[case::mysql(EngineKind::MySql)]
    #[tokio::test]
    async fn the_cdnow_file_is_loaded_to_the_cent_and_only_once(#[case] engine: EngineKind) {
        if !cdnow().exists() {
            eprintln!("the CDNOW file is not on this machine: nothing to import");
            return;
        }
        let test = TestOps::new(engine, NOW).await;
        let history = test.db.name().to_owned(); // its schema is payhist_<history>, so the name must be this test's own
        let request = ImportRequest { history: history.clone(), ..request(&cdnow(), Format::Cdnow) };
        let first = import(&test.ops, &request).await.unwrap();
        assert_eq!((first.rows_read, first.loaded, first.already_there), (69_659, 69_659, 0));
        assert_eq!((first.sum.as_deref(), first.months, first.shards), (Some("2500315.63"), 18, 10));
        assert!(first.history_created && first.is_complete());
        let again = import(&test.ops, &request).await.unwrap();
        assert_eq!((again.loaded, again.already_there, again.differing), (0, 69_659, 0));
        let mut counts = [0_i64; 3];
        let mut sum = rust_decimal::Decimal::ZERO;
        for shard in 0..10 {
            let table = format!("payhist_{history}.{history}_shard_{shard}");
            for (count, month) in counts.iter_mut().zip(["p199701", "p199703", "p199806"]) {
                *count += scalar::<i64>(&test, &format!("SELECT COUNT(*) FROM {table} PARTITION ({month})")).await;
            }
            sum += scalar::<rust_decimal::Decimal>(&test, &format!("SELECT SUM(amount) FROM {table}")).await;
            let wrong_shard = format!(
                "SELECT COUNT(*) FROM {table} WHERE user_id % 10 <> {shard} OR (payment_id >> 14) & 255 <> {shard}"
            );
            assert_eq!(scalar::<i64>(&test, &wrong_shard).await, 0);
        }
        assert_eq!((counts, sum.to_string()), ([8_928, 11_598, 2_043], "2500315.6300".to_owned()));
        test.db.connect().await.execute(AssertSqlSafe(format!("DROP DATABASE payhist_{history}"))).await.unwrap();
    }
}
