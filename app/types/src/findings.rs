//! What a plan finds about a history besides its steps: findings, and how long until inserts find no partition.

use crate::{Month, ShardId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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
    /// The shard's table is on another source than the configured one, or on others as well: which one counts cannot be
    /// told.
    Misplaced {
        /// The sources that have such a table.
        found_on: Vec<String>,
        /// The source that the configuration names.
        configured: String,
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
        /// How many rows, up to [`crate::inventory::ROWS_COUNTED_MAX`]; `None`: they could not be counted.
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

impl FindingKind {
    /// Does it keep a plan from knowing the shard's table at all?
    pub const fn is_unknown_shard(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::Misplaced { .. } | Self::NotInventoried)
    }
}

/// Findings that say the same, told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    /// As bad as the worst of them.
    pub severity: Severity,
    /// Never empty.
    pub findings: Vec<&'a Finding>,
}

/// Groups what says the same of several shards, and all late rows; each group in the place of its first finding.
pub fn grouped<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Group<'a>> {
    let late = |kind: &FindingKind| matches!(kind, FindingKind::LateRows { .. });
    let mut groups: Vec<Group> = Vec::new();
    for finding in findings {
        let same = |group: &&mut Group| {
            let first = &group.findings[0].kind;
            *first == finding.kind || (late(first) && late(&finding.kind))
        };
        match groups.iter_mut().find(same) {
            Some(group) => {
                group.severity = group.severity.max(finding.severity);
                group.findings.push(finding);
            }
            None => groups.push(Group { severity: finding.severity, findings: vec![finding] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_the_same_and_all_late_rows_are_told_once() {
        let finding = |severity, shard, kind| Finding { severity, shard: Some(ShardId(shard)), kind };
        let late = |shard, month: &str| {
            let kind =
                FindingKind::LateRows { partition: month.into(), twin: format!("t{shard}_{month}"), rows: Some(1) };
            finding(Severity::Warning, shard, kind)
        };
        let silent = FindingKind::Unreadable { reason: "no answer".into() };
        let found = [
            late(0, "p1"),
            finding(Severity::Critical, 5, silent.clone()),
            late(0, "p2"),
            late(1, "p2"),
            finding(Severity::Critical, 6, silent),
            finding(Severity::Warning, 7, FindingKind::MissingTable),
        ];
        let said: Vec<_> = grouped(&found).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "late rows in 2 quarantined months on 2 shards: the next run or a restore puts them together",
                "shards 5-6: it cannot be read: no answer",
                "shard 7: its table does not exist",
            ]
        );
    }
}
