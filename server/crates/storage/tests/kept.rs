//! What counting held rows reads, by the engines' own EXPLAIN, and to which months it counts.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use chrono::{DateTime, Utc};
use payhist_dialect::kept::{Kept, Place};
use payhist_dialect::{Capabilities, Ident, TableName};
use payhist_storage::kept::{self, Counted};
use payhist_testkit::TestDb;
use payhist_types::holds::HeldRows;
use payhist_types::inventory::Column;
use payhist_types::{EngineKind, UserId};
use rstest::rstest;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Row};

const USER: HeldRows = HeldRows::User { user: UserId(7) };

async fn execute(connection: &mut MySqlConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

/// A table with a quarantined month and a held-rows table. Nearly all rows are user 7's, and other keys are shorter than
/// the rows: what invites a scan of one of those.
async fn shop(test: &TestDb, kind: &str, by: &str) -> MySqlConnection {
    let mut connection = test.connect().await;
    let columns = format!(
        "id BIGINT NOT NULL, customer BIGINT UNSIGNED NOT NULL, basket VARCHAR(20) NOT NULL, `at` {kind} NOT NULL, \
         note CHAR(200) NOT NULL DEFAULT 'n', PRIMARY KEY (customer, `at`, id), KEY basket (basket), KEY newest (`at`, id)"
    );
    execute(&mut connection, &format!("CREATE TABLE shop ({columns}) PARTITION BY {by}")).await;
    for (table, ids) in [("shop", 1..=500), ("twin", 501..=900), ("copies", 401..=950)] {
        execute(&mut connection, &format!("CREATE TABLE IF NOT EXISTS {table} ({columns})")).await;
        // Those of 401 to 500 and of 501 to 900 are copied, and their originals are still there.
        let row = |id: u64| {
            let month = if id <= 500 { 6 + id % 2 } else { 5 };
            let user = if id.is_multiple_of(100) { 9 } else { 7 };
            format!("({id}, {user}, 'b{}', '2026-{month:02}-15')", id / 4)
        };
        let rows: Vec<_> = ids.map(row).collect();
        execute(
            &mut connection,
            &format!("INSERT INTO {table} (id, customer, basket, `at`) VALUES {}", rows.join(", ")),
        )
        .await;
        sqlx::raw_sql(AssertSqlSafe(format!("ANALYZE TABLE {table}"))).fetch_all(&mut connection).await.unwrap();
    }
    connection
}

fn starts(months: &[u32]) -> Vec<DateTime<Utc>> {
    months.iter().map(|month| format!("2026-{month:02}-01T00:00:00Z").parse().unwrap()).collect()
}

fn kept<'a>(test: &TestDb, columns: &'a [Column], starts: &'a [DateTime<Utc>], column: &str, key: &str) -> Kept<'a> {
    let name = |table| TableName::new(test.name(), table).unwrap();
    let ident = |name| Ident::new(name).unwrap();
    Kept {
        table: name("shop"),
        twins: vec![name("twin")],
        copies: Some(name("copies")),
        columns,
        column: ident(column),
        key: ident(key),
        time: ident("at"),
        starts,
    }
}

fn columns() -> [Column; 4] {
    let column = |name: &str, is_text, key| Column { name: name.to_owned(), is_text, key };
    [
        column("id", false, Some(1)),
        column("customer", false, Some(2)),
        column("basket", true, None),
        column("at", false, Some(3)),
    ]
}

const BY_DATETIME: &str = "RANGE COLUMNS (`at`) (PARTITION a VALUES LESS THAN ('2026-06-01'), PARTITION b VALUES LESS THAN ('2026-07-01'), \
     PARTITION c VALUES LESS THAN (MAXVALUE))";

#[rstest]
#[case::datetime("DATETIME(6)", BY_DATETIME)]
#[case::date("DATE", BY_DATETIME)]
#[case::unix_timestamp(
    "TIMESTAMP DEFAULT '2020-01-01'",
    "RANGE (UNIX_TIMESTAMP(`at`)) (PARTITION a VALUES LESS THAN (1780272000), PARTITION c VALUES LESS THAN MAXVALUE)"
)]
#[case::to_days(
    "DATETIME(3)",
    "RANGE (TO_DAYS(`at`)) (PARTITION a VALUES LESS THAN (TO_DAYS('2026-06-01')), PARTITION c VALUES LESS THAN MAXVALUE)"
)]
#[case::year_month(
    "DATETIME",
    "RANGE (YEAR(`at`) * 100 + MONTH(`at`)) (PARTITION a VALUES LESS THAN (202606), PARTITION c VALUES LESS THAN MAXVALUE)"
)]
#[tokio::test]
async fn each_row_is_counted_once_by_its_month_and_found_by_the_key(
    #[case] kind: &str,
    #[case] by: &str,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let test = TestDb::new(engine).await;
    let mut connection = shop(&test, kind, by).await;
    let (columns, starts) = (columns(), starts(&[5, 6, 7]));
    let of_users = kept(&test, &columns, &starts, "customer", "PRIMARY");
    let users = [USER, HeldRows::User { user: UserId(9) }, USER];
    let mut counted = kept::count(&mut connection, &of_users, &users).await.unwrap();
    counted.sort_unstable_by_key(|counted| (counted.place as u8, counted.starts));
    let at = |place, starts, seven, nine| Counted { place, starts, rows: vec![seven, nine, seven] };
    let expected = [
        at(Place::Table, 2, 245, 5),
        at(Place::Table, 3, 250, 0),
        at(Place::Twin, 1, 396, 4),
        at(Place::Copies, 1, 50, 0), // the others' originals are there
    ];
    assert_eq!(counted, expected);
    assert_served(&mut connection, &of_users, &users, "PRIMARY", &["ALL"]).await;

    let of_orders = kept(&test, &columns, &starts, "basket", "basket");
    let orders = ["b100", "b125", "B100"].map(|order| HeldRows::Order { order: order.to_owned() });
    let rows = kept::count(&mut connection, &of_orders, &orders).await.unwrap();
    let sum = |place: usize| rows.iter().map(|counted| counted.rows[place]).sum::<u64>();
    assert_eq!([sum(0), sum(1)], [4, 4], "{rows:?}");
    assert_served(&mut connection, &of_orders, &orders, "basket", &["ALL", "index"]).await;
}

/// Each table is read by that key, and in none of those ways; whether a copy has an original is looked up by a key.
async fn assert_served(connection: &mut MySqlConnection, kept: &Kept<'_>, rows: &[HeldRows], by: &str, never: &[&str]) {
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await.unwrap();
    let explain = Capabilities::detect(&version).unwrap().explain_partitions();
    let sql = format!("{explain}{}", kept.count(rows));
    let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await.unwrap();
    let text = |row: &MySqlRow, column| row.try_get::<Option<String>, _>(column).unwrap().unwrap_or_default();
    let read: Vec<_> = rows.iter().map(|row| ["table", "type", "key"].map(|column| text(row, column))).collect();
    // The table, its twin and the copies; then what is looked up for each copy.
    let (counted, looked_up) = read.split_at(3);
    assert_eq!(counted.iter().map(|read| &*read[0]).collect::<Vec<_>>(), ["shop", "twin", "copies"], "{read:?}");
    assert!(counted.iter().all(|read| read[2] == by && !never.contains(&&*read[1])), "{read:?}");
    let is_read = |read: &&[String; 3]| ["shop", "twin"].contains(&&*read[0]);
    let looked_up: Vec<_> = looked_up.iter().filter(is_read).collect();
    assert_eq!(looked_up.len(), 2, "{read:?}");
    assert!(looked_up.iter().all(|read| ["eq_ref", "ref"].contains(&&*read[1])), "{read:?}");
}

/// Months of Seoul begin at 15:00 UTC; a microsecond before is another month, and what is older than all has none.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_month_begins_to_the_microsecond(#[case] engine: EngineKind) {
    let test = TestDb::new(engine).await;
    let mut connection = test.connect().await;
    execute(
        &mut connection,
        "CREATE TABLE shop (id INT NOT NULL, customer INT NOT NULL, `at` DATETIME(6) NOT NULL, PRIMARY KEY (id, `at`), KEY c (customer))",
    )
    .await;
    execute(
        &mut connection,
        "INSERT INTO shop VALUES (1, 7, '2026-05-31 14:59:59.999999'), (2, 7, '2026-05-31 15:00:00'), (3, 7, '2040-01-01'), \
         (4, 7, '1996-01-01')",
    )
    .await;
    let starts = ["2026-04-30T15:00:00Z", "2026-05-31T15:00:00Z"].map(|start| start.parse().unwrap());
    let columns = columns();
    let all = kept(&test, &columns, &starts, "customer", "c");
    let shop = Kept { twins: Vec::new(), copies: None, ..all };
    let mut counted = kept::count(&mut connection, &shop, &[USER]).await.unwrap();
    counted.sort_unstable_by_key(|counted| counted.starts);
    let counted: Vec<_> = counted.iter().map(|counted| (counted.starts, counted.rows[0])).collect();
    assert_eq!(counted, [(0, 1), (1, 1), (2, 2)]);
}
