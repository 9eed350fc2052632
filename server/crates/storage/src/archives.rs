//! Archives of months as the control database knows them.
//!
//! Invariant: an archive is `verified` only after its file was read back, and stops being so before its month's rows may
//! change; a month is dropped only on the strength of a verified one.

use crate::error::{During, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use payhist_types::archive::ArchiveState;
use payhist_types::{Month, ShardId};
use sqlx::FromRow;
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};

/// What an archive is of, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The history's row id.
    pub history_id: u64,
    /// The shard.
    pub shard: ShardId,
    /// The month.
    pub month: Month,
    /// The shard's table.
    pub table: String,
    /// The upper edge of the month's partition.
    pub before: DateTime<Utc>,
    /// The name of an `[archive.NAME]`.
    pub target: String,
}

/// An archive as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredArchive {
    /// Row id.
    pub id: u64,
    /// What it is of, and where it is.
    pub place: Place,
    /// How it stands.
    pub state: ArchiveState,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// What it holds; `None` while it is being written.
    pub contents: Option<Contents>,
}

/// What a whole archive holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The key of its file.
    pub key: String,
    /// Rows.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Checksum of the rows.
    pub checksum: String,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
}

struct Read(StoredArchive);

impl<'r> FromRow<'r, MySqlRow> for Read {
    fn from_row(row: &'r MySqlRow) -> Result<Self, sqlx::Error> {
        let unreadable = |what: &str| sqlx::Error::Decode(format!("the {what} of an archive cannot be read").into());
        let key: Option<String> = row.try_get("object_key")?;
        let contents = |key| {
            Ok::<_, sqlx::Error>(Contents {
                key,
                rows: row.try_get("row_count")?,
                bytes: row.try_get("bytes")?,
                checksum: row.try_get("checksum")?,
                manifest_sha256: row.try_get("manifest_sha256")?,
            })
        };
        Ok(Self(StoredArchive {
            id: row.try_get("id")?,
            place: Place {
                history_id: row.try_get("history_id")?,
                shard: ShardId(row.try_get("shard")?),
                month: row.try_get::<String, _>("month")?.parse().map_err(|_| unreadable("month"))?,
                table: row.try_get("table_name")?,
                before: row.try_get("edge")?,
                target: row.try_get("target")?,
            },
            state: row.try_get::<String, _>("state")?.parse().map_err(|_| unreadable("state"))?,
            created_at: row.try_get("created_at")?,
            contents: key.map(contents).transpose()?,
        }))
    }
}

/// Records that an archive is about to be written, or takes up the one that a killed process left half written; answers
/// its number.
pub async fn begin(connection: &mut MySqlConnection, place: &Place, now: DateTime<Utc>) -> Result<u64, StorageError> {
    let left: Option<u64> = sqlx::query_scalar(
        "SELECT id FROM archive WHERE history_id = ? AND month = ? AND shard = ? AND table_name = ? AND edge = ? \
         AND target = ? AND state = 'writing' ORDER BY id LIMIT 1",
    )
    .bind(place.history_id)
    .bind(place.month.to_string())
    .bind(place.shard.0)
    .bind(&place.table)
    .bind(place.before)
    .bind(&place.target)
    .fetch_optional(&mut *connection)
    .await
    .during("begin archive")?;
    if let Some(id) = left {
        return Ok(id);
    }
    let inserted = sqlx::query(
        "INSERT INTO archive (history_id, shard, month, table_name, edge, target, state, created_at) \
         VALUES (?, ?, ?, ?, ?, ?, 'writing', ?)",
    )
    .bind(place.history_id)
    .bind(place.shard.0)
    .bind(place.month.to_string())
    .bind(&place.table)
    .bind(place.before)
    .bind(&place.target)
    .bind(now)
    .execute(connection)
    .await
    .during("begin archive")?;
    Ok(inserted.last_insert_id())
}

/// Records that an archive is whole and was read back.
pub async fn verified(
    connection: &mut MySqlConnection,
    id: u64,
    contents: &Contents,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let updated = sqlx::query(
        "UPDATE archive SET state = 'verified', object_key = ?, row_count = ?, bytes = ?, checksum = ?, \
         manifest_sha256 = ?, verified_at = ? WHERE id = ? AND state = 'writing'",
    )
    .bind(&contents.key)
    .bind(contents.rows)
    .bind(contents.bytes)
    .bind(&contents.checksum)
    .bind(&contents.manifest_sha256)
    .bind(now)
    .bind(id)
    .execute(connection)
    .await
    .during("archive verified")?;
    expect_rows(&updated, 1, "archive verified")
}

/// Records that the rows of a shard's month are about to change, or have: its archives are good for no drop any more.
pub async fn outdate(
    connection: &mut MySqlConnection,
    history_id: u64,
    shard: ShardId,
    month: Month,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE archive SET state = 'stale' WHERE history_id = ? AND month = ? AND shard = ? AND state = 'verified'",
    )
    .bind(history_id)
    .bind(month.to_string())
    .bind(shard.0)
    .execute(connection)
    .await
    .during("outdate archive")?;
    Ok(())
}

/// Records how far the deletion of an archive is.
pub async fn deletion(connection: &mut MySqlConnection, id: u64, state: ArchiveState) -> Result<(), StorageError> {
    let updated = sqlx::query("UPDATE archive SET state = ? WHERE id = ? AND state NOT IN ('writing', 'deleted')")
        .bind(state.to_string())
        .bind(id)
        .execute(connection)
        .await
        .during("delete archive")?;
    // An archive whose deletion was begun already stays as it is: MySQL and MariaDB count no row then.
    if state == ArchiveState::Deleting { Ok(()) } else { expect_rows(&updated, 1, "delete archive") }
}

/// The archives of a history, or of one of its months, oldest month first.
pub async fn list(
    connection: &mut MySqlConnection,
    history_id: u64,
    month: Option<Month>,
) -> Result<Vec<StoredArchive>, StorageError> {
    let month = month.map(|month| month.to_string());
    let rows: Vec<Read> = sqlx::query_as(
        "SELECT id, history_id, shard, month, table_name, edge, target, state, created_at, object_key, row_count, bytes, \
         checksum, manifest_sha256 FROM archive WHERE history_id = ? AND (? IS NULL OR month = ?) \
         ORDER BY month, shard, id",
    )
    .bind(history_id)
    .bind(month.as_deref())
    .bind(month.as_deref())
    .fetch_all(connection)
    .await
    .during("archives")?;
    Ok(rows.into_iter().map(|Read(archive)| archive).collect())
}
