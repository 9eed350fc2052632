//! The plan that takes a history's inventory to what its policy asks: pure data, the same for CLI, pages and scheduler.
//!
//! Invariant: a plan shows the exact SQL; what must not run is still in it, with the [`Guard`]s that block it.

mod action;
mod guard;

pub use action::{Action, NewMonth};
pub use guard::Guard;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::findings::{Finding, Runway, grouped};
use crate::history::{HistoryName, Policy, Switches};
use crate::{Month, ShardId};

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
