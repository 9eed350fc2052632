//! Legal holds as rows.
//!
//! Invariant: whoever places a hold locks its history first, as whoever destroys rows does (`crate::permit`): nothing is
//! being destroyed while it is placed, and nothing that it keeps is destroyed after.

use crate::error::{During, StorageError, expect_rows};
use crate::permit::lock_history;
use chrono::{DateTime, Utc};
use payhist_types::holds::{Deed, Hold, HoldScope};
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{FromRow, Row};

/// Ended holds in a list.
const ENDED_LISTED_MAX: u32 = 200;

/// A hold to be placed.
#[derive(Debug, Clone)]
pub struct NewHold {
    /// On what.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
    /// The case.
    pub case_number: String,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
}

struct Stored(Hold);

impl FromRow<'_, MySqlRow> for Stored {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let at = |column: &str| row.try_get::<Option<DateTime<Utc>>, _>(column);
        let deed = |by: &str, when: &str| {
            let by: Option<String> = row.try_get(by)?;
            Ok::<_, sqlx::Error>(by.zip(at(when)?).map(|(by, at)| Deed { by, at: at.fixed_offset() }))
        };
        let raw: String = row.try_get("scope")?;
        let placed_at: DateTime<Utc> = row.try_get("placed_at")?;
        Ok(Self(Hold {
            id: row.try_get("id")?,
            scope: serde_json::from_str(&raw).unwrap_or(HoldScope::Unknown { raw }),
            reason: row.try_get("reason")?,
            case_number: row.try_get("case_number")?,
            placed: Deed { by: row.try_get("placed_by")?, at: placed_at.fixed_offset() },
            until: at("until")?.map(|until| until.fixed_offset()),
            release_asked: deed("release_asked_by", "release_asked_at")?,
            release_reason: row.try_get("release_reason")?,
            released: deed("released_by", "released_at")?,
        }))
    }
}

/// The holds of a history that have not ended, oldest first.
pub async fn active(
    connection: &mut MySqlConnection,
    history_id: u64,
    now: DateTime<Utc>,
) -> Result<Vec<Hold>, StorageError> {
    let rows: Vec<Stored> = sqlx::query_as(
        "SELECT * FROM legal_hold WHERE history_id = ? AND released_at IS NULL AND (until IS NULL OR until > ?) ORDER BY id",
    )
    .bind(history_id)
    .bind(now)
    .fetch_all(connection)
    .await
    .during("holds")?;
    Ok(rows.into_iter().map(|Stored(hold)| hold).collect())
}

/// The holds of a history that have ended, newest first, at most [`ENDED_LISTED_MAX`].
pub async fn ended(
    connection: &mut MySqlConnection,
    history_id: u64,
    now: DateTime<Utc>,
) -> Result<Vec<Hold>, StorageError> {
    let rows: Vec<Stored> = sqlx::query_as(
        "SELECT * FROM legal_hold WHERE history_id = ? AND (released_at IS NOT NULL OR until <= ?) ORDER BY id DESC LIMIT ?",
    )
    .bind(history_id)
    .bind(now)
    .bind(ENDED_LISTED_MAX)
    .fetch_all(connection)
    .await
    .during("holds")?;
    Ok(rows.into_iter().map(|Stored(hold)| hold).collect())
}

/// One hold with the history that it is of, locked until the transaction ends.
pub async fn lock(connection: &mut MySqlConnection, id: u64) -> Result<Option<(u64, Hold)>, StorageError> {
    let row = sqlx::query("SELECT * FROM legal_hold WHERE id = ? FOR UPDATE")
        .bind(id)
        .fetch_optional(connection)
        .await
        .during("hold")?;
    row.map(|row| Ok((row.try_get("history_id").during("hold")?, Stored::from_row(&row).during("hold")?.0))).transpose()
}

/// Places a hold; answers its number.
pub async fn place(
    connection: &mut MySqlConnection,
    history_id: u64,
    hold: &NewHold,
    by: &str,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    lock_history(connection, history_id).await?;
    let scope = serde_json::to_string(&hold.scope).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    let inserted = sqlx::query(
        "INSERT INTO legal_hold (history_id, scope, reason, case_number, placed_by, placed_at, until) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(history_id)
    .bind(scope)
    .bind(&hold.reason)
    .bind(&hold.case_number)
    .bind(by)
    .bind(now)
    // A DateTime<Utc> is bound as a TIMESTAMP, which MariaDB 10.11 takes for NULL after 2038.
    .bind(hold.until.map(|until| until.naive_utc()))
    .execute(connection)
    .await
    .during("place hold")?;
    Ok(inserted.last_insert_id())
}

/// Remembers that somebody asks for the release.
pub async fn ask_release(
    connection: &mut MySqlConnection,
    id: u64,
    reason: &str,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let asked = sqlx::query(
        "UPDATE legal_hold SET release_reason = ?, release_asked_by = ?, release_asked_at = ? \
         WHERE id = ? AND release_asked_by IS NULL AND released_at IS NULL",
    )
    .bind(reason)
    .bind(by)
    .bind(now)
    .bind(id)
    .execute(connection)
    .await
    .during("ask release")?;
    expect_rows(&asked, 1, "ask release")
}

/// Ends a hold whose release somebody else asked for.
pub async fn release(
    connection: &mut MySqlConnection,
    id: u64,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let released = sqlx::query(
        "UPDATE legal_hold SET released_by = ?, released_at = ? WHERE id = ? AND released_at IS NULL AND release_asked_by <> ?",
    )
    .bind(by)
    .bind(now)
    .bind(id)
    .bind(by)
    .execute(connection)
    .await
    .during("release hold")?;
    expect_rows(&released, 1, "release hold")
}
