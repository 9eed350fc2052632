//! The scripted sessions: they see real blocking, and make real deadlocks.
use payhist_testkit::{Sessions, TestDb, TestServer, provoke_deadlock};
use payhist_types::EngineKind;
use rstest::rstest;
use sqlx::{Executor, Row};

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_row_lock_and_a_metadata_lock_are_seen_to_block(#[case] engine: EngineKind) {
    let db = TestDb::new(engine).await;
    db.connect().await.execute("CREATE TABLE t (id INT PRIMARY KEY, n INT)").await.unwrap();
    db.connect().await.execute("INSERT INTO t VALUES (1, 0), (2, 0)").await.unwrap();
    let mut sessions = Sessions::new(&db.connect_options(), &["a", "b", "ddl"]).await;

    sessions.step("a", "BEGIN").await.done();
    assert_eq!(sessions.step("a", "UPDATE t SET n = 1 WHERE id = 1").await.done().rows_affected, 1);
    assert_eq!(sessions.step("b", "UPDATE t SET n = 5 WHERE id = 2").await.done().rows_affected, 1);
    assert!(sessions.step("b", "UPDATE t SET n = 5 WHERE id = 1").await.is_blocked());
    assert!(sessions.step("ddl", "ALTER TABLE t ADD COLUMN m INT").await.is_blocked());
    sessions.step("a", "COMMIT").await.done();
    assert_eq!(sessions.finish("b").await.unwrap().rows_affected, 1);
    sessions.finish("ddl").await.unwrap();
    let rows = sessions.step("a", "SELECT n FROM t ORDER BY id").await.done().rows;
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [5, 5]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_provoked_deadlock_is_the_one_the_server_shows(#[case] engine: EngineKind) {
    let db = TestDb::new(engine).await;
    let first = provoke_deadlock(&db.connect_options()).await;
    drop(first);
    let deadlock = provoke_deadlock(&db.connect_options()).await;
    let row = db.connect().await.fetch_one("SHOW ENGINE INNODB STATUS").await.unwrap();
    let status: String = row.get("Status");
    let report = status.split("LATEST DETECTED DEADLOCK").nth(1).expect("a deadlock in the status");
    for session in [&deadlock.victim, &deadlock.survivor] {
        assert!(report.contains(session.statement), "{report}");
        assert!(report.contains(&format!("thread id {}", session.connection_id)), "{report}");
        assert!(report.contains(&format!("`{}`.`{}`", db.name(), session.waits_for)), "{report}");
    }
}

/// A commit must survive the kill, and the restarted server must be the same to its clients.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_private_server_keeps_what_was_committed_when_it_is_killed(#[case] engine: EngineKind) {
    let server = TestServer::private(engine).await;
    server.create_schema("mine").await;
    let mut connection = server.connect().await;
    connection.execute("CREATE TABLE mine.t (id INT)").await.unwrap();
    connection.execute("INSERT INTO mine.t VALUES (1), (2)").await.unwrap();
    let exit = server.kill9().await;
    assert!(!exit.clean, "{exit:?}");
    connection.execute("SELECT 1").await.expect_err("the server is gone");

    let server = server.restart().await;
    let (rows,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM mine.t").fetch_one(&mut server.connect().await).await.unwrap();
    assert_eq!(rows, 2);
    assert!(server.stop().await.clean);
}
