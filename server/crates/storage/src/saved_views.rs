//! Saved views as rows.

use crate::error::{During, StorageError};
use chrono::{DateTime, Utc};
use payhist_types::view::SavedView;
use sqlx::FromRow;
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};

struct Stored(SavedView);

impl FromRow<'_, MySqlRow> for Stored {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self(SavedView {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            owner: row.try_get("owner")?,
            shared: row.try_get("shared")?,
            address: row.try_get("address")?,
        }))
    }
}

/// Somebody's own views and those that others share, by name.
pub async fn seen_by(connection: &mut MySqlConnection, owner: &str) -> Result<Vec<SavedView>, StorageError> {
    let rows: Vec<Stored> = sqlx::query_as(
        "SELECT id, name, owner, shared, address FROM saved_view WHERE owner = ? OR shared ORDER BY name, id",
    )
    .bind(owner)
    .fetch_all(connection)
    .await
    .during("views")?;
    Ok(rows.into_iter().map(|Stored(view)| view).collect())
}

/// Keeps a view; one of the same owner and name is replaced.
pub async fn save(
    connection: &mut MySqlConnection,
    owner: &str,
    name: &str,
    shared: bool,
    address: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO saved_view (owner, name, shared, address, created_at) VALUES (?, ?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE shared = VALUES(shared), address = VALUES(address)",
    )
    .bind(owner)
    .bind(name)
    .bind(shared)
    .bind(address)
    .bind(now)
    .execute(connection)
    .await
    .during("save view")?;
    Ok(())
}

/// Forgets somebody's view; answers its name, or `None` when it is not theirs or gone.
pub async fn forget(connection: &mut MySqlConnection, owner: &str, id: u64) -> Result<Option<String>, StorageError> {
    let name: Option<String> = sqlx::query_scalar("SELECT name FROM saved_view WHERE id = ? AND owner = ? FOR UPDATE")
        .bind(id)
        .bind(owner)
        .fetch_optional(&mut *connection)
        .await
        .during("forget view")?;
    if name.is_some() {
        let delete = sqlx::query("DELETE FROM saved_view WHERE id = ?").bind(id);
        delete.execute(connection).await.during("forget view")?;
    }
    Ok(name)
}
