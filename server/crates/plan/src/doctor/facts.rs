//! What storage read for the doctor: the catalogue as it is, and a bounded look at the rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use payhist_types::inventory::Inventory;
use payhist_types::plan::PlanHash;
use payhist_types::{ShardId, UserId};

/// Everything that one source tells of a history.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The source.
    pub source: String,
    /// The partitions, those on other sources included.
    pub inventory: Inventory,
    /// The tables of the schema whose name begins like a shard's, shards included, by name.
    pub tables: BTreeMap<String, Table>,
    /// The server.
    pub server: Server,
    /// What payhist's user may do there.
    pub privileges: Privileges,
    /// What was seen of the rows.
    pub looks: BTreeMap<ShardId, Looks>,
    /// The plan of the history's conversion that was begun and is neither finished nor given up.
    pub conversion: Option<PlanHash>,
}

/// A server's clock, zones and settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// How far the server's clock is ahead of payhist's, in milliseconds.
    pub clock_ahead_ms: i64,
    /// `@@session.time_zone` of payhist's sessions.
    pub session_zone: String,
    /// The zone of sessions that set none.
    pub server_zone: String,
    /// Do new sessions log their statements, and not the rows that these change?
    pub logs_statements: bool,
    /// What decides how a statement ends there, by name.
    pub settings: BTreeMap<&'static str, String>,
}

/// A table's shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Storage engine.
    pub engine: String,
    /// Collation of new columns.
    pub collation: String,
    /// Has it partitions?
    pub partitioned: bool,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Keys by name.
    pub keys: Vec<Key>,
    /// Foreign keys from it, and from tables of the same schema to it.
    pub foreign_keys: Vec<ForeignKey>,
    /// Triggers on it.
    pub triggers: Vec<String>,
    /// Bytes of data and indexes, as the catalogue has them.
    pub bytes: u64,
}

impl Table {
    /// A column by name; the engines do not tell its case apart.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// A column as the catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// E.g. `datetime`.
    pub data_type: String,
    /// E.g. `datetime(6)`.
    pub column_type: String,
    /// May it be NULL?
    pub nullable: bool,
    /// Its default, as the engine spells it.
    pub default: Option<String>,
    /// E.g. `auto_increment`.
    pub extra: String,
    /// Collation of text.
    pub collation: Option<String>,
}

impl Column {
    /// Is its value computed from other columns?
    pub fn is_generated(&self) -> bool {
        let extra = self.extra.to_ascii_lowercase();
        ["virtual", "stored", "persistent"].iter().any(|kind| extra.contains(kind))
    }
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name; `PRIMARY` for the primary key.
    pub name: String,
    /// Is it unique?
    pub unique: bool,
    /// Columns in order, each with the length of its prefix, if it is one; no name: an expression.
    pub columns: Vec<(Option<String>, Option<u64>)>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The constraint.
    pub name: String,
    /// The table that has it.
    pub table: String,
    /// The table that it refers to.
    pub referenced: String,
}

/// Privileges of the current user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privileges {
    /// Its name.
    pub user: String,
    /// Its host.
    pub host: String,
    /// Some come by a role, and are not in `grants`.
    pub by_role: bool,
    /// What is granted to the user by name.
    pub grants: Vec<Grant>,
    /// Was it told who holds locks, by whatever privilege?
    pub sees_lock_holders: bool,
}

/// One privilege and where it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// E.g. `SELECT`.
    pub privilege: String,
    /// A pattern of LIKE; `None`: every schema.
    pub schema: Option<String>,
    /// `None`: every table.
    pub table: Option<String>,
}

/// A bounded look at one shard's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looks {
    /// Some of its users.
    pub users: Option<Vec<UserId>>,
    /// The words for states in some of its rows, if it is an adopted table.
    pub statuses: Option<Vec<String>>,
    /// Creation times of some rows of some partitions: partition, earliest, latest.
    pub times: Vec<(String, DateTime<Utc>, DateTime<Utc>)>,
    /// Rows of the MAXVALUE partition, up to [`MAXVALUE_ROWS_MAX`] counted exactly.
    pub max_value_rows: Option<u64>,
    /// Earliest and latest creation time of the MAXVALUE partition, or of a table that is still to be partitioned.
    pub extent: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// What could not be looked at, and why.
    pub failed: Vec<String>,
}

/// Where the exact count of a MAXVALUE partition stops: one more means "more".
pub const MAXVALUE_ROWS_MAX: u64 = 1_000_000;
