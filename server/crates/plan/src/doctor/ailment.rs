//! What can be wrong with a history.

use chrono::{DateTime, Utc};
use payhist_types::findings::FindingKind;
use payhist_types::plan::{PlanHash, Step};
use payhist_types::replicas::Replica;
use payhist_types::{Month, ShardId, UserId};

use super::differences::Difference;
use super::facts::{self, ForeignKey};
use super::layout::Layout;
use crate::hot_path::HotPath;

/// Something that is wrong, or could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ailment {
    /// What the planner finds, and nothing below says better.
    Planner(FindingKind),
    /// The table is missing.
    Missing {
        /// A shard's table that is there and partitioned.
        like: Option<String>,
    },
    /// The table has no partitions.
    NotPartitioned(Option<Layout>),
    /// It is partitioned by something else than a month's instant.
    Expression {
        /// The catalogue's words.
        raw: String,
        /// How it could be partitioned.
        layout: Option<Layout>,
    },
    /// The zone's months begin inside a UTC day, and the expression counts days.
    ZoneInexpressible {
        /// The first such month.
        month: Month,
        /// How it could be partitioned.
        layout: Option<Layout>,
    },
    /// A unique key of a table that is to be partitioned lacks the column.
    KeyLacksColumn {
        /// The key.
        key: facts::Key,
        /// The column.
        column: String,
    },
    /// A foreign key from or to a table that is to be partitioned.
    ForeignKey(ForeignKey),
    /// A partition holds several months.
    Gap {
        /// The partition.
        partition: String,
        /// Its months and their edges.
        months: Vec<(Month, DateTime<Utc>)>,
    },
    /// Partitions whose edges are not those of a month.
    Irregular {
        /// Which.
        partitions: Vec<String>,
    },
    /// A MAXVALUE partition.
    MaxValue {
        /// Its name.
        partition: String,
        /// Its rows, exactly up to [`facts::MAXVALUE_ROWS_MAX`].
        rows: u64,
        /// The months to split off it: of its rows, and what the policy asks for.
        months: Vec<(Month, DateTime<Utc>)>,
    },
    /// Fewer months ahead than wanted.
    Runway {
        /// Months ahead.
        months: i32,
        /// As the policy wants.
        wanted: u16,
        /// What the plan adds.
        adds: Vec<Step>,
    },
    /// The partition column takes the current time by itself.
    DefaultsToNow {
        /// The column.
        column: facts::Column,
    },
    /// It differs from the other shards.
    Differs(Difference),
    /// Users of other shards are in it.
    WrongShard {
        /// Who, and where they belong.
        users: Vec<(UserId, ShardId)>,
    },
    /// A partition has a row of another month.
    Misplaced {
        /// The partition.
        partition: String,
        /// The row's time.
        at: DateTime<Utc>,
    },
    /// A table like a shard, without partitions.
    Orphan,
    /// Columns that browsing needs.
    BrowsedColumns {
        /// Which are not there, by the names that they should have.
        missing: Vec<String>,
    },
    /// A column of another type than browsing can read.
    ColumnType {
        /// What payhist calls it.
        own: &'static str,
        /// As it is.
        column: facts::Column,
        /// What it should be.
        wanted: &'static str,
    },
    /// Another column than that of the time of creation decides a row's partition.
    PartitionedByOther {
        /// By which it is partitioned.
        partitioned_by: String,
        /// The time of creation.
        created_at: String,
    },
    /// No key serves a read that pages make.
    NoKeyFor {
        /// The read.
        path: HotPath,
        /// The columns of a key that would.
        columns: Vec<String>,
    },
    /// Words for states that mean nothing to payhist.
    StatusWords(Vec<String>),
    /// The clocks are apart.
    Clock {
        /// How far the server's is ahead.
        ahead_ms: i64,
    },
    /// payhist's own sessions are not at UTC.
    SessionZone(String),
    /// Sessions that set no zone are not at UTC.
    ServerZone(String),
    /// Replicas are sent statements, and not the rows that these change.
    BinlogByStatement,
    /// Privileges are missing.
    Privileges {
        /// Which.
        missing: Vec<&'static str>,
        /// For what.
        purpose: &'static str,
    },
    /// Sources of one engine differ in a setting.
    SourceDiffers {
        /// One of [`super::sources::SETTINGS`].
        setting: &'static str,
        /// Here.
        here: String,
        /// On most of them.
        most: String,
    },
    /// A conversion was begun, and is neither finished nor given up.
    ConversionUnfinished(PlanHash),
    /// Parts of a conversion of which nothing is recorded.
    ConversionLeft {
        /// The shadow, if it is there.
        shadow: Option<String>,
        /// Triggers.
        triggers: Vec<String>,
    },
    /// The table as it was before its conversion.
    ConversionKept {
        /// Its name.
        kept: String,
        /// Its bytes, as the catalogue has them.
        bytes: u64,
    },
    /// A replica that holds work back.
    Replica(Replica),
    /// It could not be looked at.
    NotChecked(String),
}
