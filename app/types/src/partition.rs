//! The partition map: shards as rows, months as columns.

use crate::error::{ApiError, ErrorKind};
use crate::findings::{Finding, Runway};
use crate::holds::NotCounted;
use crate::{Month, ShardId, history::Switches};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// The state of one month on one shard (DESIGN §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MonthState {
    /// No partition covers exactly this month.
    Missing,
    /// Made ahead, its month has not begun.
    Future,
    /// The running month.
    Open,
    /// Past and within retention.
    Closed,
    /// Past its retention: the next allowed drop takes it.
    Expiring,
    /// Taken out into a table of its own until its final drop; `partitions restore` brings it back.
    Quarantined,
    /// Brought back from quarantine, and left alone for a while.
    Restored,
    /// A partition is here whose edges are not this month's: never dropped.
    Irregular,
}

/// What became of one shard's month when it was to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RestoreOutcome {
    /// Its rows are back in its partition.
    Restored,
    /// It was not in quarantine: its rows are, or were put back earlier, in its partition.
    AlreadyThere,
    /// The shard has neither partition nor quarantine of the month.
    NotThere,
    /// It could not be restored; nothing is lost, and the command may be repeated.
    Failed,
}

/// One shard of a restoration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRestored {
    /// The shard.
    pub shard: ShardId,
    /// Its table.
    pub table: String,
    /// What became of it.
    pub outcome: RestoreOutcome,
    /// Rows of the month, counted, late ones included.
    pub rows: u64,
    /// Of these, rows that had come late.
    pub late_rows: u64,
    /// Why it failed.
    pub detail: Option<String>,
}

/// A month brought back from quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoration {
    /// Which history.
    pub history: String,
    /// Which month.
    pub month: Month,
    /// Until when no run takes it away again.
    pub until: DateTime<FixedOffset>,
    /// Each shard that was asked for.
    pub shards: Vec<ShardRestored>,
}

impl Restoration {
    /// Refuses to call a restoration done of which a shard failed.
    ///
    /// # Errors
    /// `Refused`, naming each shard that failed and why.
    pub fn complete(&self) -> Result<(), ApiError> {
        let failed = self.shards.iter().filter(|shard| shard.outcome == RestoreOutcome::Failed);
        let words = |shard: &ShardRestored| format!("{}: {}", shard.table, shard.detail.as_deref().unwrap_or("failed"));
        let failed: Vec<_> = failed.map(words).collect();
        if failed.is_empty() {
            return Ok(());
        }
        let message = format!("Not every shard of {} was restored; try again. {}", self.month, failed.join("; "));
        Err(ApiError::new(ErrorKind::Refused, message))
    }
}

/// One cell of the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapCell {
    /// The month.
    pub month: Month,
    /// Its state on this shard.
    pub state: MonthState,
    /// The partition's name, when there is one.
    pub partition: Option<String>,
    /// The engine's estimate of its rows.
    pub rows_estimate: u64,
    /// Data and index bytes.
    pub bytes: u64,
    /// Numbers of the legal holds on this month, or on the whole history.
    pub holds: Vec<u64>,
    /// Numbers of the legal holds on users and orders that have rows in it.
    #[serde(default)]
    pub held_rows: Vec<u64>,
    /// Is it in a verified archive?
    #[serde(default)]
    pub archived: bool,
}

/// One shard of the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapRow {
    /// The shard.
    pub shard: ShardId,
    /// Its table.
    pub table: String,
    /// Its source.
    pub source: String,
    /// One cell per month of [`PartitionMap::months`], in the same order; empty when the table is unreadable.
    pub cells: Vec<MapCell>,
    /// Why the table could not be read, if so.
    pub problem: Option<String>,
}

/// The partition map of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionMap {
    /// Which history.
    pub history: String,
    /// Business zone that defines the months.
    pub zone: String,
    /// All months shown, oldest first.
    pub months: Vec<Month>,
    /// The running month.
    pub current: Month,
    /// Months before this one are past retention; `None` keeps everything.
    pub retained_from: Option<Month>,
    /// One row per shard.
    pub rows: Vec<MapRow>,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// How far ahead each shard is.
    pub runway: Vec<Runway>,
    /// Shards on which the rows of held users or orders were not counted: [`MapCell::held_rows`] may lack some there.
    #[serde(default)]
    pub held_rows_not_counted: Vec<NotCounted>,
    /// What may be done.
    pub switches: Switches,
    /// Months to be ready ahead of the running one; `None`: payhist adds none by itself.
    pub premake_months: Option<u16>,
    /// Months kept after the running one, if bounded.
    pub retention_months: Option<u16>,
    /// When the catalogue was read.
    pub read_at: DateTime<FixedOffset>,
}
