//! The wrapped keys of the persons in archives.
//!
//! Invariant: a person has one key at most in a history; what is deleted here cannot be made again.

use crate::dynamic;
use crate::error::{During, StorageError};
use chrono::{DateTime, Utc};
use payhist_types::UserId;
use sea_query::{Alias, Expr, ExprTrait, OnConflict, Query};
use sqlx::Row;
use sqlx::mysql::MySqlConnection;

/// A person's key, wrapped by the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its number, which never returns.
    pub id: u64,
    /// Whose.
    pub user: UserId,
    /// The wrapped bytes.
    pub wrapped: Vec<u8>,
}

/// Keys looked up or added by one statement.
pub const KEYS_MAX: usize = 4_096;

/// The keys of those users that have one; at most [`KEYS_MAX`] users.
pub async fn of_users(
    connection: &mut MySqlConnection,
    history_id: u64,
    users: &[UserId],
) -> Result<Vec<WrappedKey>, StorageError> {
    find(connection, history_id, "user_id", &users.iter().map(|user| user.0).collect::<Vec<_>>()).await
}

/// The keys of those numbers that still exist; at most [`KEYS_MAX`].
pub async fn of_ids(
    connection: &mut MySqlConnection,
    history_id: u64,
    ids: &[u64],
) -> Result<Vec<WrappedKey>, StorageError> {
    find(connection, history_id, "id", ids).await
}

async fn find(
    connection: &mut MySqlConnection,
    history_id: u64,
    column: &str,
    wanted: &[u64],
) -> Result<Vec<WrappedKey>, StorageError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Query::select();
    select
        .columns(["id", "user_id", "wrapped"].map(Alias::new))
        .from(Alias::new("archive_key"))
        .and_where(Expr::col(Alias::new("history_id")).eq(history_id))
        .and_where(Expr::col(Alias::new(column)).is_in(wanted.iter().copied()));
    let rows = dynamic::fetch_all(connection, "archive keys", &select).await?;
    rows.iter()
        .map(|row| Ok(WrappedKey { id: row.try_get(0)?, user: UserId(row.try_get(1)?), wrapped: row.try_get(2)? }))
        .collect::<Result<_, sqlx::Error>>()
        .during("archive keys")
}

/// Adds keys of users that have none; one who got one meanwhile keeps it. At most [`KEYS_MAX`] at once.
pub async fn add(
    connection: &mut MySqlConnection,
    history_id: u64,
    keys: &[(UserId, Vec<u8>)],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("archive_key"))
        .columns(["history_id", "user_id", "wrapped", "created_at"].map(Alias::new));
    for (user, wrapped) in keys {
        let values =
            [Expr::value(history_id), Expr::value(user.0), Expr::value(wrapped.clone()), Expr::value(now.naive_utc())];
        insert.values(values).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    }
    // Whoever has a key keeps it: the assignment changes nothing.
    insert.on_conflict(OnConflict::column(Alias::new("id")).update_column(Alias::new("id")).to_owned());
    dynamic::insert(connection, "add archive keys", &insert).await?;
    Ok(())
}

/// Destroys a person's key: no archive of the history tells who the person was any more. Answers whether there was one.
/// Backups and binary logs of the control database keep it for as long as they are kept.
pub async fn destroy(connection: &mut MySqlConnection, history_id: u64, user: UserId) -> Result<bool, StorageError> {
    let deleted = sqlx::query("DELETE FROM archive_key WHERE history_id = ? AND user_id = ?")
        .bind(history_id)
        .bind(user.0)
        .execute(connection)
        .await
        .during("destroy archive key")?;
    Ok(deleted.rows_affected() == 1)
}
