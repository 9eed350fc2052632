//! What pools and servers are doing.

use crate::EngineKind;
use crate::deadlock::DeadlockReport;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// Bucket of a histogram: how many acquires waited at most this long (and more than the bucket before).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitBucket {
    /// Upper edge in microseconds; `None` is the open last bucket.
    pub upto_us: Option<u64>,
    /// Acquires in it.
    pub count: u64,
}

/// A connection that is held now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The code's name for what it is doing, e.g. `payments.list`.
    pub purpose: String,
    /// For how long, in milliseconds.
    pub held_ms: u64,
}

/// Live figures of one connection pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolStats {
    /// The source it leads to.
    pub name: String,
    /// Most connections it may open.
    pub max: u32,
    /// Connections open.
    pub size: u32,
    /// Of these, idle.
    pub idle: u32,
    /// Of these, in use.
    pub in_use: u32,
    /// Callers waiting for one.
    pub waiters: u32,
    /// Acquires since start.
    pub acquired: u64,
    /// Acquires that gave up.
    pub timeouts: u64,
    /// Statements ended on the server since nobody waited for them any more.
    pub ended: u64,
    /// How long acquires waited since start.
    pub waits: Vec<WaitBucket>,
    /// Median wait, as the upper edge of its bucket, in microseconds.
    pub wait_p50_us: Option<u64>,
    /// 99th percentile of the wait, likewise.
    pub wait_p99_us: Option<u64>,
    /// The connection held longest.
    pub longest_holder: Option<Holder>,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStats {
    /// The source.
    pub source: String,
    /// Engine family.
    pub engine: EngineKind,
    /// Version as the server gives it.
    pub version: String,
    /// Seconds since it started.
    pub uptime_secs: u64,
    /// Its limit of connections.
    pub max_connections: u64,
    /// Connections now.
    pub threads_connected: u64,
    /// Deadlocks that the engine has counted since its start; `None` when it does not say.
    pub deadlocks: Option<u64>,
}

/// A panel that could not be filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// The source.
    pub source: String,
    /// Which figures are missing.
    pub what: String,
    /// Why, in words.
    pub reason: String,
    /// The GRANT or setting that would mend it.
    pub remedy: Option<String>,
}

/// A captured deadlock in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlockSummary {
    /// Its number.
    pub id: u64,
    /// The source.
    pub source: String,
    /// When, as the server says (its own clock), else when captured.
    pub occurred_at: DateTime<FixedOffset>,
    /// Group: deadlocks alike share it.
    pub signature: String,
    /// Tables involved.
    pub tables: Vec<String>,
    /// How many transactions.
    pub transactions: u32,
}

/// A captured deadlock in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deadlock {
    /// The list's view of it.
    pub summary: DeadlockSummary,
    /// Its parsed report; `None` when the report could not be parsed.
    pub report: Option<DeadlockReport>,
    /// The server's own text.
    pub text: String,
}

/// The database page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatabaseView {
    /// Zone of the local times.
    pub zone: String,
    /// When the figures were read.
    pub read_at: DateTime<FixedOffset>,
    /// This instance's pools.
    pub pools: Vec<PoolStats>,
    /// The servers that answered.
    pub servers: Vec<ServerStats>,
    /// Deadlocks captured in the last 24 hours.
    pub deadlocks_24h: u64,
    /// The latest deadlocks, newest first, at most 20.
    pub deadlocks: Vec<DeadlockSummary>,
    /// The newest of them in full.
    pub latest: Option<Deadlock>,
    /// What could not be read.
    pub unavailable: Vec<Unavailable>,
}
