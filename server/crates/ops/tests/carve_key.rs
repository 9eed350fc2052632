//! Copies are deleted in the order of their key, whatever the order of the columns.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_dialect::Capabilities;
use payhist_dialect::held::Shelf;
use payhist_plan::held;
use payhist_storage::partitions;
use payhist_testkit::{TestEngine, TestOps};
use payhist_types::UserId;
use payhist_types::history::Policy;
use payhist_types::holds::HoldScope;
use payhist_types::inventory::{Carving, Column, PartitionExpression, TableState};
use rstest::rstest;
use sqlx::{AssertSqlSafe, Executor, Row};

const TABLE: &str = "payment_history_shard_0";

async fn catalogue(test: &TestOps, table: &str) -> (PartitionExpression, Carving) {
    match partitions::read_one(&mut test.db.connect().await, test.db.name(), table).await.unwrap() {
        TableState::Partitioned { expression, carving, .. } => (expression, carving),
        other => panic!("{other:?}"),
    }
}

fn names<'a>(columns: impl IntoIterator<Item = &'a Column>) -> Vec<&'a str> {
    columns.into_iter().map(|column| column.name.as_str()).collect()
}

/// Its key begins with the second column. A batch that sorts locks all the copies that are to go, not its own alone.
#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn copies_are_deleted_without_sorting_where_the_key_has_another_order_than_the_columns(
    #[case] engine: TestEngine,
) {
    let test = TestOps::expiring(engine, 1, None, "2026-03").await;
    test.pay(TABLE, (1..=2_500).map(|id| (id, 2, "2026-03-10"))).await;
    test.hold(HoldScope::User { user: UserId(2) }, None).await;
    test.apply().await;
    let copies = held::name(TABLE);
    assert_eq!(test.payments(&copies).await.len(), 2_500);
    test.execute(&format!("ANALYZE TABLE `{copies}`")).await;

    let (expression, carving) = catalogue(&test, TABLE).await;
    assert_eq!(names(&carving.columns)[..2], ["payment_id", "user_id"]);
    assert_eq!(names(Column::key_of(&carving.columns)), ["user_id", "created_at", "payment_id"]);
    let mut connection = test.db.connect().await;
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection).await.unwrap();
    let capabilities = Capabilities::detect(&version).unwrap();
    let spec = test.spec(1, Policy::default());
    let shelf = Shelf::new(&spec, TABLE, &carving.columns, &capabilities).unwrap();
    let delete = shelf.delete_released(&expression, "2026-06-01T00:00:00Z".parse().unwrap(), &[]).unwrap();
    let explain = format!("{}{}", capabilities.explain_partitions(), delete.statement());
    let plan = connection.fetch_one(AssertSqlSafe(explain)).await.unwrap();
    let (key, extra): (Option<String>, String) = (plan.get("key"), plan.get("Extra"));
    assert_eq!((key.as_deref(), extra.contains("filesort")), (Some("PRIMARY"), false), "{extra}");
}

/// The catalogue marks the columns of such a key as if it were the primary one, and names it otherwise.
#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_unique_key_that_stands_in_for_the_primary_key_counts_as_one(#[case] engine: TestEngine) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    test.execute(
        "CREATE TABLE keyless (note INT, b DATETIME NOT NULL, a BIGINT NOT NULL, UNIQUE KEY (a, b)) \
         PARTITION BY RANGE COLUMNS (b) (PARTITION p202603 VALUES LESS THAN ('2026-04-01'))",
    )
    .await;
    let (_, carving) = catalogue(&test, "keyless").await;
    assert_eq!(names(Column::key_of(&carving.columns)), ["b", "a"], "in the order of the columns");
}
