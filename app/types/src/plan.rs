//! The plan that takes a history's inventory to what its policy asks: pure data, the same for CLI, pages and scheduler.
//!
//! Invariant: a plan shows the exact SQL; what must not run is still in it, with the [`Guard`]s that block it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::findings::{Finding, Runway, grouped};
use crate::history::{HistoryName, Policy, Switch, Switches};
use crate::holds::RowHold;
use crate::{Month, ShardId};

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

    /// Does it copy rows that the next step of its table may rely on?
    pub const fn copies_rows(&self) -> bool {
        matches!(self, Self::CarveOut { .. } | Self::ArchiveMonth { .. })
    }

    /// Does it take a partition away, with its rows?
    pub const fn takes_partition(&self) -> bool {
        matches!(self, Self::DropMonth { .. } | Self::DropQuarantined { .. })
    }
}

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

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The shard.
    pub shard: ShardId,
    /// Its table, without the schema.
    pub table: String,
    /// What to do.
    pub action: Action,
    /// Why not now; empty: the step is active.
    pub blocked_by: Vec<Guard>,
    /// The exact statements, as they will be sent; empty only with [`Guard::NotExpressible`].
    pub sql: Vec<String>,
    /// Rows affected, as the engine estimates them.
    pub rows_estimate: u64,
    /// Bytes affected.
    pub bytes: u64,
}

impl Step {
    /// May it run?
    pub const fn is_active(&self) -> bool {
        self.blocked_by.is_empty()
    }

    /// A stable name within the history, e.g. `s3:add:2026-12`: what a run's records are keyed by.
    pub fn key(&self) -> String {
        format!("s{}:{}:{}", self.shard, self.action.verb(), self.action.month())
    }
}

/// SHA-256, as 64 hexadecimal digits, of everything that matters in a plan: the edges it was planned on, policy,
/// switches, steps and SQL. Not the time of evaluation nor estimates: the same situation has the same hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanHash(pub String);

impl std::fmt::Display for PlanHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What takes a history from its inventory to its policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationPlan {
    /// The history.
    pub history: HistoryName,
    /// The policy, frozen.
    pub policy: Policy,
    /// The version of that policy; `None` in a plan of before versions were kept, and in one of a policy that does not
    /// hold.
    #[serde(default)]
    pub policy_version: Option<u64>,
    /// The switches, frozen.
    pub switches: Switches,
    /// The moment that the plan was made for.
    pub evaluated_at: DateTime<Utc>,
    /// The month of that moment in the policy's zone.
    pub current_month: Month,
    /// By shard; within a shard adds before everything else, each from the oldest month.
    pub steps: Vec<Step>,
    /// By shard.
    pub findings: Vec<Finding>,
    /// One for each shard of the route.
    pub runway: Vec<Runway>,
    /// SHA-256 in hexadecimal of the tables, partition names, edges and twins that it was planned on.
    pub edges_digest: String,
    /// What `apply --plan HASH` compares.
    pub hash: PlanHash,
}

impl RotationPlan {
    /// The steps that may run.
    pub fn active_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_active())
    }

    /// Are there shards that the plan knows nothing of, so that it has no steps for them?
    pub fn is_partial(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind.is_unknown_shard())
    }

    /// Those shards and why, in words.
    pub fn unknown(&self) -> Vec<String> {
        let unknown = self.findings.iter().filter(|finding| finding.kind.is_unknown_shard());
        grouped(unknown).iter().map(ToString::to_string).collect()
    }
}
