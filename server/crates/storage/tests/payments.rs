//! What a page's query touches, by the engines' own EXPLAIN.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_dialect::{Capabilities, TableName};
use payhist_storage::doctor;
use payhist_storage::payments::{Filter, Key, Keyset, Layout, PaymentScope, select};
use payhist_testkit::TestOps;
use payhist_types::columns::{Columns, Value};
use payhist_types::history::{HistorySpec, Policy, Route, Switches};
use payhist_types::money::Currency;
use payhist_types::payment::PaymentStatus;
use payhist_types::{EngineKind, PaymentId, ShardId, UserId};
use rstest::rstest;
use rust_decimal::Decimal;
use sea_query::MysqlQueryBuilder;
use sqlx::Row;

struct Explained {
    partitions: String,
    key: String,
    extra: String,
}

async fn explain(test: &TestOps, filter: &Filter, keyset: Keyset, from: &str, until: &str) -> Explained {
    let table = TableName::new(test.db.name(), "payment_history_shard_0").unwrap();
    let scope = PaymentScope { table, layout: Layout::Own, from: from.parse().unwrap(), until: until.parse().unwrap() };
    explain_scope(test, &scope, filter, keyset).await
}

async fn explain_scope(test: &TestOps, scope: &PaymentScope, filter: &Filter, keyset: Keyset) -> Explained {
    let mut connection = test.db.connect().await;
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection).await.unwrap();
    let explain = Capabilities::detect(&version).unwrap().explain_partitions();
    let sql = format!("{explain}{}", select(scope, filter, keyset, 51).to_string(MysqlQueryBuilder));
    let row = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
    let text = |column: &str| row.try_get::<Option<String>, _>(column).unwrap().unwrap_or_default();
    Explained { partitions: text("partitions"), key: text("key"), extra: text("Extra") }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn every_page_query_is_pruned_to_its_months_and_walks_its_index_in_order(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let policy = Policy { premake_months: None, retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
    test.history(1, policy, Switches::default(), "2026-01", "2026-12").await;
    let mut connection = test.db.connect().await;
    // EXPLAIN of an empty table may say "no matching row": a few rows make it plan.
    for month in 1..=12 {
        let sql = format!(
            "INSERT INTO `{}`.payment_history_shard_0 (payment_id, user_id, order_id, provider, provider_tx_id, method, status, amount, currency, created_at, updated_at) \
             SELECT {month}000 + seq.n, seq.n MOD 3, CONCAT('o', seq.n), 'p', CONCAT('r', seq.n), 'card', 'PAID', 1, 'EUR', '2026-{month:02}-05', '2026-{month:02}-05' \
             FROM (SELECT 1 n UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6) seq",
            test.db.name()
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let key = Key {
        amount: None,
        created_at: "2026-06-20T00:00:00Z".parse().unwrap(),
        payment_id: PaymentId::new(1_781_913_600_000, ShardId(0), 7).unwrap(),
    };
    let of_user = Filter { user: Some(UserId(1)), ..Filter::default() };
    let of_status = Filter { statuses: vec![PaymentStatus::Paid], ..Filter::default() };
    let of_order = Filter { order: Some("o1".to_owned()), ..Filter::default() };
    let of_payment = Filter { payment: Some(PaymentId::from_raw(6001)), ..Filter::default() };
    let of_reference = Filter { reference: Some("r1".to_owned()), ..Filter::default() };
    // What no key leads to is looked for among the newest.
    let of_the_rest = Filter {
        provider: Some("p".to_owned()),
        method: Some("card".to_owned()),
        currency: Some(Currency::EUR),
        min: Some(Decimal::ONE),
        max: Some(Decimal::TWO),
        ..Filter::default()
    };
    let months = ("2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z");
    for (filter, index) in [
        (&of_user, "PRIMARY"),
        (&of_status, "by_status"),
        (&of_order, "by_order"),
        (&of_reference, "by_reference"),
        (&of_the_rest, "by_time"),
        (&Filter::default(), "by_time"),
    ] {
        for keyset in [Keyset::NEWEST, Keyset::older_than(key), Keyset::newer_than(key)] {
            let explained = explain(&test, filter, keyset, months.0, months.1).await;
            let expected = if keyset.is_backwards() { "p202606" } else { "p202605,p202606" };
            assert_eq!(
                (explained.partitions.as_str(), explained.key.as_str()),
                (expected, index),
                "{filter:?} {keyset:?}"
            );
            assert!(
                !explained.extra.contains("filesort") || ["by_order", "by_reference"].contains(&index),
                "{filter:?} {keyset:?}: {}",
                explained.extra
            );
        }
    }
    let explained = explain(&test, &of_payment, Keyset::NEWEST, "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z").await;
    assert_eq!((explained.partitions.as_str(), explained.key.as_str()), ("p202606", "by_payment"));
}

/// Two exceptions: the engines prune no range by YEAR·100+MONTH, so each partition's key is looked into; and `TO_DAYS` may be
/// NULL for a date that is none, so the first partition's key is, too.
#[rstest]
#[case::datetime(
    "DATETIME",
    "RANGE COLUMNS (`at`) (PARTITION a VALUES LESS THAN ('2026-06-01'), PARTITION b VALUES LESS THAN ('2026-07-01'), PARTITION c VALUES LESS THAN (MAXVALUE))",
    &["b"]
)]
#[case::date(
    "DATE",
    "RANGE COLUMNS (`at`) (PARTITION a VALUES LESS THAN ('2026-06-01'), PARTITION b VALUES LESS THAN ('2026-07-01'), PARTITION c VALUES LESS THAN (MAXVALUE))",
    &["b"]
)]
#[case::unix_timestamp(
    "TIMESTAMP DEFAULT '2020-01-01'",
    "RANGE (UNIX_TIMESTAMP(`at`)) (PARTITION a VALUES LESS THAN (1780272000), PARTITION b VALUES LESS THAN (1782864000), PARTITION c VALUES LESS THAN MAXVALUE)",
    &["b"]
)]
#[case::to_days(
    "DATETIME(6)",
    "RANGE (TO_DAYS(`at`)) (PARTITION a VALUES LESS THAN (TO_DAYS('2026-06-01')), PARTITION b VALUES LESS THAN (TO_DAYS('2026-07-01')), PARTITION c VALUES LESS THAN MAXVALUE)",
    &["b", "a,b"]
)]
#[case::year_month(
    "DATETIME",
    "RANGE (YEAR(`at`) * 100 + MONTH(`at`)) (PARTITION a VALUES LESS THAN (202606), PARTITION b VALUES LESS THAN (202607), PARTITION c VALUES LESS THAN MAXVALUE)",
    &["a,b,c"]
)]
#[tokio::test]
async fn page_queries_of_adopted_tables_are_pruned_and_walk_the_tables_own_keys(
    #[case] kind: &str,
    #[case] by: &str,
    #[case] partitions: &[&str],
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let mut connection = test.db.connect().await;
    let create = format!(
        "CREATE TABLE shop (id BIGINT NOT NULL, customer INT NOT NULL, basket BIGINT NOT NULL, state TINYINT NOT NULL, total INT NOT NULL, \
         slip INT NOT NULL, `at` {kind} NOT NULL, PRIMARY KEY (id, `at`), KEY `of customer` (customer, `at`, id), KEY basket (basket), KEY slip (slip), \
         KEY state (state, `at`, id), KEY newest (`at`, id)) PARTITION BY {by}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
    let rows: Vec<_> = (1..=180)
        .map(|id| format!("({id}, {}, {}, 1, 1, {id}, '2026-{:02}-05')", id % 3, id / 2, 5 + id % 3))
        .collect();
    let insert = format!("INSERT INTO shop VALUES {}", rows.join(", "));
    sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&mut connection).await.unwrap();
    let columns = Columns {
        payment_id: "id".into(),
        user_id: "customer".into(),
        order_id: "basket".into(),
        status: "state".into(),
        amount: "total".into(),
        created_at: "at".into(),
        provider_tx_id: Some("slip".into()),
        provider: Value::Constant { constant: "p".into() },
        method: Value::Constant { constant: "m".into() },
        currency: Value::Constant { constant: "EUR".into() },
        status_words: [("1".to_owned(), PaymentStatus::Paid)].into(),
        ..Columns::default()
    };
    let spec = HistorySpec {
        name: "shop".parse().unwrap(),
        source: "main".into(),
        schema: test.db.name().to_owned(),
        table_pattern: "shop".into(),
        route: Route::Single,
        policy: Policy { premake_months: None, retention_months: None, zone: "UTC".to_owned(), ..Policy::default() },
        columns: Some(columns.into()),
    };
    let keys = doctor::keys(&mut connection, &spec).await.unwrap();
    let scope = PaymentScope {
        table: TableName::new(test.db.name(), "shop").unwrap(),
        layout: Layout::new(spec.columns.as_deref(), &keys["shop"]),
        from: "2026-06-01T00:00:00Z".parse().unwrap(),
        until: "2026-07-01T00:00:00Z".parse().unwrap(),
    };
    let key =
        Key { amount: None, created_at: "2026-06-05T00:00:00Z".parse().unwrap(), payment_id: PaymentId::from_raw(7) };
    let of_user = Filter { user: Some(UserId(1)), ..Filter::default() };
    let of_status = Filter { statuses: vec![PaymentStatus::Paid], ..Filter::default() };
    let of_order = Filter { order: Some("50".to_owned()), ..Filter::default() };
    let of_payment = Filter { payment: Some(PaymentId::from_raw(49)), ..Filter::default() };
    let of_reference = Filter { reference: Some("49".to_owned()), ..Filter::default() };
    for (filter, index) in [
        (&of_user, "of customer"),
        (&of_status, "state"),
        (&Filter::default(), "newest"),
        (&of_order, "basket"),
        (&of_payment, "PRIMARY"),
        (&of_reference, "slip"),
    ] {
        for keyset in [Keyset::NEWEST, Keyset::older_than(key), Keyset::newer_than(key)] {
            let explained = explain_scope(&test, &scope, filter, keyset).await;
            assert!(
                partitions.contains(&explained.partitions.as_str()),
                "{filter:?} {keyset:?}: {}",
                explained.partitions
            );
            assert_eq!(explained.key, index, "{filter:?} {keyset:?}");
            let sorted = !explained.extra.contains("filesort");
            assert!(sorted || ["basket", "slip"].contains(&index), "{filter:?} {keyset:?}: {}", explained.extra);
        }
    }
}
