//! The months that were restored from quarantine, and until when they are left alone.

use crate::error::{During, StorageError};
use chrono::{DateTime, Utc};
use payhist_types::ShardId;
use payhist_types::inventory::Restored;
use sqlx::mysql::MySqlConnection;

/// Remembers that a month of a shard is left alone; a later date replaces an earlier one, never the other way round.
pub async fn remember(
    connection: &mut MySqlConnection,
    history_id: u64,
    shard: ShardId,
    restored: Restored,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO restored_month (history_id, shard, month, until, restored_by, restored_at) VALUES (?, ?, ?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE until = GREATEST(until, VALUES(until)), restored_by = VALUES(restored_by), restored_at = VALUES(restored_at)",
    )
    .bind(history_id)
    .bind(shard.0)
    .bind(restored.month.to_string())
    .bind(restored.until)
    .bind(by)
    .bind(now)
    .execute(connection)
    .await
    .during("remember restored")?;
    Ok(())
}

/// All of a history that are still left alone.
pub async fn current(
    connection: &mut MySqlConnection,
    history_id: u64,
    now: DateTime<Utc>,
) -> Result<Vec<(ShardId, Restored)>, StorageError> {
    let rows: Vec<(u16, String, DateTime<Utc>)> =
        sqlx::query_as("SELECT shard, month, until FROM restored_month WHERE history_id = ? AND until > ?")
            .bind(history_id)
            .bind(now)
            .fetch_all(connection)
            .await
            .during("restored months")?;
    rows.into_iter()
        .map(|(shard, month, until)| {
            let month = month.parse().map_err(|_| StorageError::Inconsistent(format!("restored month {month:?}")))?;
            Ok((ShardId(shard), Restored { month, until }))
        })
        .collect()
}
