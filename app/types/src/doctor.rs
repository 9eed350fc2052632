//! What `payhist doctor` says of a history: each finding with what is wrong, why it matters, and how to mend it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ShardId;
use crate::history::HistoryName;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Severity {
    /// Good to know; also what could not be examined.
    Info,
    /// Somebody should look.
    Warning,
    /// Inserts fail or will fail, rows are hidden, or the table cannot be managed.
    Error,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable word, e.g. `gap`.
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// On which of the history's sources, if it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// On which shard; `None`: the whole history, or its server.
    pub shard: Option<ShardId>,
    /// The table.
    pub table: Option<String>,
    /// What is wrong.
    pub what: String,
    /// Why it matters, with the engine's error number or the page that says so.
    pub why: String,
    /// The exact statements that mend it, in order; empty where no SQL can.
    pub sql: Vec<String>,
    /// What to do besides, or instead.
    pub steps: Option<String>,
}

/// A history, examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The history.
    pub history: HistoryName,
    /// When.
    pub examined_at: DateTime<Utc>,
    /// What of the rows was looked at, since not all of them were.
    pub looked_at: Vec<String>,
    /// By shard; those of the whole history first. To be mended in this order.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Is there any error?
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}
