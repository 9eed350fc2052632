//! The server of `payhist demo` is what an operator would choose for data that matters, on both engines.
use payhist_dbserver::{PrivateServer, Profile, ServerConfig};
use payhist_types::EngineKind;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{Connection, MySqlConnection};

async fn commits_are_durable_and_nothing_listens_on_a_port(engine: EngineKind) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = ServerConfig {
        dir: dir.path().to_owned(),
        engine: Some(engine),
        tree: None,
        profile: Profile::Demo,
        options: Vec::new(),
    };
    let server = PrivateServer::start(config).await.expect("the server starts");
    let options = MySqlConnectOptions::new().socket(server.socket()).username("root");
    let mut connection = MySqlConnection::connect_with(&options).await.expect("the server answers");
    for (variable, wanted) in [
        ("innodb_flush_log_at_trx_commit", "1"),
        ("innodb_buffer_pool_size", "268435456"),
        ("performance_schema", "1"),
        ("local_infile", "1"),
        ("log_bin", "0"),
        ("skip_networking", "1"),
        ("character_set_server", "utf8mb4"),
        ("time_zone", "+00:00"),
        ("max_connections", "200"),
    ] {
        let query = sqlx::AssertSqlSafe(format!("SELECT CAST(@@GLOBAL.{variable} AS CHAR)"));
        let (value,): (String,) = sqlx::query_as(query).fetch_one(&mut connection).await.expect(variable);
        // A boolean comes as a word from some versions and as a digit from others.
        let value = value.replace("ON", "1").replace("OFF", "0");
        assert_eq!(value, wanted, "{variable} on {engine}");
    }
    let (lock_instrument,): (String,) = sqlx::query_as(
        "SELECT CAST(enabled AS CHAR) FROM performance_schema.setup_instruments WHERE name = 'wait/lock/metadata/sql/mdl'",
    )
    .fetch_one(&mut connection)
    .await
    .expect("the instrument exists");
    assert_eq!(lock_instrument, "YES");
    assert!(server.stop().await.expect("it stops").clean);
}

#[tokio::test]
async fn commits_are_durable_and_nothing_listens_on_a_port_mariadb() {
    commits_are_durable_and_nothing_listens_on_a_port(EngineKind::MariaDb).await;
}

#[tokio::test]
async fn commits_are_durable_and_nothing_listens_on_a_port_mysql() {
    commits_are_durable_and_nothing_listens_on_a_port(EngineKind::MySql).await;
}
