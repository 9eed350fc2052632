//! Held rows of tables that payhist has not made: other names, a key of several columns, values that strict modes refuse.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::adopt::adopt;
use payhist_ops::auth::Permit;
use payhist_ops::rotation;
use payhist_plan::{held, twins};
use payhist_testkit::{TestEngine, TestOps, words};
use payhist_types::UserId;
use payhist_types::columns::{Columns, Value};
use payhist_types::history::{HistorySpec, Policy, Route, Switch};
use payhist_types::holds::HoldScope;
use payhist_types::payment::PaymentStatus;
use payhist_types::run::RunOutcome;
use rstest::rstest;
use sqlx::AssertSqlSafe;

/// Rows of the held customer in March: more than one batch.
const HELD: u64 = 1_100;

fn spec(test: &TestOps, quarantine_days: Option<u16>) -> HistorySpec {
    let words = [("open", PaymentStatus::Pending), ("done", PaymentStatus::Paid)];
    let columns = Columns {
        payment_id: "id".into(),
        user_id: "customer".into(),
        order_id: "basket".into(),
        provider: Value::Constant { constant: "acme".into() },
        method: Value::Column("how".into()),
        status: "state".into(),
        amount: "total".into(),
        currency: Value::Constant { constant: "KRW".into() },
        created_at: "at".into(),
        status_words: words.map(|(word, status)| (word.to_owned(), status)).into(),
        ..Columns::default()
    };
    let policy = Policy {
        premake_months: None,
        retention_months: Some(6),
        quarantine_days,
        zone: "UTC".to_owned(),
        ..Policy::default()
    };
    HistorySpec {
        table_pattern: "shop_{shard}".to_owned(),
        route: Route::Modulo { shards: 2 },
        columns: Some(columns.into()),
        ..test.spec(2, policy)
    }
}

/// Two tables of a shop; March has expired. Customer 2 is on shard 0, customers 3 and 5 are on shard 1.
async fn shop(engine: TestEngine, quarantine_days: Option<u16>) -> TestOps {
    let test = TestOps::new(engine, "2026-10-15T12:00:00Z").await;
    for shard in 0..2 {
        test.execute(&format!(
            "CREATE TABLE shop_{shard} (id BIGINT NOT NULL AUTO_INCREMENT, region VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL, \
             tag VARBINARY(8) NOT NULL, customer INT NOT NULL, basket BIGINT NULL, how VARCHAR(9) NOT NULL, state ENUM('open', 'done') NOT NULL, \
             total DECIMAL(10, 2) NOT NULL, doubled DECIMAL(11, 2) AS (total * 2) VIRTUAL, due DATE NULL, `at` DATETIME NOT NULL, \
             PRIMARY KEY (region, tag, `at`), KEY (id)) PARTITION BY RANGE COLUMNS (`at`) \
             (PARTITION march VALUES LESS THAN ('2026-04-01'), PARTITION april VALUES LESS THAN ('2026-05-01'), \
             PARTITION october VALUES LESS THAN ('2026-11-01'))"
        ))
        .await;
    }
    // The first has the number 0 and a day that there is not.
    let held = (0..HELD).map(|id| {
        let (region, due) = if id % 2 == 0 { ("Süd", "0000-00-00") } else { ("sud", "2026-05-01") };
        let basket = if id % 3 == 0 { "NULL".to_owned() } else { id.to_string() };
        format!("({id}, '{region}', UNHEX('{id:04X}00'), 2, {basket}, 'card', 'done', {id}.25, '{due}', '2026-03-10')")
    });
    let free =
        (0..3).map(|id| format!("({}, 'Süd', x'FF0{id}', 4, {id}, 'card', 'open', 1, NULL, '2026-03-11')", 5_000 + id));
    insert(&test, 0, &held.chain(free).collect::<Vec<_>>()).await;
    let orders =
        [(6_001, 3, "7", "03-10"), (6_002, 5, "7", "03-31"), (6_003, 5, "77", "03-10"), (6_004, 5, "NULL", "03-10")];
    let orders = orders.map(|(id, customer, basket, day)| {
        format!("({id}, 'Nord', 'tag {}', {customer}, {basket}, 'card', 'done', 5, NULL, '2026-{day}')", id % 10)
    });
    insert(&test, 1, &orders).await;
    adopt(&test.ops, &Permit::for_command(), &[spec(&test, quarantine_days)]).await.unwrap();
    rotation::switch(&test.ops, &Permit::for_command(), "", Switch::Drop, true).await.unwrap();
    test
}

async fn insert(test: &TestOps, shard: u8, rows: &[String]) {
    let columns = "id, region, tag, customer, basket, how, state, total, due, `at`";
    let insert = format!("INSERT INTO shop_{shard} ({columns}) VALUES {}", rows.join(", "));
    test.execute(&format!("SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; {insert}")).await;
}

/// Every row of a table that a condition is true of, each value in full.
async fn rows(test: &TestOps, table: &str, condition: &str) -> Vec<String> {
    let sql = format!(
        "SELECT CAST(CONCAT_WS('|', id, HEX(region), HEX(tag), customer, COALESCE(basket, '-'), how, state, total, doubled, \
         COALESCE(due, '-'), `at`) AS CHAR) FROM `{table}` WHERE {condition} ORDER BY id"
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut test.db.connect().await).await.unwrap()
}

#[rstest]
#[case::drop_on_mariadb(TestEngine::MariaDb, None)]
#[case::drop_on_mariadb11(TestEngine::MariaDb11, None)]
#[case::drop_on_mysql(TestEngine::MySql, None)]
#[case::final_drop_on_mariadb(TestEngine::MariaDb, Some(30))]
#[case::final_drop_on_mariadb11(TestEngine::MariaDb11, Some(30))]
#[case::final_drop_on_mysql(TestEngine::MySql, Some(30))]
#[tokio::test]
async fn held_rows_of_adopted_tables_are_found_by_their_own_names_and_copied_as_they_are(
    #[case] engine: TestEngine,
    #[case] quarantine_days: Option<u16>,
) {
    let test = shop(engine, quarantine_days).await;
    let (first, second) = (held::name("shop_0"), held::name("shop_1"));
    let of_customer = rows(&test, "shop_0", "customer = 2").await;
    let of_basket = rows(&test, "shop_1", "basket = 7").await;
    assert_eq!((of_customer.len(), of_basket.len()), (1_100, 2));
    assert!(
        of_customer[0].starts_with("0|53C3BC64|000000|2|-|") && of_customer[0].contains("|0000-00-00|"),
        "{}",
        of_customer[0]
    );
    if quarantine_days.is_some() {
        test.apply().await;
        assert_eq!(rows(&test, &twins::name("shop_0", "march"), "TRUE").await.len(), 1_103);
    }
    let user = test.hold(HoldScope::User { user: UserId(2) }, None).await;
    test.hold(HoldScope::Order { order: "7".to_owned() }, None).await;
    let drop = if quarantine_days.is_some() { "final-drop" } else { "drop" };
    let planned = test.plan().await;
    let march = ["carve-out 2026-03".to_owned(), format!("{drop} 2026-03")];
    assert_eq!(words(&planned), [march.clone(), march].concat(), "{planned:#?}");
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!((run.steps[0].rows, run.steps[2].rows), (Some(1_100), Some(2)), "{run:#?}");
    assert_eq!(rows(&test, &first, "TRUE").await, of_customer);
    assert_eq!(rows(&test, &second, "TRUE").await, of_basket);
    assert!(rows(&test, "shop_0", "TRUE").await.is_empty() && rows(&test, "shop_1", "TRUE").await.is_empty());

    // Rows without an order are neither of a held one nor of one that is not.
    test.execute(&format!("UPDATE legal_hold SET until = '2026-10-01' WHERE id = {user}")).await;
    let run = test.apply().await;
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
    assert_eq!(rows(&test, &first, "TRUE").await, rows(&test, &first, "basket = 7").await);
    assert_eq!(rows(&test, &second, "TRUE").await, of_basket);
}
