//! What people should know about a history's partitions, whether or not a step mends it.
//!
//! Critical is what makes inserts fail, or soon will, or keeps payhist from managing the table at all.

use std::collections::BTreeSet;

use payhist_types::findings::{Finding, FindingKind, Reach, Severity};
use payhist_types::inventory::{Boundary, Partition, Twin, TwinState};
use payhist_types::{Month, ShardId};

use super::leaving::unclear;
use super::table::Table;
use crate::classify::{Classified, Kind};
use crate::months;

/// The findings of one table.
pub(super) fn of_table(table: &Table) -> Vec<Finding> {
    let misread = table.overlaps().map(|partition| {
        let (partition, raw) = (partition.name.clone(), "it is not above the one before".to_owned());
        (Severity::Critical, FindingKind::UnknownBoundary { partition, raw })
    });
    let mut found: Vec<_> = misread.collect();
    found.extend(table.partitions.iter().filter_map(|classified| of_partition(table, *classified)));
    found.extend(table.twins.iter().filter_map(|twin| of_twin(table, twin)));
    found.extend(of_runway(table));
    found.into_iter().map(|(severity, kind)| Finding { severity, shard: Some(table.shard), kind }).collect()
}

fn of_partition(table: &Table, classified: Classified) -> Option<(Severity, FindingKind)> {
    let context = table.context;
    let Partition { name, upper, rows_estimate, .. } = classified.partition;
    let partition = name.clone();
    match (classified.kind, upper) {
        (Kind::Month(month), _) => named_month(name)
            .filter(|named| *named != month)
            .map(|_| (Severity::Warning, FindingKind::NameMisleads { partition, month })),
        (Kind::Irregular { from, before }, _) => {
            let first = from.filter(|from| *from == months::start(months::month_of(*from, context.zone), context.zone));
            let gap = first
                .map(|first| months::month_of(first, context.zone))
                .zip(months::ending_at(before, context.zone).and_then(Month::prev));
            Some(match gap.filter(|(first, last)| first <= last) {
                Some((first, last)) => {
                    let severity = if last < context.current { Severity::Warning } else { Severity::Critical };
                    (severity, FindingKind::Gap { partition, first, last })
                }
                None => (Severity::Warning, FindingKind::Irregular { partition, from, before }),
            })
        }
        (Kind::MaxValue, _) => {
            let severity = if table.max_value_rows == Some(0) { Severity::Info } else { Severity::Warning };
            Some((severity, FindingKind::MaxValuePresent { partition, rows_estimate: *rows_estimate }))
        }
        (Kind::Unknown, Boundary::Unknown(raw)) => {
            Some((Severity::Critical, FindingKind::UnknownBoundary { partition, raw: raw.clone() }))
        }
        // Its own edge is known: the finding is about the one before it.
        (Kind::Unknown, _) => None,
    }
}

fn of_twin(table: &Table, twin: &Twin) -> Option<(Severity, FindingKind)> {
    let mut partitions = table.partitions.iter().map(|classified| classified.partition);
    let name = twin.name.clone();
    let Some(partition) = partitions.find(|partition| Some(&partition.name) == twin.partition.as_ref()) else {
        let kind = FindingKind::OrphanTwin { twin: name, rows_estimate: twin.rows_estimate };
        return Some((Severity::Warning, kind));
    };
    if let Boundary::Before(before) = partition.upper
        && let Some(reason) = unclear(twin, table.name, before)
    {
        return Some((Severity::Warning, FindingKind::TwinUnclear { twin: name, reason }));
    }
    match twin.state {
        TwinState::Quarantined { late_rows: rows } if rows != Some(0) => {
            let partition = partition.name.clone();
            Some((Severity::Warning, FindingKind::LateRows { partition, twin: name, rows }))
        }
        _ => None,
    }
}

fn of_runway(table: &Table) -> Option<(Severity, FindingKind)> {
    let wanted = table.context.policy.premake_months?;
    if let Some(months) = table.months_too_many() {
        return Some((Severity::Critical, FindingKind::TooFarBehind { months }));
    }
    match table.reach() {
        Reach::Until { months, .. } if months < i32::from(wanted) => {
            let severity = if months <= 0 { Severity::Critical } else { Severity::Warning };
            Some((severity, FindingKind::RunwayShort { months, wanted }))
        }
        Reach::Until { .. } | Reach::Endless | Reach::Unknown => None,
    }
}

/// The months that some shards have and others have not.
pub(super) fn differing_shards(shards: &[(ShardId, Vec<Month>)]) -> Vec<Finding> {
    if shards.iter().all(|(_, months)| *months == shards[0].1) {
        return Vec::new();
    }
    let set = |(shard, months): &(ShardId, Vec<Month>)| (*shard, months.iter().copied().collect::<BTreeSet<_>>());
    let shards: Vec<_> = shards.iter().map(set).collect();
    let all: BTreeSet<Month> = shards.iter().flat_map(|(_, months)| months).copied().collect();
    let missing = shards.iter().map(|(shard, months)| (*shard, all.difference(months).copied().collect::<Vec<_>>()));
    missing
        .filter(|(_, missing)| !missing.is_empty())
        .map(|(shard, missing)| Finding {
            severity: Severity::Warning,
            shard: Some(shard),
            kind: FindingKind::ShardDiffers { missing },
        })
        .collect()
}

/// The month that a name of the form `pYYYYMM` says.
fn named_month(name: &str) -> Option<Month> {
    let digits = name.strip_prefix(['p', 'P']).filter(|digits| digits.len() == 6)?;
    let number: u32 = digits.parse().ok()?;
    Month::new(i32::try_from(number / 100).ok()?, number % 100).ok()
}
