//! What keeps a step from running.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::history::Switch;

/// Why a step must not run now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Guard {
    /// The stop switch is off.
    SwitchOff {
        /// Which one.
        switch: Switch,
    },
    /// An edge somewhere on the table cannot be read: nothing is dropped there.
    UnknownBoundary {
        /// The first such partition.
        partition: String,
    },
    /// The MAXVALUE partition that months are to be split off has rows: all of them would be copied, with the writers
    /// kept out meanwhile.
    MaxValueHasRows {
        /// The partition.
        partition: String,
        /// How many, up to [`crate::inventory::ROWS_COUNTED_MAX`]; `None`: they could not be counted.
        rows: Option<u64>,
    },
    /// A table's last partition is never dropped.
    LastPartition,
    /// An older partition stays; dropping this one would leave a gap that swallows late rows.
    OlderPartitionStays {
        /// The older partition.
        partition: String,
    },
    /// Another partition of the table has the name already.
    NameTaken {
        /// The name.
        partition: String,
    },
    /// The month was restored from quarantine and is left alone for a while.
    Restored {
        /// Until when.
        until: DateTime<Utc>,
    },
    /// A table stands where the quarantine's twin is or would be, and is not what it should be.
    TwinUnclear {
        /// The table.
        twin: String,
        /// What is the matter with it.
        reason: String,
    },
    /// Rows have come into the partition of a quarantined month: they go to the twin first.
    LateRows {
        /// How many, at least; `None`: they could not be counted.
        rows: Option<u64>,
    },
    /// A legal hold keeps the rows.
    Held {
        /// The hold's number.
        hold: u64,
        /// Its case.
        case_number: String,
        /// When it ends by itself; `None`: only by its release.
        until: Option<DateTime<Utc>>,
    },
    /// Rows that holds keep cannot be carved out, so that all of the month stays.
    NotCarvable {
        /// Why.
        reason: String,
    },
    /// Rows that a legal hold keeps are not, or not exactly, in the held-rows table.
    NotCarvedOut {
        /// The first such hold's number.
        hold: u64,
        /// How many rows.
        rows: u64,
    },
    /// The rows that a legal hold keeps could not be compared with their copies for as long as others may wait for it.
    ComparisonTooLong {
        /// The first such hold's number.
        hold: u64,
        /// How long that is.
        secs: u64,
        /// Are the rows in quarantine, where no writer waits?
        in_quarantine: bool,
    },
    /// The holds could not be read, so that anything may be held.
    HoldsUnreadable,
    /// The month must be in a verified archive first.
    NotArchived {
        /// The archive's name.
        target: String,
    },
    /// The table's partition expression or its engine cannot express the edge.
    NotExpressible {
        /// Why.
        reason: String,
    },
    /// It destroys rows, and no maintenance window is open.
    OutsideWindow {
        /// When the next one opens.
        opens: Option<DateTime<Utc>>,
    },
    /// No maintenance window is open, and it destroys more than the policy lets go outside of one.
    TooLargeOutsideWindow {
        /// The month's bytes on this shard.
        bytes: u64,
        /// The most that the policy lets go.
        bytes_max: u64,
        /// When the next window opens.
        opens: Option<DateTime<Utc>>,
    },
}
