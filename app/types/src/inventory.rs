//! A history's partitions as the catalogues have them: pure data, what plans are made from.
//!
//! Invariant: an edge that cannot be read is [`Boundary::Unknown`], and nothing is ever dropped on its strength.

use crate::history::HistoryName;
use crate::holds::Hold;
use crate::{Month, ShardId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The upper edge of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Boundary {
    /// Rows created strictly before this instant.
    Before(DateTime<Utc>),
    /// Every row that no earlier partition takes.
    MaxValue,
    /// An edge that payhist cannot read, as the catalogue spells it.
    Unknown(String),
}

/// What a table is partitioned by (DESIGN §4); decides how edges are spelled. Columns count in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PartitionExpression {
    /// `RANGE COLUMNS (column)` on a DATETIME.
    RangeColumnsDatetime {
        /// The column.
        column: String,
    },
    /// `RANGE COLUMNS (column)` on a DATE.
    RangeColumnsDate {
        /// The column.
        column: String,
    },
    /// `RANGE (UNIX_TIMESTAMP(column))`.
    UnixTimestamp {
        /// The column.
        column: String,
    },
    /// `RANGE (TO_DAYS(column))`.
    ToDays {
        /// The column.
        column: String,
    },
    /// `RANGE (YEAR(column) * 100 + MONTH(column))`.
    YearMonth {
        /// The column.
        column: String,
    },
    /// Anything else, as the catalogue spells it: never touched.
    Unknown {
        /// The catalogue's words.
        raw: String,
    },
}

impl PartitionExpression {
    /// The column, where it is known.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::RangeColumnsDatetime { column }
            | Self::RangeColumnsDate { column }
            | Self::UnixTimestamp { column }
            | Self::ToDays { column }
            | Self::YearMonth { column } => Some(column),
            Self::Unknown { .. } => None,
        }
    }
}

/// One partition, as the catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its name; any name is possible in an adopted table.
    pub name: String,
    /// Its place, from 1.
    pub ordinal: u32,
    /// Its upper edge; the lower edge is the upper edge of the one before.
    pub upper: Boundary,
    /// Rows, as the engine estimates them.
    pub rows_estimate: u64,
    /// Data and indexes, in bytes.
    pub bytes: u64,
}

/// A table that holds, or will hold, what was exchanged out of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twin {
    /// Its name, in the schema of the partitioned table.
    pub name: String,
    /// The partition that it belongs to; `None`: it cannot be told.
    pub partition: Option<String>,
    /// The upper edge that the partition had when the twin was prepared; `None`: it has not been.
    pub before: Option<DateTime<Utc>>,
    /// How far it is.
    pub state: TwinState,
    /// Has it the columns that the partitioned table has?
    pub same_columns: bool,
    /// Rows, as the engine estimates them.
    pub rows_estimate: u64,
    /// Data and indexes, in bytes.
    pub bytes: u64,
}

/// How far a twin is, by its comment. Rows are counted up to [`ROWS_COUNTED_MAX`]; `None`: not counted, so unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TwinState {
    /// Created like the partitioned table, and not yet made fit for the exchange.
    Unfinished {
        /// Rows in the twin: there should be none.
        rows: Option<u64>,
    },
    /// Fit for the exchange.
    Prepared {
        /// Rows in the twin: there are some only if the exchange was done and not yet marked.
        rows: Option<u64>,
    },
    /// It holds the month.
    Quarantined {
        /// Rows that have come since into the partition that stayed.
        late_rows: Option<u64>,
    },
    /// A table that bears a twin's name and that payhist did not make.
    Foreign,
}

/// What carving held rows out of a table's months rests upon.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Carving {
    /// The table's columns, in order, but for those whose values the engine makes from others.
    pub columns: Vec<Column>,
    /// The table beside it that has the rows which were carved out.
    pub held: Option<HeldTable>,
}

/// A column whose values are copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Is it text, which the engine may call equal though it is not the same?
    pub is_text: bool,
    /// Its place in the primary key, if it is of it; where nothing is held, its place among the columns.
    pub key: Option<u32>,
}

impl Column {
    /// Is it of the primary key?
    pub const fn is_key(&self) -> bool {
        self.key.is_some()
    }

    /// Those of the primary key, in its order.
    pub fn key_of(columns: &[Self]) -> Vec<&Self> {
        let mut key: Vec<_> = columns.iter().filter(|column| column.is_key()).collect();
        key.sort_by_key(|column| column.key);
        key
    }
}

/// The table that has, or will have, the held rows of a table's months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTable {
    /// Its name, in the schema of the partitioned table.
    pub name: String,
    /// How far it is.
    pub state: HeldState,
    /// Has it the columns that the partitioned table has?
    pub same_columns: bool,
    /// Rows, as the engine estimates them.
    pub rows_estimate: u64,
    /// Data and indexes, in bytes.
    pub bytes: u64,
    /// Rows of expired months that no hold keeps any more, counted up to [`ROWS_COUNTED_MAX`]; `None`: not counted.
    pub released_rows: Option<u64>,
}

/// How far a held-rows table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldState {
    /// Created like the partitioned table, and still partitioned.
    Unfinished,
    /// Fit for rows, and marked as payhist's.
    Ready,
    /// A table that bears its name and that payhist did not make.
    Foreign,
}

/// How far rows of twins, late rows and rows of MAXVALUE partitions are counted for a plan.
pub const ROWS_COUNTED_MAX: u64 = 1_000;

/// A month that was restored from quarantine and is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The month.
    pub month: Month,
    /// Until when it is left alone.
    pub until: DateTime<Utc>,
}

/// A month of which there is a verified archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// The month.
    pub month: Month,
    /// The upper edge of the partition whose rows it has.
    pub before: DateTime<Utc>,
    /// The archive's name.
    pub target: String,
}

/// What was found where a shard's table should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TableState {
    /// A partitioned table.
    Partitioned {
        /// What it is partitioned by.
        expression: PartitionExpression,
        /// Its partitions by ordinal.
        partitions: Vec<Partition>,
        /// The tables beside it that hold quarantined months, or look as if they did.
        #[serde(default)]
        twins: Vec<Twin>,
        /// What carving held rows out rests upon.
        #[serde(default)]
        carving: Carving,
    },
    /// No such table.
    Missing,
    /// A table without partitions.
    NotPartitioned,
    /// The shard did not answer, or its catalogue could not be read.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The table is elsewhere than on the source that the configuration names, or there as well.
    Misplaced {
        /// The sources that have such a table.
        found_on: Vec<String>,
        /// The source that the configuration names.
        configured: String,
    },
}

impl TableState {
    /// Why there are no months to be seen, if so.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Partitioned { .. } => None,
            Self::Missing => Some("The table does not exist.".to_owned()),
            Self::NotPartitioned => Some("The table has no partitions.".to_owned()),
            Self::Unreadable { reason } => Some(reason.clone()),
            Self::Misplaced { found_on, .. } => Some(format!("The table is on {}.", found_on.join(" and on "))),
        }
    }
}

/// One shard of an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardInventory {
    /// The shard.
    pub shard: ShardId,
    /// Its table, without the schema.
    pub table: String,
    /// What was found.
    pub state: TableState,
    /// Its months that were restored, as payhist remembers.
    #[serde(default)]
    pub restored: Vec<Restored>,
    /// Rows of its MAXVALUE partition, counted up to [`ROWS_COUNTED_MAX`]; `None`: it has none, or they were not counted.
    #[serde(default)]
    pub max_value_rows: Option<u64>,
    /// Its months that are in a verified archive.
    #[serde(default)]
    pub archived: Vec<Archived>,
}

/// A history's partitions on every shard at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The history.
    pub history: HistoryName,
    /// Every shard of the route, in order.
    pub shards: Vec<ShardInventory>,
    /// The legal holds that have not ended; `None`: not read, so that anything may be held.
    #[serde(default)]
    pub holds: Option<Vec<Hold>>,
    /// When it was read.
    pub read_at: DateTime<Utc>,
}
