//! Rotation runs: what an applied plan did, step by step.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RunOutcome {
    /// Still at work, or killed and not yet resumed.
    Running,
    /// Every step is done.
    Done,
    /// Some steps failed or were refused at their turn; the others are done.
    Partial,
    /// Nothing could be done.
    Failed,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum StepOutcome {
    /// Waits its turn.
    Pending,
    /// Its intent is recorded; the outcome is not known yet.
    Intended,
    /// Done, and the catalogue says so.
    Done,
    /// Was already so when its turn came.
    AlreadyDone,
    /// A guard kept it from running; `detail` names it.
    Blocked,
    /// Not attempted, since an earlier step on the same table failed or waits.
    Skipped,
    /// Tried and failed; `detail` says why and who blocked it.
    Failed,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStep {
    /// Position in the plan, from 0.
    pub sequence: u32,
    /// The physical table.
    pub table: String,
    /// What it does, in words, e.g. `add 2026-12`.
    pub action: String,
    /// The exact SQL.
    pub sql: String,
    /// How it ended.
    pub outcome: StepOutcome,
    /// How often it was tried to get its lock.
    pub attempts: u32,
    /// For how long it waited for its lock, in milliseconds: what failed tries and the pauses after them took. `None` if
    /// it was not tried, or that was not recorded then.
    #[serde(default)]
    pub wait_ms: Option<u64>,
    /// From intent to outcome, in milliseconds; `None` while it runs.
    pub duration_ms: Option<u64>,
    /// Rows that were dropped, quarantined or moved (counted, not estimated).
    pub rows: Option<u64>,
    /// Guard, error or blockers, in words.
    pub detail: Option<String>,
}

/// One run of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationRun {
    /// Its number.
    pub id: u64,
    /// Which history.
    pub history: String,
    /// Hash of the plan that it applies.
    pub plan_hash: String,
    /// The version of the policy that it was planned by, where that was kept.
    pub policy_version: Option<u64>,
    /// `operator NAME`, `job premake`, `job expire` or `command`.
    pub trigger: String,
    /// When it began.
    pub started_at: DateTime<FixedOffset>,
    /// When it ended.
    pub finished_at: Option<DateTime<FixedOffset>>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// The shards that its plan knew nothing of, and why: nothing was done on them.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// Its steps; left out in lists.
    #[serde(default)]
    pub steps: Vec<RunStep>,
}
