//! Pages of payments in tables that payhist has not made, on real servers.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::adopt::adopt;
use payhist_ops::auth::Permit;
use payhist_ops::{OpsError, browse, doctor, generate, overview};
use payhist_testkit::TestOps;
use payhist_types::columns::{Columns, Value};
use payhist_types::history::{HistorySpec, Policy, Route};
use payhist_types::payment::{PaymentPage, PaymentQuery, PaymentStatus};
use payhist_types::{EngineKind, PaymentId};
use rstest::rstest;
use sqlx::Executor;

const NOW: &str = "2026-11-15T12:00:00Z";
const SHARDS: u64 = 3;
/// Rows of each shard, twenty a month from August on; each shard numbers them by itself.
const ROWS: u64 = 80;

fn columns() -> Columns {
    let words = [("open", PaymentStatus::Pending), ("done", PaymentStatus::Paid), ("it's off", PaymentStatus::Failed)];
    Columns {
        payment_id: "id".into(),
        user_id: "customer".into(),
        order_id: "basket".into(),
        provider: Value::Constant { constant: "acme".into() },
        method: Value::Column("how".into()),
        status: "state".into(),
        amount: "total".into(),
        currency: Value::Constant { constant: "KRW".into() },
        payer_email: Some("mail".into()),
        created_at: "at".into(),
        status_words: words.map(|(word, status)| (word.to_owned(), status)).into(),
        ..Columns::default()
    }
}

/// Three tables of a shop. Rows at the same place of different shards have the same id and the same time.
async fn shop(engine: EngineKind, kind: &str, partitioned_by: &str) -> (TestOps, HistorySpec) {
    let test = TestOps::new(engine, NOW).await;
    let mut connection = test.db.connect().await;
    for shard in 0..SHARDS {
        let create = format!(
            "CREATE TABLE shop_{shard} (id BIGINT NOT NULL AUTO_INCREMENT, customer INT NOT NULL, basket BIGINT NOT NULL, \
             how VARCHAR(9) NOT NULL, state ENUM('open','done','it''s off') NOT NULL, total INT NOT NULL, mail TEXT NULL, \
             `at` {kind} NOT NULL, PRIMARY KEY (id, `at`), KEY by_customer (customer, `at`, id), KEY (basket), \
             KEY `the state` (state, `at`, id), KEY newest (`at`, id)) {partitioned_by}"
        );
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(create))).await.unwrap();
        let rows: Vec<_> = (0..ROWS)
            .map(|row| {
                let (month, day) = (8 + row / 20, 1 + row % 20 / 4);
                let state = ["open", "done", "done", "it''s off"][usize::try_from(row % 4).unwrap()];
                let customer = row % 5 * SHARDS + shard;
                format!(
                    "({customer}, {}, 'card', '{state}', {row}, 'ada@example.com', '2026-{month:02}-{day:02}')",
                    row / 2
                )
            })
            .collect();
        let insert = format!(
            "INSERT INTO shop_{shard} (customer, basket, how, state, total, mail, `at`) VALUES {}",
            rows.join(", ")
        );
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(insert))).await.unwrap();
    }
    let spec = HistorySpec {
        name: "shop".parse().unwrap(),
        source: "main".into(),
        schema: test.db.name().to_owned(),
        table_pattern: "shop_{shard}".to_owned(),
        route: Route::Modulo { shards: 3 },
        policy: Policy { premake_months: None, retention_months: None, zone: "UTC".to_owned(), ..Policy::default() },
        columns: Some(columns().into()),
    };
    adopt(&test.ops, &Permit::for_command(), std::slice::from_ref(&spec)).await.unwrap();
    (test, spec)
}

const BY_DATETIME: &str = "PARTITION BY RANGE COLUMNS (`at`) (PARTITION a VALUES LESS THAN ('2026-09-01'), \
    PARTITION b VALUES LESS THAN ('2026-10-01'), PARTITION c VALUES LESS THAN ('2026-11-01'), PARTITION d VALUES LESS THAN (MAXVALUE))";

async fn page(test: &TestOps, change: impl FnOnce(&mut PaymentQuery)) -> PaymentPage {
    let mut query = PaymentQuery { limit: "7".to_owned(), ..PaymentQuery::default() };
    change(&mut query);
    let page = browse::list(&test.ops, &Permit::for_command(), &query).await.unwrap();
    let json = browse::list_json(&test.ops, &Permit::for_command(), &query).await.unwrap();
    assert_eq!(str::from_utf8(&json).unwrap(), serde_json::to_string(&page).unwrap());
    page
}

fn places(page: &PaymentPage) -> Vec<(PaymentId, u16)> {
    page.payments.iter().map(|row| (row.payment.payment_id, row.shard.0)).collect()
}

/// All payments from the newest page to the oldest, and from there the cursor back.
async fn walk(test: &TestOps, filter: impl Fn(&mut PaymentQuery)) -> (Vec<(PaymentId, u16)>, Option<String>) {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = page(test, |query| {
            filter(query);
            query.cursor.clone_from(&cursor);
        })
        .await;
        assert!(page.complete, "{:?}", page.missing);
        all.extend(places(&page));
        match page.older {
            Some(older) => cursor = older.to_string(),
            None => return (all, page.newer.map(|newer| newer.to_string())),
        }
    }
}

#[rstest]
#[case::datetime("DATETIME", BY_DATETIME)]
#[case::date("DATE", BY_DATETIME)]
#[case::unix_timestamp(
    "TIMESTAMP DEFAULT '2020-01-01'",
    "PARTITION BY RANGE (UNIX_TIMESTAMP(`at`)) (PARTITION a VALUES LESS THAN (1788220800), PARTITION d VALUES LESS THAN MAXVALUE)"
)]
#[case::to_days(
    "DATETIME(3)",
    "PARTITION BY RANGE (TO_DAYS(`at`)) (PARTITION a VALUES LESS THAN (TO_DAYS('2026-09-01')), PARTITION d VALUES LESS THAN MAXVALUE)"
)]
#[case::year_month(
    "DATETIME",
    "PARTITION BY RANGE (YEAR(`at`) * 100 + MONTH(`at`)) (PARTITION a VALUES LESS THAN (202609), PARTITION d VALUES LESS THAN MAXVALUE)"
)]
#[case::unpartitioned("TIMESTAMP DEFAULT '2020-01-01'", "")]
#[tokio::test]
async fn every_payment_of_adopted_tables_is_shown_once_both_ways(
    #[case] kind: &str,
    #[case] partitioned_by: &str,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let (test, _) = shop(engine, kind, partitioned_by).await;
    let (mut older, mut back) = walk(&test, |_| ()).await;
    assert_eq!(older.len() as u64, ROWS * SHARDS);
    assert!(older.windows(2).all(|pair| pair[0].0 >= pair[1].0), "newest first");
    let mut newer = Vec::new();
    while let Some(cursor) = back {
        let page = page(&test, |query| query.cursor = cursor).await;
        newer.splice(0..0, places(&page));
        back = page.newer.map(|newer| newer.to_string());
    }
    newer.sort_unstable();
    older.sort_unstable();
    assert_eq!(newer, older[older.len() - newer.len()..]);
    older.dedup();
    assert_eq!(older.len() as u64, ROWS * SHARDS, "none twice");

    let (of_user, _) = walk(&test, |query| query.user = "4".to_owned()).await;
    assert_eq!((of_user.len() as u64, of_user[0].1), (ROWS / 5, 1));
    let (off, _) = walk(&test, |query| query.status = "FAILED".to_owned()).await;
    assert_eq!(off.len() as u64, ROWS / 4 * SHARDS);
    let (both, _) = walk(&test, |query| query.status = "FAILED,PAID,EXPIRED".to_owned()).await;
    assert_eq!(both.len() as u64, ROWS / 4 * 3 * SHARDS);
    assert_eq!(walk(&test, |query| query.order = "12".to_owned()).await.0.len() as u64, 2 * SHARDS);
    assert!(walk(&test, |query| query.order = "12b".to_owned()).await.0.is_empty(), "text is no number");
    let (month, _) = walk(&test, |query| (query.from, query.to) = ("2026-09-01".into(), "2026-09-30".into())).await;
    assert_eq!(month.len() as u64, 20 * SHARDS);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_adopted_payment_shows_what_its_table_says_and_no_more(#[case] engine: EngineKind) {
    let (test, spec) = shop(engine, "DATETIME", BY_DATETIME).await;
    let permit = Permit::for_command();
    let several = page(&test, |query| query.id = "7".to_owned()).await;
    assert_eq!(several.scope.shards.len(), 3, "an id of adopted tables does not tell its shard");
    assert_eq!(places(&several).len(), 3);
    let ambiguous = browse::show(&test.ops, &permit, None, "", PaymentId::from_raw(7)).await;
    assert!(matches!(ambiguous, Err(OpsError::Refused { .. })), "{ambiguous:?}");

    let mut connection = test.db.connect().await;
    connection.execute("UPDATE shop_1 SET id = 900 WHERE id = 32").await.unwrap();
    let detail = browse::show(&test.ops, &permit, None, "", PaymentId::from_raw(900)).await.unwrap();
    let payment = &detail.payment;
    assert_eq!((payment.provider.as_str(), payment.method.as_str()), ("acme", "card"));
    assert_eq!((payment.status, payment.money.to_string()), (PaymentStatus::Failed, "31 KRW".to_owned()));
    assert_eq!((payment.version, payment.updated_at, payment.payer_name.as_ref()), (None, None, None));
    assert_eq!(payment.payer_email.as_deref(), Some("a•••@example.com"));
    assert_eq!((detail.location.table.as_str(), detail.location.partition.as_deref()), ("shop_1", Some("b")));
    assert_eq!(detail.same_user.len(), 10);

    let overview = overview::view(&test.ops, &permit, "").await.unwrap();
    let (count, paid): (u64, rust_decimal::Decimal) =
        overview.days.iter().fold(Default::default(), |sum, day| (sum.0 + day.count, sum.1 + day.amount));
    assert_eq!((count, overview.missing.len()), (48, 0), "the second to the fifth of November: {:?}", overview.days);
    assert!(overview.days.iter().all(|day| day.currency == "KRW") && paid > rust_decimal::Decimal::ZERO);

    let request = generate::GenerateRequest {
        history: spec.name.to_string(),
        rows: 1,
        users: 1,
        months: 1,
        seed: 1,
        until: None,
    };
    let refused = generate::run(&test.ops, &Permit::for_command(), &request, |_| ()).await;
    assert!(matches!(refused, Err(OpsError::Refused { .. })), "{refused:?}");
}

/// A word that nobody explained is never shown as some state: its shard is named.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_word_that_nobody_explained_is_told(#[case] engine: EngineKind) {
    let (test, spec) = shop(engine, "DATETIME", BY_DATETIME).await;
    let mut short = columns();
    short.status_words.remove("it's off");
    adopt(&test.ops, &Permit::for_command(), &[HistorySpec { columns: Some(short.into()), ..spec }]).await.unwrap();
    let page = page(&test, |_| ()).await;
    assert!(page.missing.len() == 3 && page.missing[0].reason.contains("it's off"), "{:?}", page.missing);
    let diagnosis = doctor::diagnose(&test.ops, &Permit::for_command(), "").await.unwrap();
    let told = diagnosis.findings.iter().filter(|finding| finding.code == "status_words");
    assert!(told.count() == 3, "{diagnosis:#?}");
}

const DOCTORED: &str = "PARTITION BY RANGE COLUMNS (`at`) (PARTITION a VALUES LESS THAN ('2026-09-01'), \
    PARTITION b VALUES LESS THAN ('2026-10-01'), PARTITION c VALUES LESS THAN ('2026-11-01'), PARTITION d VALUES LESS THAN ('2026-12-01'))";

/// Of `{shard}`: partitions by another time than that of creation.
const BY_PAID: &str = "ALTER TABLE shop_{shard} ADD paid DATETIME NOT NULL DEFAULT '2026-10-10', DROP PRIMARY KEY, ADD PRIMARY KEY (id, `at`, paid) \
    PARTITION BY RANGE COLUMNS (paid) (PARTITION c VALUES LESS THAN ('2026-11-01'), PARTITION d VALUES LESS THAN ('2026-12-01'));";

/// Each defect of a mapping is found on its shard, and nothing else; the SQL it gives mends it.
#[rstest]
#[case::sound(None, "DO 1", false)]
#[case::missing(Some("columns_missing"), "ALTER TABLE shop_{shard} DROP COLUMN mail", false)]
#[case::float(Some("column_type"), "ALTER TABLE shop_{shard} MODIFY total DOUBLE NOT NULL", false)]
#[case::no_key(Some("no_key_for_pages"), "ALTER TABLE shop_{shard} DROP KEY by_customer", true)]
#[case::by_other(Some("partitioned_by_other"), BY_PAID, false)]
#[tokio::test]
async fn the_doctor_checks_the_mapping(
    #[case] code: Option<&str>,
    #[case] make: &str,
    #[case] mendable: bool,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let (test, _) = shop(engine, "DATETIME", DOCTORED).await;
    let mut connection = test.db.connect().await;
    for shard in 0..SHARDS {
        let make = make.replace("{shard}", &shard.to_string());
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(make))).await.unwrap();
    }
    let codes = async || {
        let diagnosis = doctor::diagnose(&test.ops, &Permit::for_command(), "").await.unwrap();
        let mut findings = diagnosis.findings;
        // The servers' clocks cannot be set to the test's time.
        findings.retain(|finding| finding.code != "clock");
        findings
    };
    let found = codes().await;
    let mut named: Vec<_> = found.iter().map(|finding| finding.code.as_str()).collect();
    named.dedup();
    assert_eq!(named, code.into_iter().collect::<Vec<_>>(), "{found:#?}");
    assert_eq!(found.iter().any(|finding| !finding.sql.is_empty()), mendable, "{found:#?}");
    for sql in found.into_iter().flat_map(|finding| finding.sql) {
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
    }
    assert!(!mendable || codes().await.is_empty());
}
