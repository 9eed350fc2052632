//! A server and its replica, for tests of replication lag.

use std::net::TcpListener;
use std::time::Duration;

use payhist_types::EngineKind;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

use crate::TestServer;

/// How often a replica that is to catch up is looked at.
const POLL: Duration = Duration::from_millis(50);

/// A server with a real replica. Tests reach both by their sockets; replication alone, which has no other way, goes over a
/// port on the loopback address.
#[derive(Debug)]
pub struct Replicated {
    /// Where payments are written.
    pub source: TestServer,
    /// What follows it.
    pub replica: TestServer,
    engine: EngineKind,
}

impl Replicated {
    /// Starts both and lets the replica follow.
    pub async fn start(engine: EngineKind) -> Self {
        let port = free_port();
        let source = ["--server-id=1", "--log-bin=log", "--bind-address=127.0.0.1", "--skip-networking=OFF"];
        let source = source.map(Into::into).into_iter().chain([format!("--port={port}").into()]);
        let replica = ["--server-id=2", "--log-bin=log"].map(Into::into);
        let (source, replica) = tokio::join!(
            TestServer::private_with(engine, source.collect()),
            TestServer::private_with(engine, replica.to_vec()),
        );
        let pair = Self { source, replica, engine };
        let mut connection = pair.source.connect().await;
        run(&mut connection, "CREATE USER follower@'127.0.0.1' IDENTIFIED BY 'follows'").await;
        run(&mut connection, "GRANT REPLICATION SLAVE ON *.* TO follower@'127.0.0.1'").await;
        let follow = match engine {
            EngineKind::MariaDb => format!(
                "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = 'follower', \
                 MASTER_PASSWORD = 'follows'"
            ),
            EngineKind::MySql => format!(
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port}, SOURCE_USER = 'follower', \
                 SOURCE_PASSWORD = 'follows', GET_SOURCE_PUBLIC_KEY = 1"
            ),
        };
        pair.on_replica(&follow).await;
        pair.on_replica("START REPLICA").await;
        pair.caught_up().await;
        pair
    }

    /// Runs a statement on the replica.
    pub async fn on_replica(&self, sql: &str) {
        run(&mut self.replica.connect().await, sql).await;
    }

    /// Makes the replica apply what it gets only after so many seconds.
    pub async fn delay(&self, secs: u32) {
        let delay = match self.engine {
            EngineKind::MariaDb => format!("CHANGE MASTER TO MASTER_DELAY = {secs}"),
            EngineKind::MySql => format!("CHANGE REPLICATION SOURCE TO SOURCE_DELAY = {secs}"),
        };
        self.on_replica("STOP REPLICA").await;
        self.on_replica(&delay).await;
        self.on_replica("START REPLICA").await;
    }

    /// Waits until the replica has what the source has now.
    pub async fn caught_up(&self) {
        let mut source = self.source.connect().await;
        let position = match self.engine {
            EngineKind::MariaDb => "SHOW MASTER STATUS",
            EngineKind::MySql => "SHOW BINARY LOG STATUS",
        };
        let position = source.fetch_one(position).await.unwrap_or_else(|e| panic!("{e}"));
        let (file, at): (String, u64) = (position.get("File"), position.get_unchecked("Position"));
        let (there, applied) = match self.engine {
            EngineKind::MariaDb => ("Relay_Master_Log_File", "Exec_Master_Log_Pos"),
            EngineKind::MySql => ("Relay_Source_Log_File", "Exec_Source_Log_Pos"),
        };
        let mut replica = self.replica.connect().await;
        loop {
            let status = replica.fetch_one("SHOW REPLICA STATUS").await.unwrap_or_else(|e| panic!("{e}"));
            let errors: (String, String) = (status.get("Last_IO_Error"), status.get("Last_SQL_Error"));
            assert_eq!(errors, (String::new(), String::new()), "the replica does not follow");
            if status.get::<String, _>(there) == file && status.get_unchecked::<u64, _>(applied) >= at {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap_or_else(|e| panic!("{e}"));
    listener.local_addr().unwrap_or_else(|e| panic!("{e}")).port()
}

async fn run(connection: &mut MySqlConnection, sql: &str) {
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}
