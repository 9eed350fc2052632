//! What a pool does with connections whose statement nobody waits for any more.

use payhist_storage::{Pool, PooledConnection};
use payhist_testkit::TestDb;
use payhist_types::EngineKind;
use rstest::rstest;
use std::time::Duration;
use tokio::time::timeout;

const ONE_AT_A_TIME: u32 = 1;

/// Sleeps, then fails by a duplicate key.
const FAILS_LATE: &str = "INSERT INTO late SELECT SLEEP(0.2) FROM (SELECT 1 UNION ALL SELECT 2) twice";

/// MySQL offers TLS and `MariaDB` here does not: with TLS sqlx never finished closing such a connection, and a slot of the
/// pool was lost for good.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_statement_that_is_given_up_and_then_fails_costs_the_pool_nothing(#[case] engine: EngineKind) {
    let db = TestDb::new(engine).await;
    let pool = Pool::open("test", db.connect_options(), ONE_AT_A_TIME, None);
    let mut connection = pool.acquire("create").await.unwrap();
    sqlx::query("CREATE TABLE late (slept INT PRIMARY KEY)").execute(&mut *connection).await.unwrap();

    let given_up = timeout(Duration::from_millis(100), sqlx::raw_sql(FAILS_LATE).execute(&mut *connection)).await;
    assert!(given_up.is_err(), "it had not failed yet");
    drop(connection);

    let mut connection = pool.acquire("again").await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM late").fetch_one(&mut *connection).await.unwrap();
    assert_eq!(rows, 0, "the statement that was given up had ended before");
    drop(connection);
    timeout(Duration::from_secs(20), pool.close()).await.unwrap();
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_connection_at_rest_is_lent_again_without_a_ping(#[case] engine: EngineKind) {
    /// The session, and the pings among other things that it was sent.
    async fn sent(connection: &mut PooledConnection) -> (u64, String) {
        let id = sqlx::query_scalar("SELECT CONNECTION_ID()").fetch_one(&mut **connection).await.unwrap();
        let status = "SHOW SESSION STATUS LIKE 'Com_admin_commands'";
        let (_, pings) = sqlx::query_as::<_, (String, String)>(status).fetch_one(&mut **connection).await.unwrap();
        (id, pings)
    }
    let db = TestDb::new(engine).await;
    let pool = Pool::open("test", db.connect_options(), 2, None);
    let mut connection = pool.acquire("first").await.unwrap();
    let before = sent(&mut connection).await;
    connection.keep();
    assert_eq!((pool.stats().idle, pool.stats().in_use), (1, 0), "what is kept is idle");
    let mut connection = pool.acquire("again").await.unwrap();
    assert_eq!(sent(&mut connection).await, before);
    connection.keep();
    timeout(Duration::from_secs(20), pool.close()).await.unwrap();
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn nothing_is_kept_from_those_who_wait(#[case] engine: EngineKind) {
    let db = TestDb::new(engine).await;
    let pool = Pool::open("test", db.connect_options(), ONE_AT_A_TIME, None);
    let connection = pool.acquire("first").await.unwrap();
    let waiter = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire("waiter").await.map(drop) }
    });
    while pool.stats().waiters == 0 {
        tokio::task::yield_now().await;
    }
    connection.keep();
    waiter.await.unwrap().unwrap();
    assert_eq!(pool.stats().waiters, 0);
}
