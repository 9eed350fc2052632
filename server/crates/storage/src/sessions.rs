//! Server-side sessions. Rows are keyed by a hash of the session's id, so that who reads the table cannot log in.

use crate::error::{During, StorageError, unless_taken};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::mysql::MySqlConnection;

fn key(id: &str) -> String {
    hex::encode(Sha256::digest(id))
}

/// Creates a session; false when the id is taken.
pub async fn create(
    connection: &mut MySqlConnection,
    id: &str,
    data: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let insert = sqlx::query("INSERT INTO session (id, data, expires_at) VALUES (?, ?, ?)")
        .bind(key(id))
        .bind(data)
        .bind(expires_at)
        .execute(connection)
        .await;
    Ok(unless_taken(insert, "create session")?.is_some())
}

/// Replaces a session's data and expiry. A session that was deleted meanwhile stays deleted.
pub async fn save(
    connection: &mut MySqlConnection,
    id: &str,
    data: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE session SET data = ?, expires_at = ? WHERE id = ?")
        .bind(data)
        .bind(expires_at)
        .bind(key(id))
        .execute(connection)
        .await
        .during("save session")?;
    Ok(())
}

/// A session that has not expired: its data and expiry.
pub async fn load(
    connection: &mut MySqlConnection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<(Vec<u8>, DateTime<Utc>)>, StorageError> {
    sqlx::query_as("SELECT data, expires_at FROM session WHERE id = ? AND expires_at > ?")
        .bind(key(id))
        .bind(now)
        .fetch_optional(connection)
        .await
        .during("load session")
}

/// Ends a session.
pub async fn delete(connection: &mut MySqlConnection, id: &str) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM session WHERE id = ?").bind(key(id)).execute(connection).await.during("delete session")?;
    Ok(())
}

/// Deletes expired sessions; answers how many there were.
pub async fn sweep(connection: &mut MySqlConnection, now: DateTime<Utc>) -> Result<u64, StorageError> {
    let result = sqlx::query("DELETE FROM session WHERE expires_at <= ? ORDER BY expires_at, id LIMIT 10000")
        .bind(now)
        .execute(connection)
        .await
        .during("sweep sessions")?;
    Ok(result.rows_affected())
}
