//! What a policy would do over the coming months: dates, rows and bytes, before it is saved.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::history::{HistoryName, Policy, Switches};
use crate::{Month, ShardId};

/// The same step on one or more shards, on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedStep {
    /// The day, by the clock of the policy's zone.
    pub date: NaiveDate,
    /// The moment that was planned for: the day's start, or the opening of a maintenance window.
    pub at: DateTime<Utc>,
    /// What is done: the action's verb.
    pub action: String,
    /// The month.
    pub month: Month,
    /// On which shards, ascending.
    pub shards: Vec<ShardId>,
    /// Rows affected, on all of them.
    pub rows_estimate: u64,
    /// Bytes affected, on all of them.
    pub bytes: u64,
    /// The month was not over when the simulation was made: rows and bytes are the mean of those that were, on each
    /// shard, and no measurement.
    pub extrapolated: bool,
}

/// Steps that stay blocked to the end, by one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatedBlock {
    /// Why.
    pub reason: String,
    /// How many steps.
    pub steps: usize,
}

/// The steps of a policy from one moment to another, if nothing else changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// The history.
    pub history: HistoryName,
    /// The policy that was simulated.
    pub policy: Policy,
    /// The stop switches that were taken for granted.
    pub switches: Switches,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when, that moment not included.
    pub until: DateTime<Utc>,
    /// By time.
    pub steps: Vec<SimulatedStep>,
    /// What is blocked at the end.
    pub blocked: Vec<SimulatedBlock>,
    /// The shards that could not be looked at, and why: their steps are not told.
    #[serde(default)]
    pub unknown: Vec<String>,
}
