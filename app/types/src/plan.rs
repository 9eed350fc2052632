//! The inventory of a history's partitions, and the plan that takes it to what the policy asks: pure data, the
//! same for CLI, pages and scheduler.
//!
//! Invariants: a plan shows the exact SQL; what must not run is still in it, with the [`Guard`]s that block it;
//! an edge that cannot be read is [`Boundary::Unknown`], and nothing is ever dropped on its strength.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::history::{HistoryName, Policy, Switch, Switches};
use crate::{Month, ShardId};

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

/// How far rows of twins and late rows are counted for a plan.
pub const ROWS_COUNTED_MAX: u64 = 1_000;

/// A month that was restored from quarantine and is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The month.
    pub month: Month,
    /// Until when it is left alone.
    pub until: DateTime<Utc>,
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
}

/// A history's partitions on every shard at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The history.
    pub history: HistoryName,
    /// Every shard of the route, in order.
    pub shards: Vec<ShardInventory>,
    /// When it was read.
    pub read_at: DateTime<Utc>,
}

/// One change to one table. More kinds will come: archive and carve-out (DESIGN §5).
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
}

impl Action {
    /// The month that it is about.
    pub const fn month(&self) -> Month {
        match self {
            Self::AddMonth { month, .. }
            | Self::DropMonth { month, .. }
            | Self::QuarantineMonth { month, .. }
            | Self::QuarantineLateRows { month, .. }
            | Self::DropQuarantined { month, .. } => *month,
        }
    }

    /// The partition that it is about.
    pub fn partition(&self) -> &str {
        match self {
            Self::AddMonth { partition, .. }
            | Self::DropMonth { partition, .. }
            | Self::QuarantineMonth { partition, .. }
            | Self::QuarantineLateRows { partition, .. }
            | Self::DropQuarantined { partition, .. } => partition,
        }
    }

    /// The twin table that it is about.
    pub fn twin(&self) -> Option<&str> {
        match self {
            Self::AddMonth { .. } | Self::DropMonth { .. } => None,
            Self::QuarantineMonth { twin, .. }
            | Self::QuarantineLateRows { twin, .. }
            | Self::DropQuarantined { twin, .. } => Some(twin),
        }
    }

    /// A short stable word for logs, rows and filters: `add`, `drop`, `quarantine`, `late-rows` or `final-drop`.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::AddMonth { .. } => "add",
            Self::DropMonth { .. } => "drop",
            Self::QuarantineMonth { .. } => "quarantine",
            Self::QuarantineLateRows { .. } => "late-rows",
            Self::DropQuarantined { .. } => "final-drop",
        }
    }

    /// The stop switch that governs it.
    pub const fn switch(&self) -> Switch {
        match self {
            Self::AddMonth { .. } => Switch::Create,
            Self::DropMonth { .. }
            | Self::QuarantineMonth { .. }
            | Self::QuarantineLateRows { .. }
            | Self::DropQuarantined { .. } => Switch::Drop,
        }
    }

    /// Does it destroy rows, and take a partition away?
    pub const fn is_destructive(&self) -> bool {
        matches!(self, Self::DropMonth { .. } | Self::DropQuarantined { .. })
    }
}

/// Why a step must not run now. More kinds will come: holds, windows, the largest drop outside a window.
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
    /// A MAXVALUE partition stands where the month would go.
    MaxValuePresent {
        /// The partition.
        partition: String,
        /// Its rows, as the engine estimates them.
        rows_estimate: u64,
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
    /// The table's partition expression or its engine cannot express the edge.
    NotExpressible {
        /// Why.
        reason: String,
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

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Inserts fail or will fail, or the table cannot be managed.
    Critical,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// The shard's table does not exist.
    MissingTable,
    /// The shard's table has no partitions.
    NotPartitioned,
    /// The shard could not be read.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The shard is in the route but not in the inventory, or twice.
    NotInventoried,
    /// The table is partitioned by something that payhist does not know.
    UnknownExpression {
        /// The catalogue's words.
        raw: String,
    },
    /// A partition's edge cannot be read.
    UnknownBoundary {
        /// The partition.
        partition: String,
        /// The catalogue's words.
        raw: String,
    },
    /// A partition for everything else stands at the end.
    MaxValuePresent {
        /// The partition.
        partition: String,
        /// Its rows, as the engine estimates them.
        rows_estimate: u64,
    },
    /// A partition covers several months: the ones without a partition of their own fall into it.
    Gap {
        /// The partition.
        partition: String,
        /// The first month without a partition of its own.
        first: Month,
        /// The last such month.
        last: Month,
    },
    /// A partition's edge is not above the one before it.
    Overlap {
        /// The partition.
        partition: String,
    },
    /// A partition whose edges are not those of a month in the policy's zone.
    Irregular {
        /// The partition.
        partition: String,
        /// Its lower edge; `None` for the first partition.
        from: Option<DateTime<Utc>>,
        /// Its upper edge.
        before: DateTime<Utc>,
    },
    /// A partition is named like one month and holds another.
    NameMisleads {
        /// The partition.
        partition: String,
        /// The month that it holds.
        month: Month,
    },
    /// Months that other shards have and this one has not.
    ShardDiffers {
        /// The months, ascending.
        missing: Vec<Month>,
    },
    /// Fewer months ahead than the policy asks.
    RunwayShort {
        /// Months ahead of the current one that exist; negative if inserts fail now.
        months: i32,
        /// Months ahead that the policy asks.
        wanted: u16,
    },
    /// Rows have come into the partition of a quarantined month.
    LateRows {
        /// The month's partition.
        partition: String,
        /// The twin that holds the month.
        twin: String,
        /// How many rows, up to [`ROWS_COUNTED_MAX`]; `None`: they could not be counted.
        rows: Option<u64>,
    },
    /// A quarantine's twin table that belongs to no partition: it is never dropped.
    OrphanTwin {
        /// The table.
        twin: String,
        /// Its rows, as the engine estimates them.
        rows_estimate: u64,
    },
    /// A table that stands where a twin is or would be, and is not what it should be.
    TwinUnclear {
        /// The table.
        twin: String,
        /// What is the matter with it.
        reason: String,
    },
    /// So many months are missing that adding them by plan would be absurd.
    TooFarBehind {
        /// How many.
        months: u32,
    },
}

/// Something about a history that its people should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// On which shard; `None`: the whole history.
    pub shard: Option<ShardId>,
    /// What.
    pub kind: FindingKind,
}

/// How far a shard's partitions reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reach {
    /// To the end of this month.
    Until {
        /// The last month that is wholly covered.
        month: Month,
        /// Months ahead of the current one; negative if inserts fail now.
        months: i32,
    },
    /// A MAXVALUE partition takes whatever comes.
    Endless,
    /// Not readable.
    Unknown,
}

/// How long until an insert on a shard would find no partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runway {
    /// The shard.
    pub shard: ShardId,
    /// How far.
    pub reach: Reach,
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
}
