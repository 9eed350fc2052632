//! What a server says of itself, as a user may ask who may do nothing else.

use payhist_dialect::Capabilities;
use payhist_storage::engine_stats;
use payhist_testkit::{TestServer, running};
use payhist_types::EngineKind;
use rstest::rstest;
use sqlx::{Connection, Executor, MySqlConnection};

const NO_TEXT: [u8; 3] = [0xff, 0xfe, 0x00];

/// On a server of its own, since only the oldest are named.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn open_transactions_are_named_while_a_statement_with_bytes_that_are_no_text_runs(#[case] engine: EngineKind) {
    let server = TestServer::private(engine).await;
    let mut root = server.connect().await;
    for sql in ["CREATE USER asks@localhost", "GRANT PROCESS ON *.* TO asks@localhost", "CREATE DATABASE shop"] {
        root.execute(sql).await.unwrap();
    }
    root.execute("CREATE TABLE shop.t (id INT PRIMARY KEY)").await.unwrap();
    let (mut open, mut sleeper) = (server.connect().await, server.connect().await);
    open.execute("BEGIN").await.unwrap();
    open.execute("INSERT INTO shop.t VALUES (1)").await.unwrap();
    let number: u64 = sqlx::query_scalar("SELECT CONNECTION_ID()").fetch_one(&mut open).await.unwrap();
    let asleep = tokio::spawn(async move {
        sqlx::query("SELECT SLEEP(300), ?").bind(NO_TEXT.as_slice()).execute(&mut sleeper).await.map(drop)
    });
    while running(&mut root, "SELECT SLEEP%").await == 0 {
        tokio::task::yield_now().await;
    }

    let mut asking = MySqlConnection::connect_with(&server.connect_options().username("asks")).await.unwrap();
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut asking).await.unwrap();
    let capabilities = Capabilities::detect(&version).unwrap();
    let named = engine_stats::open_transactions(&mut asking, &capabilities).await.unwrap();
    let expected = format!("connection {number} (root@localhost), open for");
    assert!(named.iter().any(|one| one.starts_with(&expected)), "{expected}: {named:#?}");
    asleep.abort();
}
