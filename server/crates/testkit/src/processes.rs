//! What a server does at this moment for others.

use payhist_dialect::Capabilities;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

/// How many other sessions run a statement that is LIKE this.
pub async fn running(connection: &mut MySqlConnection, like: &str) -> usize {
    states(connection, "INFO", like).await.len()
}

/// How many of them wait for a lock of a table.
pub async fn waiting(connection: &mut MySqlConnection, like: &str) -> usize {
    states(connection, "INFO", like).await.iter().filter(|state| state.contains("lock")).count()
}

/// What the server says of a session, e.g. `Waiting for table metadata lock`.
pub(crate) async fn state_of(connection: &mut MySqlConnection, session: u64) -> String {
    states(connection, "ID", &session.to_string()).await.pop().unwrap_or_default()
}

async fn states(connection: &mut MySqlConnection, column: &str, like: &str) -> Vec<String> {
    let states = async {
        let sessions = table(connection).await?;
        let sql = format!("SELECT COALESCE(STATE, '') FROM {sessions} WHERE {column} LIKE ? AND ID <> CONNECTION_ID()");
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(like).fetch_all(connection).await
    };
    states.await.unwrap_or_else(|e| panic!("{e}"))
}

/// The server's table of sessions.
pub(crate) async fn table(connection: &mut MySqlConnection) -> Result<&'static str, sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(connection).await?;
    Ok(Capabilities::detect(&version).unwrap_or_else(|e| panic!("{e}")).process_list())
}
