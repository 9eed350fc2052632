//! Tables whose server adds partitions by itself are refused by their definition, on a real server; others stay as they are.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_storage::{intervals, partitions};
use payhist_testkit::{TestDb, TestEngine};
use payhist_types::inventory::{Boundary, PartitionExpression, TableState};
use rstest::rstest;
use sqlx::Executor;

/// `RANGE COLUMNS … INTERVAL` needs a MariaDB that nobody packages yet; this clause is spelled like it.
const BY_INTERVAL: &str =
    "CREATE TABLE t (id BIGINT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME INTERVAL 1 MONTH PARTITIONS 3";
const PLAIN: &str = "CREATE TABLE t (`at` DATETIME NOT NULL, `interval` INT) PARTITION BY RANGE COLUMNS (`at`) \
    (PARTITION p VALUES LESS THAN ('2026-11-01'))";

async fn read(db: &TestDb) -> TableState {
    partitions::read_one(&mut db.connect().await, db.name(), "t").await.unwrap()
}

async fn refuse(db: &TestDb, state: &mut TableState) {
    intervals::refuse(&mut db.connect().await, db.name(), "t", state).await;
}

fn is_unknown(state: &TableState) -> bool {
    let TableState::Partitioned { expression, partitions, .. } = state else { panic!("{state:?}") };
    let edges = partitions.iter().all(|partition| matches!(partition.upper, Boundary::Unknown(_)));
    let PartitionExpression::Unknown { raw } = expression else { return false };
    edges && raw.starts_with("RANGE COLUMNS, INTERVAL")
}

#[rstest]
#[tokio::test]
async fn a_table_with_an_interval_is_refused(#[values(TestEngine::MariaDb, TestEngine::MariaDb11)] engine: TestEngine) {
    let db = TestDb::new(engine).await;
    db.connect().await.execute(BY_INTERVAL).await.unwrap();
    let mut found = read(&db).await;
    refuse(&db, &mut found).await;
    assert!(is_unknown(&found), "{found:?}");
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn a_table_without_one_stays_and_one_that_cannot_be_read_is_refused(#[case] engine: TestEngine) {
    let db = TestDb::new(engine).await;
    db.connect().await.execute(PLAIN).await.unwrap();
    let before = read(&db).await;
    let mut found = before.clone();
    refuse(&db, &mut found).await;
    assert_eq!(found, before);
    db.connect().await.execute("DROP TABLE t").await.unwrap();
    refuse(&db, &mut found).await;
    assert!(is_unknown(&found), "{found:?}");
}
