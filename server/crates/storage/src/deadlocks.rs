//! Captured deadlocks: the servers' reports, kept once each.

use crate::error::{During, StorageError, unless_taken};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use sqlx::mysql::MySqlConnection;

/// A deadlock to be kept.
#[derive(Debug, Clone)]
pub struct NewDeadlock<'a> {
    /// The source.
    pub source: &'a str,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Deadlocks alike share it.
    pub signature: &'a str,
    /// Tables involved, comma-separated.
    pub tables: &'a str,
    /// How many transactions.
    pub transactions: u32,
    /// The parsed report as JSON, if it could be parsed.
    pub report: Option<String>,
    /// The server's text.
    pub text: &'a str,
}

/// A captured deadlock.
#[derive(Debug, Clone, FromRow)]
pub struct StoredDeadlock {
    /// Row id.
    pub id: u64,
    /// The source.
    pub source: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Deadlocks alike share it.
    pub signature: String,
    /// Tables involved, comma-separated.
    pub tables_named: String,
    /// How many transactions.
    pub transactions: u32,
    /// The parsed report as JSON.
    pub report: Option<String>,
    /// The server's text.
    pub report_text: String,
}

/// Keeps a deadlock; false when this very report is kept already: a server shows its latest until the next one.
pub async fn keep(
    connection: &mut MySqlConnection,
    deadlock: &NewDeadlock<'_>,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let insert = sqlx::query(
        "INSERT INTO deadlock (source, occurred_at, captured_at, report_hash, signature, tables_named, transactions, report, report_text) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(deadlock.source)
    .bind(deadlock.occurred_at)
    .bind(now)
    .bind(hex::encode(Sha256::digest(deadlock.text)))
    .bind(deadlock.signature)
    .bind(deadlock.tables)
    .bind(deadlock.transactions)
    .bind(&deadlock.report)
    .bind(deadlock.text)
    .execute(connection)
    .await;
    Ok(unless_taken(insert, "keep deadlock")?.is_some())
}

/// The newest deadlocks.
pub async fn newest(connection: &mut MySqlConnection, limit: u32) -> Result<Vec<StoredDeadlock>, StorageError> {
    sqlx::query_as(
        "SELECT id, source, occurred_at, signature, tables_named, transactions, report, report_text FROM deadlock \
         ORDER BY occurred_at DESC, id DESC LIMIT ?",
    )
    .bind(limit)
    .fetch_all(connection)
    .await
    .during("deadlocks")
}

/// One deadlock.
pub async fn find(connection: &mut MySqlConnection, id: u64) -> Result<Option<StoredDeadlock>, StorageError> {
    sqlx::query_as(
        "SELECT id, source, occurred_at, signature, tables_named, transactions, report, report_text FROM deadlock WHERE id = ?",
    )
    .bind(id)
    .fetch_optional(connection)
    .await
    .during("deadlock")
}

/// How many happened since then.
pub async fn count_since(connection: &mut MySqlConnection, since: DateTime<Utc>) -> Result<u64, StorageError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM deadlock WHERE occurred_at >= ?")
        .bind(since)
        .fetch_one(connection)
        .await
        .during("deadlocks")?;
    Ok(count.unsigned_abs())
}
