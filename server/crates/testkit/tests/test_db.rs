//! What the other crates' tests rely on: schemas of one's own on a server that test processes share.
use payhist_testkit::TestDb;
use payhist_types::EngineKind;
use rstest::rstest;
use sqlx::{AssertSqlSafe, Executor};

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn two_tests_do_not_see_each_other(#[case] engine: EngineKind) {
    let (one, other) = tokio::join!(TestDb::new(engine), TestDb::new(engine));
    assert_ne!(one.name(), other.name());
    one.connect().await.execute("CREATE TABLE only_mine (id INT)").await.unwrap();
    let error = other.connect().await.execute("SELECT * FROM only_mine").await.unwrap_err();
    assert!(error.to_string().contains("doesn't exist"), "{error}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn schemas_go_with_their_test_even_while_a_transaction_is_open(#[case] engine: EngineKind) {
    let watcher = TestDb::new(engine).await;
    let db = TestDb::new(engine).await;
    let more = db.schema("control").await;
    let mut open = db.connect().await;
    open.execute(AssertSqlSafe(format!("CREATE TABLE {more}.t (id INT)"))).await.unwrap();
    open.execute("BEGIN").await.unwrap();
    open.execute(AssertSqlSafe(format!("INSERT INTO {more}.t VALUES (1)"))).await.unwrap();
    let mine = format!("{}%", db.name());
    drop(db);
    let left: Vec<(String,)> =
        sqlx::query_as("SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE ?")
            .bind(mine)
            .fetch_all(&mut watcher.connect().await)
            .await
            .unwrap();
    assert_eq!(left, vec![]);
}

/// The child is this same test in a process of its own; it must find the parent's table on its own shared server.
#[tokio::test]
async fn another_process_joins_the_same_server() {
    const PARENT: &str = "PAYHIST_TEST_PARENT_SCHEMA";
    let db = TestDb::new(EngineKind::MariaDb).await;
    if let Ok(parent) = std::env::var(PARENT) {
        db.connect().await.execute(AssertSqlSafe(format!("INSERT INTO {parent}.seen VALUES (1)"))).await.unwrap();
        return;
    }
    db.connect().await.execute("CREATE TABLE seen (id INT)").await.unwrap();
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "another_process_joins_the_same_server"])
        .env(PARENT, db.name())
        .status();
    assert!(child.await.unwrap().success());
    let (seen,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM seen").fetch_one(&mut db.connect().await).await.unwrap();
    assert_eq!(seen, 1);
}
