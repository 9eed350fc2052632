//! Leases with fencing tokens: the one right to do a thing, for a while.
//!
//! Invariant: the token grows with each taking. A holder that was paused for too long finds its token outdated
//! before its next step ([`renew`] answers false), and stops.

use crate::error::{During, StorageError};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::mysql::MySqlConnection;

/// Takes the lease if nobody holds it; answers the new fencing token.
pub async fn take(
    connection: &mut MySqlConnection,
    name: &str,
    owner: &str,
    term: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<u64>, StorageError> {
    sqlx::query("INSERT INTO lease (name) VALUES (?) ON DUPLICATE KEY UPDATE name = name")
        .bind(name)
        .execute(&mut *connection)
        .await
        .during("take lease")?;
    let taken = sqlx::query(
        "UPDATE lease SET owner = ?, expires_at = ?, fencing_token = LAST_INSERT_ID(fencing_token + 1) \
         WHERE name = ? AND (expires_at IS NULL OR expires_at <= ?)",
    )
    .bind(owner)
    .bind(now + term)
    .bind(name)
    .bind(now)
    .execute(connection)
    .await
    .during("take lease")?;
    Ok((taken.rows_affected() == 1).then(|| taken.last_insert_id()))
}

/// Extends a lease; false when somebody else has taken it since.
pub async fn renew(
    connection: &mut MySqlConnection,
    name: &str,
    token: u64,
    term: TimeDelta,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let renewed =
        sqlx::query("UPDATE lease SET expires_at = ? WHERE name = ? AND fencing_token = ? AND owner IS NOT NULL")
            .bind(now + term)
            .bind(name)
            .bind(token)
            .execute(connection)
            .await
            .during("renew lease")?;
    Ok(renewed.rows_affected() == 1) // rows found, not rows changed: sqlx sets CLIENT_FOUND_ROWS
}

/// Is this still the newest token of a lease that was not given back? For steps that prove their right before they
/// commit; [`renew`] costs a durable write.
pub async fn is_held(connection: &mut MySqlConnection, name: &str, token: u64) -> Result<bool, StorageError> {
    let newest: Option<u64> =
        sqlx::query_scalar("SELECT fencing_token FROM lease WHERE name = ? AND owner IS NOT NULL")
            .bind(name)
            .fetch_optional(connection)
            .await
            .during("lease held")?;
    Ok(newest == Some(token))
}

/// Gives a lease back; nothing happens when it is no longer ours.
pub async fn release(connection: &mut MySqlConnection, name: &str, token: u64) -> Result<(), StorageError> {
    sqlx::query("UPDATE lease SET owner = NULL, expires_at = NULL WHERE name = ? AND fencing_token = ?")
        .bind(name)
        .bind(token)
        .execute(connection)
        .await
        .during("release lease")?;
    Ok(())
}

/// Who holds the lease now, if anybody.
pub async fn holder(
    connection: &mut MySqlConnection,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, StorageError> {
    sqlx::query_scalar("SELECT owner FROM lease WHERE name = ? AND owner IS NOT NULL AND expires_at > ?")
        .bind(name)
        .bind(now)
        .fetch_optional(connection)
        .await
        .during("lease holder")
}
