//! What a pool does with statements that nobody waits for any more, with connections at rest, and when its server is down.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_storage::{Pool, PooledConnection, StorageError, dynamic};
use payhist_testkit::{TestDb, TestServer, running};
use payhist_types::EngineKind;
use rstest::rstest;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;
use std::time::Duration;
use tokio::time::timeout;

const ONE_AT_A_TIME: u32 = 1;
const DEADLINE: Duration = Duration::from_secs(3);

fn failed(error: &sqlx::Error) -> StorageError {
    StorageError::Inconsistent(error.to_string())
}

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
    let pool = Pool::open("test", db.connect_options(), ONE_AT_A_TIME);
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
    let pool = Pool::open("test", db.connect_options(), 2);
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
async fn a_server_that_hangs_keeps_no_question_beyond_its_deadline(#[case] engine: EngineKind) {
    let server = TestServer::private(engine).await;
    let pool = Pool::open("test", server.connect_options(), ONE_AT_A_TIME);
    let look = async |connection: &mut MySqlConnection| {
        sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(connection).await.map_err(|error| failed(&error))
    };
    let ask = async || pool.ask("look", Duration::from_secs(1), look).await;
    pool.acquire("ready").await.unwrap().keep();
    server.server().freeze();
    for part in ["on a connection that lay ready", "on one that would have to be made"] {
        let answer = timeout(DEADLINE, ask()).await.expect(part);
        assert!(matches!(answer, Err(StorageError::Unavailable { .. })), "{part}: {answer:?}");
    }
    server.server().thaw();
    while ask().await.is_err() {}
    timeout(Duration::from_secs(20), pool.close()).await.unwrap();
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn nothing_is_kept_from_those_who_wait(#[case] engine: EngineKind) {
    let db = TestDb::new(engine).await;
    let pool = Pool::open("test", db.connect_options(), ONE_AT_A_TIME);
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

/// A socket that nobody listens at stays behind, as a port does. One look had a connection at rest, the other none.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_reader_is_told_that_its_server_refuses_and_finds_it_again_after_a_restart(#[case] engine: EngineKind) {
    let server = TestServer::private(engine).await;
    let pool = Pool::for_reading("test", server.connect_options(), 2, DEADLINE);
    drop(pool.acquire("before").await.unwrap());
    server.kill9().await;
    for look in ["first", "second"] {
        let mut error = pool.acquire(look).await.map(drop);
        if error.is_ok() {
            // What was in use a moment ago is lent without a ping: then the statement fails.
            error = pool.acquire(look).await.map(drop);
        }
        let words = error.unwrap_err().to_string();
        assert!(words.contains("refused"), "{look}: {words}");
    }
    assert_eq!((pool.stats().timeouts, pool.stats().waiters), (0, 0), "nobody waited for the pool's timeout");

    let _server = server.restart().await;
    drop(pool.acquire("after").await.unwrap());
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn who_changes_something_goes_on_trying(#[case] engine: EngineKind) {
    let server = TestServer::private(engine).await;
    let pool = Pool::open("test", server.connect_options(), ONE_AT_A_TIME);
    server.kill9().await;
    let waiter = tokio::spawn(async move { pool.acquire("change").await.map(drop) });
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!waiter.is_finished());
    waiter.abort();
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn who_waits_because_all_connections_are_lent_opens_no_other(#[case] engine: EngineKind) {
    let server = TestServer::private(engine).await;
    let pool = Pool::for_reading("test", server.connect_options(), ONE_AT_A_TIME, DEADLINE);
    let mut lent = pool.acquire("first").await.unwrap();
    let waiter = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire("waiter").await.map(drop) }
    });
    let before = connections(&mut lent).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(connections(&mut lent).await, before);
    drop(lent);
    waiter.await.unwrap().unwrap();
}

/// How many a server has been asked for since it started.
async fn connections(connection: &mut PooledConnection) -> String {
    let status = "SHOW GLOBAL STATUS LIKE 'Connections'";
    sqlx::query_as::<_, (String, String)>(status).fetch_one(&mut **connection).await.unwrap().1
}

/// One connection is all that there is: it is free again only when the statement has ended.
#[rstest]
#[case::mariadb_left(EngineKind::MariaDb, true)]
#[case::mysql_left(EngineKind::MySql, true)]
#[case::mariadb_late(EngineKind::MariaDb, false)]
#[case::mysql_late(EngineKind::MySql, false)]
#[tokio::test]
async fn a_question_that_nobody_waits_for_ends_on_the_server(#[case] engine: EngineKind, #[case] left: bool) {
    let db = TestDb::new(engine).await;
    let pool = Pool::open("test", db.connect_options(), ONE_AT_A_TIME);
    let deadline = Duration::from_millis(if left { 600_000 } else { 200 });
    let sleep = format!("SELECT SLEEP(300) /* {} */", db.name());
    let asked = tokio::spawn({
        let (pool, sleep) = (pool.clone(), sleep.clone());
        async move {
            let question = async |connection: &mut MySqlConnection| {
                sqlx::query(AssertSqlSafe(sleep)).execute(connection).await.map_err(|error| failed(&error))
            };
            pool.ask("sleep", deadline, question).await.map(drop)
        }
    });
    let mut watcher = db.connect().await;
    let mut sleeping = async || running(&mut watcher, &sleep).await;
    if left {
        while sleeping().await == 0 {
            tokio::task::yield_now().await;
        }
        asked.abort();
    } else {
        let error = asked.await.unwrap().unwrap_err().to_string();
        assert!(error.contains("no answer in time"), "{error}");
    }
    let answer = timeout(
        Duration::from_secs(20),
        pool.ask("again", Duration::from_secs(20), async |connection| {
            sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(connection).await.map_err(|error| failed(&error))
        }),
    );
    assert_eq!(answer.await.unwrap().unwrap(), 1);
    assert_eq!((sleeping().await, pool.stats().ended), (0, 1));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_value_that_cannot_be_sent_is_an_error_and_costs_the_pool_nothing(#[case] engine: EngineKind) {
    let db = TestDb::new(engine).await;
    let pool = Pool::open("test", db.connect_options(), ONE_AT_A_TIME);
    let far_away = chrono::NaiveDate::from_ymd_opt(-1, 1, 1).unwrap().and_time(chrono::NaiveTime::MIN);
    let select = sea_query::Query::select().expr(sea_query::Expr::value(far_away)).take();
    let mut connection = pool.acquire("far away").await.unwrap();
    let asked = dynamic::fetch_all(&mut connection, "far away", &select).await;
    assert!(matches!(asked, Err(StorageError::Inconsistent(_))), "{asked:?}");
    drop(connection);
    pool.acquire("again").await.unwrap();
}
