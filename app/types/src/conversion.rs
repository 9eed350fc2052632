//! The conversion of tables without partitions: its plan, and what it did.

use crate::ShardId;
use crate::history::HistoryName;
use crate::plan::{NewMonth, PlanHash};
use serde::{Deserialize, Serialize};

/// What a conversion would do with a history's tables. Frozen when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionPlan {
    /// The history.
    pub history: HistoryName,
    /// Of everything that decides what would be done.
    pub hash: PlanHash,
    /// It was begun, and is neither finished nor given up.
    pub begun: bool,
    /// Every shard's table.
    pub tables: Vec<TablePlan>,
}

/// What a conversion would do with one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePlan {
    /// The shard.
    pub shard: ShardId,
    /// Its table.
    pub table: String,
    /// Conversions of the history that were begun before this one: shadow and triggers are called after it, so that no
    /// statement of an earlier one, however late, meets those of this one.
    #[serde(default)]
    pub earlier: u64,
    /// Why it is left as it is.
    pub left_alone: Option<LeftAlone>,
    /// What the operator should know before.
    pub notes: Vec<String>,
    /// How it will be partitioned; `None`: it is left alone.
    pub conversion: Option<Conversion>,
    /// The statements in their order; those of a chunk without its edges.
    pub sql: Vec<String>,
    /// About how many rows there are to copy.
    pub rows_estimate: u64,
}

/// Why a table is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftAlone {
    /// It has partitions.
    Partitioned,
    /// It cannot be converted safely: each obstacle.
    Obstacles(Vec<String>),
}

/// How a table will be partitioned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// The partition column.
    pub time: String,
    /// Its type, e.g. `datetime(6)`.
    pub time_type: String,
    /// The months, ascending, without a gap.
    pub months: Vec<NewMonth>,
    /// The columns of the primary key as it is.
    pub key: Vec<KeyColumn>,
    /// The primary key gets the partition column as its last.
    pub widens_key: bool,
    /// The columns that are written, in order: all but the generated ones.
    pub written: Vec<String>,
    /// All columns, in order.
    pub columns: Vec<String>,
}

/// A column of the primary key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyColumn {
    /// Its name.
    pub name: String,
    /// How its values are written.
    pub kind: KeyKind,
}

/// How the values of a key's column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// As a number; as text the engines would compare it as a float.
    Number,
    /// As text.
    Text,
    /// As hexadecimal digits.
    Bytes,
}

/// What became of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ConversionOutcome {
    /// The table has partitions; the one before is kept under another name.
    Converted,
    /// It had partitions already.
    AlreadyPartitioned,
    /// It cannot be converted safely; nothing was changed.
    Refused,
    /// It stopped under way: the table is as it was, and the same command goes on.
    Failed,
    /// The conversion was given up: the table is as it was, without triggers and shadow.
    GivenUp,
}

/// What became of one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardConverted {
    /// The shard.
    pub shard: ShardId,
    /// Its table.
    pub table: String,
    /// How it ended.
    pub outcome: ConversionOutcome,
    /// Rows that were compared, by count and checksum, before the tables changed places.
    pub rows: u64,
    /// Where the table as it was is kept.
    pub kept_as: Option<String>,
    /// Why not, if not.
    pub detail: Option<String>,
}
