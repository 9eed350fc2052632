//! Exports as rows.
//!
//! Invariant: an export leaves `running` once, and only by whoever does the work. One whose heartbeat has stopped stays as
//! it is: who reads it tells that its process is gone.

use crate::error::{During, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use payhist_types::export::{ExportFormat, ExportScope, ExportState};
use payhist_types::payment::PaymentQuery;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{FromRow, Row};

/// Exports in a list.
const LISTED_MAX: u32 = 50;

/// An export that is begun.
#[derive(Debug, Clone)]
pub struct NewExport {
    /// Its history.
    pub history_id: u64,
    /// Who asked for it.
    pub started_by: String,
    /// Which payments.
    pub query: PaymentQuery,
    /// The file's format.
    pub format: ExportFormat,
    /// Why personal fields are in clear; `None`: they are masked.
    pub reveal_reason: Option<String>,
    /// What is to be read.
    pub scope: ExportScope,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Reads that are done.
    pub reads_done: u32,
    /// Rows in the file.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// How an export ended.
#[derive(Debug, Clone)]
pub struct End {
    /// Not `Running`.
    pub state: ExportState,
    /// How far it came.
    pub progress: Progress,
    /// Of the file, if it is complete.
    pub sha256: Option<String>,
    /// Why it is not.
    pub failure: Option<String>,
}

/// An export as stored.
#[derive(Debug, Clone)]
pub struct StoredExport {
    /// Row id.
    pub id: u64,
    /// What was asked for.
    pub asked: NewExport,
    /// How it stands, if its heart still beats; or how it ended.
    pub end: End,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// When whoever does the work last said so.
    pub heartbeat_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl FromRow<'_, MySqlRow> for StoredExport {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let unreadable = |what: &str| sqlx::Error::Decode(format!("the {what} of an export cannot be read").into());
        let text = |column: &str| row.try_get::<String, _>(column);
        Ok(Self {
            id: row.try_get("id")?,
            asked: NewExport {
                history_id: row.try_get("history_id")?,
                started_by: text("started_by")?,
                query: serde_json::from_str(&text("query")?).map_err(|_| unreadable("query"))?,
                format: text("format")?.parse().map_err(|_| unreadable("format"))?,
                reveal_reason: row.try_get("reveal_reason")?,
                scope: serde_json::from_str(&text("scope")?).map_err(|_| unreadable("scope"))?,
            },
            end: End {
                state: text("state")?.parse().map_err(|_| unreadable("state"))?,
                progress: Progress {
                    reads_done: row.try_get("reads_done")?,
                    rows: row.try_get("row_count")?,
                    bytes: row.try_get("bytes")?,
                },
                sha256: row.try_get("sha256")?,
                failure: row.try_get("failure")?,
            },
            started_at: row.try_get("started_at")?,
            heartbeat_at: row.try_get("heartbeat_at")?,
            finished_at: row.try_get("finished_at")?,
        })
    }
}

/// Records an export that is about to be made; answers its number.
pub async fn begin(
    connection: &mut MySqlConnection,
    export: &NewExport,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let NewExport { history_id, started_by, query, format, reveal_reason, scope } = export;
    let inserted = sqlx::query(
        "INSERT INTO export (history_id, started_by, query, format, reveal_reason, scope, state, started_at, heartbeat_at) \
         VALUES (?, ?, ?, ?, ?, ?, 'running', ?, ?)",
    )
    .bind(history_id)
    .bind(started_by)
    .bind(json(query)?)
    .bind(format.to_string())
    .bind(reveal_reason)
    .bind(json(scope)?)
    .bind(now)
    .bind(now)
    .execute(connection)
    .await
    .during("export.begin")?;
    Ok(inserted.last_insert_id())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Inconsistent(error.to_string()))
}

/// Says that an export is still being made, and how far it is; answers who wants it to end, if anybody does.
pub async fn beat(
    connection: &mut MySqlConnection,
    id: u64,
    progress: Progress,
    now: DateTime<Utc>,
) -> Result<Option<String>, StorageError> {
    sqlx::query(
        "UPDATE export SET reads_done = ?, row_count = ?, bytes = ?, heartbeat_at = ? WHERE id = ? AND state = 'running'",
    )
    .bind(progress.reads_done)
    .bind(progress.rows)
    .bind(progress.bytes)
    .bind(now)
    .bind(id)
    .execute(&mut *connection)
    .await
    .during("export.beat")?;
    sqlx::query_scalar("SELECT cancelled_by FROM export WHERE id = ?")
        .bind(id)
        .fetch_one(connection)
        .await
        .during("export.beat")
}

/// Records how an export ended.
pub async fn finish(
    connection: &mut MySqlConnection,
    id: u64,
    end: &End,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let updated = sqlx::query(
        "UPDATE export SET state = ?, reads_done = ?, row_count = ?, bytes = ?, sha256 = ?, failure = ?, finished_at = ?, \
         heartbeat_at = ? WHERE id = ? AND state = 'running'",
    )
    .bind(end.state.to_string())
    .bind(end.progress.reads_done)
    .bind(end.progress.rows)
    .bind(end.progress.bytes)
    .bind(&end.sha256)
    .bind(&end.failure)
    .bind(now)
    .bind(now)
    .bind(id)
    .execute(connection)
    .await
    .during("export.finish")?;
    expect_rows(&updated, 1, "export.finish")
}

/// Asks whoever makes an export to end it; false when it has ended, or somebody has asked already.
pub async fn ask_to_end(connection: &mut MySqlConnection, id: u64, by: &str) -> Result<bool, StorageError> {
    let asked =
        sqlx::query("UPDATE export SET cancelled_by = ? WHERE id = ? AND state = 'running' AND cancelled_by IS NULL")
            .bind(by)
            .bind(id)
            .execute(connection)
            .await
            .during("export.cancel")?;
    Ok(asked.rows_affected() == 1)
}

/// One export.
pub async fn find(connection: &mut MySqlConnection, id: u64) -> Result<Option<StoredExport>, StorageError> {
    sqlx::query_as("SELECT * FROM export WHERE id = ?").bind(id).fetch_optional(connection).await.during("export.find")
}

/// The exports of a history, newest first.
pub async fn list(connection: &mut MySqlConnection, history_id: u64) -> Result<Vec<StoredExport>, StorageError> {
    sqlx::query_as("SELECT * FROM export WHERE history_id = ? ORDER BY id DESC LIMIT ?")
        .bind(history_id)
        .bind(LISTED_MAX)
        .fetch_all(connection)
        .await
        .during("export.list")
}
