//! Kept sums of closed months, one for each shard and month.
//!
//! Invariant: figures are kept only if the month's version is still what it was before they were counted ([`keep`]), and
//! whatever changes rows of a month raises it before ([`outdate`]). So an outdating is never overwritten.

mod cells;
mod touched;

pub use cells::{DayKey, MonthKey, Sum, Tally};
pub use touched::{Touched, touched};

use crate::error::{During, StorageError};
use chrono::{DateTime, Utc};
use payhist_types::{Month, ShardId};
use sqlx::mysql::MySqlConnection;
use std::collections::BTreeMap;

/// Which cells are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Those of whole months.
    pub whole: bool,
    /// Those of days.
    pub days: bool,
}

/// What is known of a month of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Raised by each change that payhist made, or was about to make.
    pub version: u64,
    /// What was kept last.
    pub kept: Option<Kept>,
}

/// Kept figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Of which version.
    pub version: u64,
    /// What they are of: table, columns, route and edges. Of anything else they say nothing.
    pub basis: String,
    /// When they were counted, by payhist's clock.
    pub counted_at: DateTime<Utc>,
    /// The same by the source's clock.
    pub source_time: DateTime<Utc>,
    /// The cells that were asked for.
    pub tally: Tally,
}

impl Known {
    /// The kept figures, if nothing that payhist did has outdated them.
    pub fn current(&self) -> Option<&Kept> {
        self.kept.as_ref().filter(|kept| kept.version == self.version)
    }
}

/// One month of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The history's row id.
    pub history_id: u64,
    /// The month.
    pub month: Month,
    /// The shard.
    pub shard: ShardId,
}

/// Says that rows of a month of a shard are about to change: what was kept of it holds no more, and nothing that is being
/// counted now is kept.
///
/// To be called before they change, and while holding the history's lease `rotation.NAME` or `import.NAME`: nobody keeps
/// figures that were counted meanwhile. Without such a lease, to be called after they have changed as well.
pub async fn outdate(
    connection: &mut MySqlConnection,
    history_id: u64,
    shard: ShardId,
    month: Month,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO summary (history_id, shard, month, version) VALUES (?, ?, ?, 1) \
         ON DUPLICATE KEY UPDATE version = version + 1",
    )
    .bind(history_id)
    .bind(shard.0)
    .bind(month.to_string())
    .execute(connection)
    .await
    .during("outdate summary")?;
    Ok(())
}

/// Keeps figures, unless the month was outdated since its version was read, or somebody else kept later ones; answers
/// whether it did.
pub async fn keep(connection: &mut MySqlConnection, place: Place, kept: &Kept) -> Result<bool, StorageError> {
    let Place { history_id, month, shard } = place;
    let whole = cells::write_whole(&kept.tally.whole)?;
    let days = cells::write_days(&kept.tally.days)?;
    sqlx::query(
        "INSERT INTO summary (history_id, shard, month, version) VALUES (?, ?, ?, 0) \
         ON DUPLICATE KEY UPDATE version = version",
    )
    .bind(history_id)
    .bind(shard.0)
    .bind(month.to_string())
    .execute(&mut *connection)
    .await
    .during("keep summary")?;
    let updated = sqlx::query(
        "UPDATE summary SET kept_version = version, basis = ?, counted_at = ?, source_time = ?, month_cells = ?, \
         day_cells = ? WHERE history_id = ? AND month = ? AND shard = ? AND version = ? \
         AND (kept_version IS NULL OR kept_version < version OR counted_at <= ?)",
    )
    .bind(&kept.basis)
    .bind(kept.counted_at)
    .bind(kept.source_time)
    .bind(whole)
    .bind(days)
    .bind(history_id)
    .bind(month.to_string())
    .bind(shard.0)
    .bind(kept.version)
    .bind(kept.counted_at)
    .execute(connection)
    .await
    .during("keep summary")?;
    Ok(updated.rows_affected() == 1) // rows found, not rows changed: sqlx sets CLIENT_FOUND_ROWS
}

type Stored = (
    u16,
    String,
    u64,
    Option<u64>,
    Option<String>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<String>,
    Option<String>,
);

/// What is known of a range of months. What is not in the answer was never kept, and has version 0.
pub async fn list(
    connection: &mut MySqlConnection,
    history_id: u64,
    (first, last): (Month, Month),
    wanted: Wanted,
) -> Result<BTreeMap<(ShardId, Month), Known>, StorageError> {
    let rows: Vec<Stored> = sqlx::query_as(
        "SELECT shard, month, version, kept_version, basis, counted_at, source_time, IF(?, month_cells, NULL), \
         IF(?, day_cells, NULL) FROM summary WHERE history_id = ? AND month BETWEEN ? AND ?",
    )
    .bind(wanted.whole)
    .bind(wanted.days)
    .bind(history_id)
    .bind(first.to_string())
    .bind(last.to_string())
    .fetch_all(connection)
    .await
    .during("summaries")?;
    rows.into_iter().map(known).collect()
}

/// The time by the clock of a source.
pub async fn source_time(connection: &mut MySqlConnection) -> Result<DateTime<Utc>, StorageError> {
    sqlx::query_scalar("SELECT NOW(6)").fetch_one(connection).await.during("source time")
}

/// The oldest month of which figures are kept.
pub async fn oldest(connection: &mut MySqlConnection, history_id: u64) -> Result<Option<Month>, StorageError> {
    let oldest: Option<String> =
        sqlx::query_scalar("SELECT MIN(month) FROM summary WHERE history_id = ? AND kept_version IS NOT NULL")
            .bind(history_id)
            .fetch_one(connection)
            .await
            .during("oldest summary")?;
    oldest.map(|month| month_of(&month)).transpose()
}

fn month_of(text: &str) -> Result<Month, StorageError> {
    text.parse().map_err(|_| StorageError::Inconsistent(format!("a summary of the month {text:?}")))
}

fn known(
    (shard, month, version, kept_version, basis, counted_at, source_time, whole, days): Stored,
) -> Result<((ShardId, Month), Known), StorageError> {
    let kept = match (kept_version, basis, counted_at, source_time) {
        (Some(version), Some(basis), Some(counted_at), Some(source_time)) => {
            let whole = whole.as_deref().map(cells::read_whole).transpose()?.unwrap_or_default();
            let days = days.as_deref().map(cells::read_days).transpose()?.unwrap_or_default();
            Some(Kept { version, basis, counted_at, source_time, tally: Tally { whole, days } })
        }
        _ => None,
    };
    Ok(((ShardId(shard), month_of(&month)?), Known { version, kept }))
}
