//! Schemas of a test's own on the shared server.

use std::path::Path;
use std::time::Duration;

use payhist_types::EngineKind;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::shared::{SharedServer, root_at};
use crate::{TestEngine, processes};

/// How long the clean-up of one test may take; what it leaves goes when the shared server stops.
const CLEAN_UP_WAIT: Duration = Duration::from_secs(10);

/// A schema (or several) of one test on the shared server of its engine; dropped with this value.
#[derive(Debug)]
pub struct TestDb {
    engine: EngineKind,
    server: SharedServer,
    name: String,
}

impl TestDb {
    /// Joins (or starts) the shared server of `engine` and creates an empty schema.
    pub async fn new(engine: impl Into<TestEngine>) -> Self {
        let engine = engine.into();
        let server = SharedServer::join(engine).await;
        let mut connection = connect(&root_at(&server.socket)).await;
        // UUID_SHORT never repeats on one server.
        let (id,): (u64,) =
            sqlx::query_as("SELECT UUID_SHORT()").fetch_one(&mut connection).await.unwrap_or_else(|e| panic!("{e}"));
        let db = Self { engine: engine.kind(), server, name: format!("t{id}") };
        create_schema(&mut connection, &db.name).await;
        db
    }

    /// The engine.
    pub fn engine(&self) -> EngineKind {
        self.engine
    }

    /// The name of the first schema.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates one more schema of this test, `NAME_suffix`, and gives its name. (The separator keeps schemas of
    /// different tests apart at clean-up.)
    pub async fn schema(&self, suffix: &str) -> String {
        let name = format!("{}_{suffix}", self.name);
        create_schema(&mut self.connect().await, &name).await;
        name
    }

    /// How to connect: as root, in the first schema. For another: `.connect_options().database(&name)`.
    pub fn connect_options(&self) -> MySqlConnectOptions {
        root_at(&self.server.socket).database(&self.name)
    }

    /// The same as a URL, for configuration files and command lines.
    pub fn url(&self) -> String {
        format!("mysql://root@localhost/{}?socket={}", self.name, self.server.socket.display())
    }

    /// The server's socket.
    pub fn socket(&self) -> &Path {
        &self.server.socket
    }

    /// A connection as root, in the first schema.
    pub async fn connect(&self) -> MySqlConnection {
        connect(&self.connect_options()).await
    }
}

impl Drop for TestDb {
    /// Drops this test's schemas. Connections that still use them (pools of a test that failed) are killed first:
    /// their metadata locks would hold the DROP up.
    fn drop(&mut self) {
        let (options, name) = (root_at(&self.server.socket), self.name.clone());
        let clean_up = async move {
            let mut connection = MySqlConnection::connect_with(&options).await?;
            let mine = format!("{name}\\_%");
            let sessions = processes::table(&mut connection).await?;
            let users = format!("SELECT CAST(ID AS UNSIGNED) FROM {sessions} WHERE DB = ? OR DB LIKE ?");
            let users: Vec<(u64,)> =
                sqlx::query_as(AssertSqlSafe(users)).bind(&name).bind(&mine).fetch_all(&mut connection).await?;
            for (id,) in users {
                // It may have gone by itself.
                let _ = connection.execute(AssertSqlSafe(format!("KILL {id}"))).await;
            }
            let schemas: Vec<(String,)> = sqlx::query_as(
                "SELECT schema_name FROM information_schema.schemata WHERE schema_name = ? OR schema_name LIKE ?",
            )
            .bind(&name)
            .bind(&mine)
            .fetch_all(&mut connection)
            .await?;
            for (schema,) in schemas {
                connection.execute(AssertSqlSafe(format!("DROP DATABASE {schema}"))).await?;
            }
            Ok::<_, sqlx::Error>(())
        };
        // A drop cannot await, and the test's runtime may be shutting down: a thread with a runtime of its own can.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            match runtime.block_on(async { tokio::time::timeout(CLEAN_UP_WAIT, clean_up).await }) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(e)) => Err(std::io::Error::other(e)),
                Err(e) => Err(e.into()),
            }
        });
        if let Ok(Err(e)) = thread.join() {
            eprintln!("the schema {} is left for the next start of the server: {e}", self.name);
        }
    }
}

async fn connect(options: &MySqlConnectOptions) -> MySqlConnection {
    MySqlConnection::connect_with(options).await.unwrap_or_else(|e| panic!("{e}"))
}

async fn create_schema(connection: &mut MySqlConnection, name: &str) {
    let statement = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    connection.execute(statement).await.unwrap_or_else(|e| panic!("{e}"));
}
