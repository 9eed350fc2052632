//! A deadlock, as read from the engine's own report (`payhist_dialect::deadlock` parses it).
//!
//! Invariant: what the report does not say is `None`, never guessed. Statements are the users' raw SQL and may
//! hold personal data: mask before showing to those who may not reveal.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use crate::EngineKind;

/// Which part of the index a record lock covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LockSpan {
    /// The record and the gap before it.
    NextKey,
    /// The record alone (`locks rec but not gap`).
    Record,
    /// The gap alone (`locks gap before rec`).
    Gap,
    /// An insert that waits for a gap (`insert intention`).
    InsertIntention,
    /// A whole table.
    Table,
}

/// A lock that a transaction holds or waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordLock {
    /// The schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The partition.
    pub partition: Option<String>,
    /// The index; `None` for a table lock.
    pub index: Option<String>,
    /// The engine's mode: `X`, `S`, `IX`, `AUTO-INC`, …
    pub mode: String,
    /// What it covers.
    pub span: LockSpan,
}

/// One transaction of a deadlock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlockTransaction {
    /// Its number in the report, from 1: not the order of arrival.
    pub number: u32,
    /// The engine's id of the transaction.
    pub trx_id: String,
    /// The connection id, as in `KILL` and `CONNECTION_ID()`.
    pub connection_id: Option<u64>,
    /// For how many seconds it was open.
    pub active_secs: Option<u64>,
    /// Who ran it.
    pub user: Option<String>,
    /// From where.
    pub host: Option<String>,
    /// The statement that it was running; the engine may have cut it.
    pub query: Option<String>,
    /// Locks that it holds and somebody else wants.
    pub holds: Vec<RecordLock>,
    /// The lock that it waits for.
    pub waits_for: Option<RecordLock>,
}

/// The latest deadlock that an engine reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlockReport {
    /// When, by the server's own clock and zone: the report does not name the zone.
    pub occurred_at: NaiveDateTime,
    /// Whose report it is.
    pub engine: EngineKind,
    /// In the report's order.
    pub transactions: Vec<DeadlockTransaction>,
    /// The index in `transactions` of the one that was rolled back.
    pub victim: Option<usize>,
    /// The report ends before it names its victim.
    pub truncated: bool,
    /// A stable key of "the same deadlock again": tables, indexes, modes and statements without their values.
    pub signature: String,
}
