//! Archives of months: what one says of itself, and what became of verifying or restoring it.

use crate::history::{HistoryName, Policy};
use crate::{Month, ShardId};
use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a column's values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ColumnKind {
    /// An unsigned integer: Parquet `UINT_64`.
    Unsigned,
    /// A signed integer: Parquet `INT_64`.
    Signed,
    /// Exact: Parquet `DECIMAL` of 16 bytes.
    Decimal {
        /// Digits.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// An instant: Parquet `TIMESTAMP`, microseconds, UTC.
    Timestamp,
    /// A day: Parquet `DATE`.
    Date,
    /// UTF-8: Parquet `STRING`.
    Text,
    /// Bytes.
    Binary,
}

/// A column of an archived table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// How its values are kept.
    #[serde(flatten)]
    pub kind: ColumnKind,
    /// May it be NULL?
    pub nullable: bool,
}

/// An unscaled decimal with its point, e.g. `-0.0001` for -1 of scale 4.
pub fn decimal_text(unscaled: i128, scale: u8) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if unscaled < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// What identifies a set of rows, whatever their order: equal tallies mean equal rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows.
    pub rows: u64,
    /// Sum of the amounts by currency, exact.
    pub sums: BTreeMap<String, String>,
    /// 64 hexadecimal digits: the SHA-256 digests of all rows, personal columns in clear, added up as four 64-bit
    /// numbers.
    pub checksum: String,
}

/// The file with the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFile {
    /// Its key in the target.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// What stands beside an archive's file; an archive without it is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format: 1.
    pub version: u32,
    /// Whose rows.
    pub history: HistoryName,
    /// Of which shard.
    pub shard: ShardId,
    /// Of which month.
    pub month: Month,
    /// The shard's table.
    pub table: String,
    /// The month's partition.
    pub partition: String,
    /// The partition's lower edge; `None`: it was the table's first.
    pub from: Option<DateTime<Utc>>,
    /// The partition's upper edge.
    pub before: DateTime<Utc>,
    /// The policy that asked for it.
    pub policy: Policy,
    /// When it was made.
    pub archived_at: DateTime<Utc>,
    /// The table's columns, in order.
    pub columns: Vec<Column>,
    /// Those of them that are encrypted with a key per person.
    pub encrypted: Vec<String>,
    /// The rows.
    pub tally: Tally,
    /// The file.
    pub file: ArchiveFile,
}

/// One archive of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Its number.
    pub id: u64,
    /// The history.
    pub history: String,
    /// The shard.
    pub shard: ShardId,
    /// The month.
    pub month: Month,
    /// The shard's table.
    pub table: String,
    /// Where it is: the name of an `[archive.NAME]`.
    pub target: String,
    /// The key of its Parquet file there.
    pub key: String,
    /// How it stands.
    pub state: ArchiveState,
    /// Rows.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// When it was begun.
    pub created_at: DateTime<FixedOffset>,
}

/// How an archive stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ArchiveState {
    /// Being written, or left half written by a process that was killed: no archive.
    Writing,
    /// Whole, and read back.
    Verified,
    /// Whole, but rows came or went since: the month is archived again before it is dropped.
    Stale,
    /// Its deletion was begun: good for nothing any more.
    Deleting,
    /// Its file is gone.
    Deleted,
}

/// What became of reading an archive back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The archive.
    pub archive: Archive,
    /// Rows read.
    pub rows: u64,
    /// Of these, rows of persons whose key was destroyed: their personal columns cannot be read by anybody.
    pub unreadable_rows: u64,
    /// What is wrong with it; `None`: nothing.
    pub problem: Option<String>,
}

/// An archive that was to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveDeleted {
    /// The archive.
    pub archive: Archive,
    /// Why it is not gone; `None`: it is.
    pub problem: Option<String>,
}

/// A shard of an archived month that was restored to a table of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveRestored {
    /// The archive.
    pub archive: Archive,
    /// The table with its rows, in the schema of the shard's table.
    pub table: String,
    /// Rows in it.
    pub rows: u64,
    /// Of these, rows whose personal columns are NULL because the person's key was destroyed.
    pub unreadable_rows: u64,
    /// Was it there already, with exactly these rows?
    pub already_there: bool,
    /// Why it failed; `None`: it did not.
    pub problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::decimal_text;

    #[test]
    fn a_decimal_keeps_every_digit() {
        for (unscaled, scale, text) in
            [(123_400, 4, "12.3400"), (-1, 4, "-0.0001"), (0, 2, "0.00"), (17, 0, "17"), (-17, 0, "-17")]
        {
            assert_eq!(decimal_text(unscaled, scale), text);
        }
    }
}
