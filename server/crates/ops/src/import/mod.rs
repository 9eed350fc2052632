//! Import: payments from a file into a history, so that it can be interrupted anywhere and repeated.
//!
//! Two passes. The first reads and judges the whole file and writes nothing; the second loads it in batches, each one
//! transaction that adds only what is missing.
//!
//! Invariants:
//! - A row is known by user, creation time, order, provider and provider reference: repeating an import, after a kill -9
//!   too, loads nothing twice and loses nothing.
//! - A row that is there with another amount is never overwritten: it is counted and named.
//! - One importer per history at a time, by a lease; each batch proves that it still holds it.
//! - Months are made without a gap, or refused with the reason, before the first row is written.

mod check;
mod format;
mod ids;
mod lease;
mod lines;
mod load;
mod months;
mod record;

pub use format::Format;
pub use lines::LINE_BYTES_MAX;
pub use record::{COLUMNS, REQUIRED};

pub(crate) use lease::ImportLease;
pub(crate) use months::make_months;

use crate::auth::{ManagePartitions, Permit};
use crate::{Ops, OpsError, catalogue, histories};
use chrono_tz::Tz;
use payhist_storage::histories::History;
use payhist_storage::{audit, fault, tx};
use payhist_types::Month;
use payhist_types::history::{HistoryName, HistorySpec, Policy, Switches};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Most bad or differing lines that are named one by one; all are counted.
pub const LINES_NAMED_MAX: usize = 20;

/// What to import, and whereto.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The file.
    pub file: PathBuf,
    /// Its format.
    pub format: Format,
    /// The history; empty for the default one. One that does not exist is made.
    pub history: String,
    /// Source of a history that is made; empty for the only one.
    pub source: String,
    /// Business zone of a history that is made, IANA name; empty for the default history's, or UTC.
    pub zone: String,
    /// What to do with bad lines.
    pub on_error: OnError,
    /// Cancel it to stop at the next batch border.
    pub stop: CancellationToken,
}

/// What to do with bad lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnError {
    /// Load nothing of the file.
    Stop,
    /// Write them to a file, with the reason, and load the rest.
    Skip {
        /// That file; it is overwritten.
        rejects: PathBuf,
    },
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which pass.
    pub phase: Phase,
    /// Bytes checked, or rows dealt with.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// The two passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading and judging, in bytes.
    Check,
    /// Loading, in rows.
    Load,
}

/// A line that was not loaded, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// From 1.
    pub line: u64,
    /// In words.
    pub reason: String,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportReport {
    /// The file.
    pub file: PathBuf,
    /// Its format.
    pub format: Format,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The history.
    pub history: HistoryName,
    /// It was made by this import.
    pub history_created: bool,
    /// Records read, the bad ones too.
    pub rows_read: u64,
    /// Rows written now.
    pub loaded: u64,
    /// Rows that were there already.
    pub already_there: u64,
    /// Rows that are there with another amount or currency, or whose payment id is another payment's: left alone.
    pub differing: u64,
    /// The first of them.
    pub differing_lines: Vec<BadLine>,
    /// Bad lines.
    pub rejected: u64,
    /// The first of them.
    pub rejected_lines: Vec<BadLine>,
    /// Blank lines, comments, the header.
    pub skipped: u64,
    /// Sum of the amounts of all good records, when they have one currency.
    pub sum: Option<String>,
    /// The same by currency.
    pub sums: BTreeMap<String, String>,
    /// How many months have rows in the file.
    pub months: usize,
    /// The first of them.
    pub first_month: Option<Month>,
    /// The last of them.
    pub last_month: Option<Month>,
    /// Shards of the history.
    pub shards: u16,
    /// Months of the file that the history's retention has passed: the next drop may take them.
    pub past_retention: Vec<Month>,
    /// Stopped at a batch border; the same command goes on.
    pub interrupted: bool,
    /// How long it took.
    pub seconds: f64,
}

impl ImportReport {
    /// Is every record of the file in the history?
    pub fn is_complete(&self) -> bool {
        !self.interrupted && self.rejected == 0 && self.differing == 0
    }
}
