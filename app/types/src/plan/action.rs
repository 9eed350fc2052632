//! What a step does to its table.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Month;
use crate::history::Switch;
use crate::holds::RowHold;

/// A month that is to get a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMonth {
    /// The month.
    pub month: Month,
    /// Its partition's name.
    pub partition: String,
    /// Its upper edge: the end of the month in the policy's zone.
    pub before: DateTime<Utc>,
}

/// One change to one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Add a month above the last partition.
    AddMonth {
        /// The month.
        month: Month,
        /// The new partition's name.
        partition: String,
        /// Its upper edge: the end of the month in the policy's zone.
        before: DateTime<Utc>,
    },
    /// Split months off an empty MAXVALUE partition, which stays above them.
    SplitMaxValue {
        /// The first of the months.
        month: Month,
        /// The MAXVALUE partition's name in the catalogue.
        partition: String,
        /// The months, oldest first, without a gap; never empty.
        into: Vec<NewMonth>,
    },
    /// Drop an expired month with all its rows.
    DropMonth {
        /// The month.
        month: Month,
        /// The partition's name in the catalogue.
        partition: String,
        /// Its upper edge.
        before: DateTime<Utc>,
        /// It is the table's first partition, or will be when the steps before it are done: rows older than the
        /// month, if any came late, go with it.
        open_below: bool,
    },
    /// Exchange a month's partition with an empty twin table: the rows leave the table, the empty partition stays.
    QuarantineMonth {
        /// The month.
        month: Month,
        /// The partition's name in the catalogue.
        partition: String,
        /// Its upper edge.
        before: DateTime<Utc>,
        /// The twin's name.
        twin: String,
    },
    /// Move the rows that came late into the empty partition of a quarantined month to its twin.
    QuarantineLateRows {
        /// The month.
        month: Month,
        /// The partition's name in the catalogue.
        partition: String,
        /// Its upper edge.
        before: DateTime<Utc>,
        /// The twin's name.
        twin: String,
    },
    /// Archive a quarantined month from its twin, and read the archive back.
    ArchiveMonth {
        /// The month.
        month: Month,
        /// The partition's name in the catalogue.
        partition: String,
        /// Its upper edge.
        before: DateTime<Utc>,
        /// The twin's name.
        twin: String,
    },
    /// Drop an expired quarantined month for good: its twin with all rows, then the empty partition.
    DropQuarantined {
        /// The month.
        month: Month,
        /// The partition's name in the catalogue.
        partition: String,
        /// Its upper edge.
        before: DateTime<Utc>,
        /// The twin's name.
        twin: String,
    },
    /// Copy the rows that legal holds keep out of an expired month, so that the month may go.
    CarveOut {
        /// The month.
        month: Month,
        /// The partition's name in the catalogue.
        partition: String,
        /// Its upper edge.
        before: DateTime<Utc>,
        /// The twin that has the month's rows; `None`: the partition has them.
        twin: Option<String>,
        /// The table that takes the copies.
        held: String,
        /// The holds whose rows are copied; never empty.
        holds: Vec<RowHold>,
    },
    /// Delete the carved-out rows that no hold keeps any more, of months that are past their retention.
    DeleteHeld {
        /// The last of these months.
        month: Month,
        /// Its end: younger rows stay.
        before: DateTime<Utc>,
        /// The table.
        held: String,
        /// The holds whose rows stay.
        keeps: Vec<RowHold>,
    },
}

impl Action {
    /// The month that it is about.
    pub const fn month(&self) -> Month {
        match self {
            Self::AddMonth { month, .. }
            | Self::SplitMaxValue { month, .. }
            | Self::DropMonth { month, .. }
            | Self::QuarantineMonth { month, .. }
            | Self::QuarantineLateRows { month, .. }
            | Self::ArchiveMonth { month, .. }
            | Self::DropQuarantined { month, .. }
            | Self::CarveOut { month, .. }
            | Self::DeleteHeld { month, .. } => *month,
        }
    }

    /// The partition that it is about, or the held-rows table where it is about that alone.
    pub fn partition(&self) -> &str {
        match self {
            Self::AddMonth { partition, .. }
            | Self::SplitMaxValue { partition, .. }
            | Self::DropMonth { partition, .. }
            | Self::QuarantineMonth { partition, .. }
            | Self::QuarantineLateRows { partition, .. }
            | Self::ArchiveMonth { partition, .. }
            | Self::DropQuarantined { partition, .. }
            | Self::CarveOut { partition, .. } => partition,
            Self::DeleteHeld { held, .. } => held,
        }
    }

    /// The months that get a partition by it, oldest first.
    pub fn added_months(&self) -> Vec<Month> {
        match self {
            Self::AddMonth { month, .. } => vec![*month],
            Self::SplitMaxValue { into, .. } => into.iter().map(|new| new.month).collect(),
            _ => Vec::new(),
        }
    }

    /// The twin table that it is about.
    pub fn twin(&self) -> Option<&str> {
        match self {
            Self::AddMonth { .. } | Self::SplitMaxValue { .. } | Self::DropMonth { .. } | Self::DeleteHeld { .. } => {
                None
            }
            Self::CarveOut { twin, .. } => twin.as_deref(),
            Self::QuarantineMonth { twin, .. }
            | Self::QuarantineLateRows { twin, .. }
            | Self::ArchiveMonth { twin, .. }
            | Self::DropQuarantined { twin, .. } => Some(twin),
        }
    }

    /// A short stable word for logs, rows and filters: `add`, `split`, `drop`, `quarantine`, `late-rows`, `archive`,
    /// `carve-out`, `final-drop` or `delete-held`.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::AddMonth { .. } => "add",
            Self::SplitMaxValue { .. } => "split",
            Self::DropMonth { .. } => "drop",
            Self::QuarantineMonth { .. } => "quarantine",
            Self::QuarantineLateRows { .. } => "late-rows",
            Self::ArchiveMonth { .. } => "archive",
            Self::DropQuarantined { .. } => "final-drop",
            Self::CarveOut { .. } => "carve-out",
            Self::DeleteHeld { .. } => "delete-held",
        }
    }

    /// The stop switch that governs it.
    pub const fn switch(&self) -> Switch {
        match self {
            Self::AddMonth { .. } | Self::SplitMaxValue { .. } => Switch::Create,
            Self::DropMonth { .. }
            | Self::QuarantineMonth { .. }
            | Self::QuarantineLateRows { .. }
            | Self::ArchiveMonth { .. }
            | Self::DropQuarantined { .. }
            | Self::CarveOut { .. }
            | Self::DeleteHeld { .. } => Switch::Drop,
        }
    }

    /// Does it destroy rows?
    pub const fn is_destructive(&self) -> bool {
        self.takes_partition() || matches!(self, Self::DeleteHeld { .. })
    }

    /// Does it take rows out of a month, or put some in?
    pub const fn moves_rows(&self) -> bool {
        self.takes_partition() || matches!(self, Self::QuarantineMonth { .. } | Self::QuarantineLateRows { .. })
    }

    /// Does it copy rows that the next step of its table may rely on?
    pub const fn copies_rows(&self) -> bool {
        matches!(self, Self::CarveOut { .. } | Self::ArchiveMonth { .. })
    }

    /// Does it take a partition away, with its rows?
    pub const fn takes_partition(&self) -> bool {
        matches!(self, Self::DropMonth { .. } | Self::DropQuarantined { .. })
    }
}
