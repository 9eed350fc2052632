//! Who is in the way of a plan at this moment: volatile, and so no part of the plan or its hash.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use crate::database::Unavailable;
use crate::replicas::Replica;

/// A session that holds a metadata lock on one of a history's tables: an ALTER of it has to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// The source.
    pub source: String,
    /// The table, without the schema.
    pub table: String,
    /// Its connection: what KILL wants.
    pub connection: u64,
    /// Its account's name; empty when the server hides it.
    pub user: String,
    /// From where it came.
    pub host: String,
    /// For how many seconds it has done what it is doing, or nothing.
    pub secs: u64,
    /// What it runs, with `?` for each value; `None`: nothing, it is idle in its transaction.
    pub statement: Option<String>,
}

/// What holds locks on a history's tables, and how far its replicas are behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacles {
    /// When the servers were asked.
    pub read_at: DateTime<FixedOffset>,
    /// By source and table.
    pub holders: Vec<LockHolder>,
    /// The sources that could not tell, and what would mend it.
    pub unavailable: Vec<Unavailable>,
    /// How far the sources' replicas are behind.
    pub replicas: Vec<Replica>,
    /// How many seconds they may be, by the policy.
    pub replica_lag_max_secs: u32,
}
