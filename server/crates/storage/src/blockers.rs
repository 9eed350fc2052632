//! Who holds a lock on a table, and ending them.
//!
//! Invariant: only sessions that the server itself names as holders of a metadata lock on that very table are told, so
//! that nobody else is ever killed. Needs the performance schema with metadata locks, `SELECT` on it, and to kill
//! `CONNECTION ADMIN` (MariaDB) or `CONNECTION_ADMIN` (MySQL).

use crate::ddl;
use crate::error::{During, StorageError};
use payhist_dialect::ddl as dialect;
use payhist_dialect::error_class::ErrorClass;
use sqlx::mysql::MySqlConnection;

/// The most sessions that are told at once.
const HOLDERS_MAX: u32 = 20;

/// The most sessions that are told of a whole schema.
const SCHEMA_HOLDERS_MAX: u32 = 200;

/// The server's error for a session that has ended.
const NO_SUCH_THREAD: u16 = 1094;

/// A session that holds a metadata lock.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Holder {
    /// Its connection.
    pub connection: u64,
    /// Its account's name; empty when the server hides it.
    pub user: String,
    /// From where it came.
    pub host: String,
    /// For how many seconds it has done what it is doing, or nothing.
    pub secs: i64,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { connection, user, host, secs } = self;
        write!(formatter, "connection {connection} ({user}@{host}, so since {secs} s)")
    }
}

/// The other sessions that hold a metadata lock on a table. None, too, where the server does not watch metadata locks.
pub async fn holders(connection: &mut MySqlConnection, schema: &str, table: &str) -> Result<Vec<Holder>, StorageError> {
    sqlx::query_as(
        "SELECT DISTINCT CAST(t.PROCESSLIST_ID AS UNSIGNED) AS connection, COALESCE(t.PROCESSLIST_USER, '') AS user, \
         COALESCE(t.PROCESSLIST_HOST, '') AS host, CAST(COALESCE(t.PROCESSLIST_TIME, 0) AS SIGNED) AS secs \
         FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID \
         WHERE m.OBJECT_TYPE = 'TABLE' AND m.OBJECT_SCHEMA = ? AND m.OBJECT_NAME = ? AND m.LOCK_STATUS = 'GRANTED' \
         AND t.TYPE = 'FOREGROUND' AND t.PROCESSLIST_ID <> CONNECTION_ID() LIMIT ?",
    )
    .bind(schema)
    .bind(table)
    .bind(HOLDERS_MAX)
    .fetch_all(connection)
    .await
    .during("lock holders")
}

/// A session that holds a metadata lock on a table, and what it runs.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TableHolder {
    /// The table, without the schema.
    pub locked: String,
    /// Who holds the lock.
    #[sqlx(flatten)]
    pub holder: Holder,
    /// The beginning of its statement; `None`: it runs none.
    pub statement: Option<String>,
}

/// Does the server watch metadata locks? If not, [`holders`] are none whatever is locked.
///
/// # Errors
/// [`StorageError::Server`] of class `PrivilegeMissing` without `SELECT` on the performance schema.
pub async fn are_watched(connection: &mut MySqlConnection) -> Result<bool, StorageError> {
    let watching: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM performance_schema.setup_instruments WHERE NAME = 'wait/lock/metadata/sql/mdl' AND ENABLED = 'YES'",
    )
    .fetch_one(connection)
    .await
    .during("watched locks")?;
    Ok(watching > 0)
}

/// May this user be told of them? By asking for none, since a role may allow it as well.
pub async fn may_be_told(connection: &mut MySqlConnection) -> Result<bool, StorageError> {
    let asked = sqlx::query_scalar::<_, i64>(
        "SELECT COUNT(*) FROM performance_schema.metadata_locks m JOIN performance_schema.threads t \
         ON t.THREAD_ID = m.OWNER_THREAD_ID JOIN performance_schema.setup_instruments i WHERE FALSE",
    )
    .fetch_one(connection)
    .await
    .during("lock holders");
    match asked {
        Ok(_) => Ok(true),
        Err(error) if error.class() == Some(ErrorClass::PrivilegeMissing) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The other sessions that hold a metadata lock on any table of a schema, by table, the longest first.
pub async fn holders_in(connection: &mut MySqlConnection, schema: &str) -> Result<Vec<TableHolder>, StorageError> {
    sqlx::query_as(
        "SELECT DISTINCT m.OBJECT_NAME AS locked, CAST(t.PROCESSLIST_ID AS UNSIGNED) AS connection, \
         COALESCE(t.PROCESSLIST_USER, '') AS user, COALESCE(t.PROCESSLIST_HOST, '') AS host, \
         CAST(COALESCE(t.PROCESSLIST_TIME, 0) AS SIGNED) AS secs, LEFT(t.PROCESSLIST_INFO, 500) AS statement \
         FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID \
         WHERE m.OBJECT_TYPE = 'TABLE' AND m.OBJECT_SCHEMA = ? AND m.LOCK_STATUS = 'GRANTED' \
         AND t.TYPE = 'FOREGROUND' AND t.PROCESSLIST_ID <> CONNECTION_ID() ORDER BY locked, secs DESC LIMIT ?",
    )
    .bind(schema)
    .bind(SCHEMA_HOLDERS_MAX)
    .fetch_all(connection)
    .await
    .during("lock holders")
}

/// Ends a session; one that has ended by itself is as good.
pub async fn kill(connection: &mut MySqlConnection, holder: &Holder) -> Result<(), StorageError> {
    match ddl::execute(connection, &dialect::kill(holder.connection)).await {
        Err(StorageError::Server { code: NO_SUCH_THREAD, .. }) => Ok(()),
        other => other.map(drop),
    }
}
