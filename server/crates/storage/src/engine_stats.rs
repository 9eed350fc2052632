//! What a server says of itself: version, uptime, connections, its deadlock counter and its InnoDB report.

use crate::ddl;
use crate::error::{During, StorageError};
use payhist_dialect::Capabilities;
use payhist_types::EngineKind;
use payhist_types::database::ServerStats;
use sqlx::mysql::MySqlConnection;
use std::collections::HashMap;

/// Figures of a server.
pub async fn server(connection: &mut MySqlConnection, source: &str) -> Result<ServerStats, StorageError> {
    let (version, max_connections): (String, u64) =
        sqlx::query_as("SELECT VERSION(), CAST(@@max_connections AS UNSIGNED)")
            .fetch_one(&mut *connection)
            .await
            .during("server figures")?;
    let capabilities = Capabilities::detect(&version).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    let status: HashMap<String, String> = sqlx::query_as::<_, (String, String)>(
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Threads_connected', 'Innodb_deadlocks')",
    )
    .fetch_all(&mut *connection)
    .await
    .during("server figures")?
    .into_iter()
    .collect();
    let figure = |name: &str| status.get(name).and_then(|value| value.parse::<u64>().ok());
    let deadlocks = match capabilities.kind() {
        EngineKind::MariaDb => figure("Innodb_deadlocks"),
        EngineKind::MySql => mysql_deadlocks(connection).await,
    };
    Ok(ServerStats {
        source: source.to_owned(),
        engine: capabilities.kind(),
        version,
        uptime_secs: figure("Uptime").unwrap_or_default(),
        max_connections,
        threads_connected: figure("Threads_connected").unwrap_or_default(),
        deadlocks,
    })
}

/// `None` without the PROCESS privilege.
async fn mysql_deadlocks(connection: &mut MySqlConnection) -> Option<u64> {
    let count: i64 =
        sqlx::query_scalar("SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'")
            .fetch_optional(connection)
            .await
            .ok()??;
    u64::try_from(count).ok()
}

/// The text of SHOW ENGINE INNODB STATUS.
///
/// # Errors
/// [`StorageError::Server`] of class `PrivilegeMissing` without `PROCESS ON *.*`.
pub async fn innodb_status(connection: &mut MySqlConnection) -> Result<String, StorageError> {
    let (_, _, status): (String, String, String) =
        sqlx::query_as("SHOW ENGINE INNODB STATUS").fetch_one(connection).await.during("innodb status")?;
    Ok(status)
}

/// Most open transactions that are named.
const TRANSACTIONS_NAMED_MAX: u32 = 5;

/// The oldest open transactions in words, e.g. who keeps an ALTER waiting. Needs `PROCESS`.
pub async fn open_transactions(
    connection: &mut MySqlConnection,
    capabilities: &Capabilities,
) -> Result<Vec<String>, StorageError> {
    type Open = (u64, Option<String>, Option<String>, i64, Option<String>);
    let text = ddl::text(&capabilities.open_transactions(TRANSACTIONS_NAMED_MAX));
    let rows: Vec<Open> = sqlx::query_as(text).fetch_all(connection).await.during("open transactions")?;
    Ok(rows
        .into_iter()
        .map(|(id, user, host, secs, query)| {
            let who = format!("{}@{}", user.as_deref().unwrap_or("?"), host.as_deref().unwrap_or("?"));
            format!("connection {id} ({who}), open for {secs} s, {}", query.as_deref().unwrap_or("idle in transaction"))
        })
        .collect())
}
