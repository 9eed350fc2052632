//! The partition map: shards as rows, months as columns.

use crate::plan::{Finding, Runway};
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
    /// A partition is here whose edges are not this month's: never dropped.
    Irregular,
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
    /// What may be done.
    pub switches: Switches,
    /// Months to be ready ahead of the running one; `None`: payhist adds none by itself.
    pub premake_months: Option<u16>,
    /// Months kept after the running one, if bounded.
    pub retention_months: Option<u16>,
    /// When the catalogue was read.
    pub read_at: DateTime<FixedOffset>,
}
