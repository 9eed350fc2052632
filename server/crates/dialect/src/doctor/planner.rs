//! Of what the planner finds by itself.

use super::Said;
use payhist_types::findings::FindingKind;

pub(super) fn of_planner(kind: &FindingKind) -> Said {
    let (code, why, steps) = match kind {
        FindingKind::Unreadable { .. } => (
            "unreadable",
            "a shard that cannot be read is neither rotated nor browsed",
            "See the reason; then run doctor again.",
        ),
        FindingKind::UnknownBoundary { .. } => (
            "unknown_boundary",
            "payhist never drops anything on a table with an edge that it cannot read",
            "Redraw the edge by REORGANIZE PARTITION, so that it is the first instant of a month.",
        ),
        FindingKind::NameMisleads { .. } => (
            "name_misleads",
            "whoever drops partitions by name drops the wrong month; payhist goes by the edges",
            "Rename it by REORGANIZE PARTITION into one of the same edge.",
        ),
        FindingKind::ShardDiffers { .. } => (
            "months_differ",
            "these months exist on other shards only: older ones were dropped here early or there late",
            "See `payhist partitions plan`: it takes every shard to the policy.",
        ),
        FindingKind::TooFarBehind { .. } => (
            "too_far_behind",
            "payhist adds no more than twenty years of months by plan",
            "Correct the policy, or add a partition for the current month.",
        ),
        FindingKind::Misplaced { .. } => (
            "misplaced_shard",
            "payments would be read from one table and written to the other; payhist neither rotates nor drops anything there",
            "Keep the table that the application uses, rename the other one away, and let `source` of the history say where it is.",
        ),
        FindingKind::NotInventoried => (
            "not_inventoried",
            "a shard that is not there once cannot be managed",
            "Correct route and table_pattern of the history.",
        ),
        _ => ("planner", "the planner cannot manage the table as it should", "See `payhist partitions plan`."),
    };
    Said::new(code, kind.to_string(), why).steps(steps)
}
