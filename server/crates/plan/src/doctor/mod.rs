//! What is wrong with a history: facts in, ailments out. Words and SQL are `payhist_dialect::doctor`'s.
//!
//! Invariants: the planner's own findings are all here, so that what keeps it from planning is never passed over; what
//! could not be looked at is an ailment, too ([`Ailment::NotChecked`]).

mod ailment;
mod conversion;
pub mod differences;
pub mod facts;
pub mod layout;
mod mapping;
mod server;
pub mod sources;
mod table;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_types::ShardId;
use payhist_types::doctor::Severity;
use payhist_types::findings::Finding as PlanFinding;
use payhist_types::history::{HistorySpec, Switches};
use payhist_types::inventory::{HeldState, Inventory, ShardInventory, TableState, Twin, TwinState};
use payhist_types::plan::RotationPlan;

use crate::conversion::{KEPT_SUFFIX, is_shadow};
use crate::rotation::{self, PlanError};
use crate::validate::validate;
pub use ailment::Ailment;
use differences::Difference;
use facts::Facts;
pub use server::{CONNECTION_ADMIN, LOCK_HOLDERS, replicas};

/// An ailment and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How bad.
    pub severity: Severity,
    /// The shard; `None`: all of them.
    pub shard: Option<ShardId>,
    /// The table.
    pub table: Option<String>,
    /// What.
    pub ailment: Ailment,
}

/// What every judgement needs.
struct Case<'a> {
    spec: &'a HistorySpec,
    facts: &'a Facts,
    plan: RotationPlan,
    zone: Tz,
    now: DateTime<Utc>,
}

impl<'a> Case<'a> {
    /// The shards that live on the source.
    fn entries(&self) -> impl Iterator<Item = &'a ShardInventory> + use<'a> {
        let (spec, source) = (self.spec, self.facts.source.as_str());
        self.facts.inventory.shards.iter().filter(move |entry| spec.source.of(entry.shard) == source)
    }
}

/// The findings of those of a history's shards whose source could not be asked, with the reason.
///
/// # Errors
/// As [`rotation::plan`].
pub fn unreadable(
    spec: &HistorySpec,
    source: &str,
    inventory: &Inventory,
    reason: String,
    now: DateTime<Utc>,
) -> Result<Vec<Found>, PlanError> {
    let planner = rotation::plan(spec, inventory, &Switches::default(), now)?.findings.into_iter();
    let of_source = |finding: &PlanFinding| finding.shard.is_none_or(|shard| spec.source.of(shard) == source);
    let planner = planner.filter(of_source).map(|finding| (finding.shard, Ailment::Planner(finding.kind)));
    let all = std::iter::once((None, Ailment::NotChecked(reason))).chain(planner);
    Ok(all.map(|(shard, ailment)| found(spec, Severity::Error, shard, ailment)).collect())
}

/// Examines what one source has of a history. The whole history's ailments come first, then each shard's, in the order of their mending.
///
/// # Errors
/// As [`rotation::plan`].
pub fn examine(spec: &HistorySpec, facts: &Facts, now: DateTime<Utc>) -> Result<Vec<Found>, PlanError> {
    let zone = validate(spec).map_err(|_| PlanError::UnknownZone(spec.policy.zone.clone()))?;
    let plan = rotation::plan(spec, &facts.inventory, &Switches::default(), now)?;
    let case = Case { spec, facts, plan, zone, now };
    let mut ailments = server::examine(&case);
    // Without a privilege the catalogue shows no tables: all else would be a false alarm.
    if server::sees_nothing(&case) {
        return Ok(ailments);
    }
    ailments.extend(mapping::of_history(&case));
    for entry in case.entries() {
        ailments.extend(table::examine(&case, entry));
        ailments.extend(conversion::examine(&case, entry));
        ailments.extend(mapping::of_shard(&case, entry));
        ailments.extend(orphans(&case, &entry.table, entry.shard));
    }
    // Shards on different sources may be of different engines, which spell the same columns differently.
    let shapes: Vec<_> =
        case.entries().filter_map(|entry| Some((entry.shard, facts.tables.get(&entry.table)?))).collect();
    let differences = differences::between(&shapes).into_iter();
    ailments.extend(differences.map(|(shard, how)| found(spec, Severity::Warning, Some(shard), Ailment::Differs(how))));
    // A table of another engine perhaps takes no partitions: that is mended first.
    ailments.sort_by_key(|found| (found.shard, !matches!(found.ailment, Ailment::Differs(Difference::Engine { .. }))));
    Ok(ailments)
}

fn found(spec: &HistorySpec, severity: Severity, shard: Option<ShardId>, ailment: Ailment) -> Found {
    Found { severity, shard, table: shard.map(|shard| spec.table_of(shard)), ailment }
}

/// Tables without partitions that have a shard's columns, and its name as the beginning of theirs; not the twins of
/// partitions that are there nor the held rows, which rotation and restore look after.
fn orphans<'a>(case: &'a Case, shard_table: &'a str, shard: ShardId) -> impl Iterator<Item = Found> + use<'a> {
    let shards = || case.facts.inventory.shards.iter().map(|entry| entry.table.as_str());
    // `…_1` is the beginning of `…_10_x` as well: the longest name owns it.
    let owner = move |name: &str| shards().filter(|shard| name.starts_with(shard)).max_by_key(|shard| shard.len());
    let shape = case.facts.tables.get(shard_table).filter(|table| table.partitioned);
    let at_work: BTreeSet<_> = case.facts.inventory.shards.iter().flat_map(|entry| at_work(&entry.state)).collect();
    let names = |table: &facts::Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let others = case.facts.tables.iter().filter(move |(name, table)| {
        !table.partitioned
            && !shards().any(|shard| shard == name.as_str())
            && !at_work.contains(name.as_str())
            && !name.ends_with(KEPT_SUFFIX)
            && !is_shadow(name, shard_table)
            && owner(name) == Some(shard_table)
            && shape.is_some_and(|shape| names(shape) == names(table))
    });
    others.map(move |(name, _)| Found {
        severity: Severity::Warning,
        shard: Some(shard),
        table: Some(name.clone()),
        ailment: Ailment::Orphan,
    })
}

/// The twins and the held-rows table that rotation looks after.
fn at_work(state: &TableState) -> impl Iterator<Item = &str> {
    let (partitions, twins, held) = match state {
        TableState::Partitioned { partitions, twins, carving, .. } => {
            (partitions.as_slice(), twins.as_slice(), carving.held.as_ref())
        }
        _ => (&[][..], &[][..], None),
    };
    let held = held.filter(|held| held.state != HeldState::Foreign).map(|held| held.name.as_str());
    let is_at_work = |twin: &&Twin| {
        twin.state != TwinState::Foreign && partitions.iter().any(|part| Some(&part.name) == twin.partition.as_ref())
    };
    twins.iter().filter(is_at_work).map(|twin| twin.name.as_str()).chain(held)
}

/// Is there anything to say of this table's partitions at all?
fn is_managed(state: &TableState) -> bool {
    use payhist_types::inventory::PartitionExpression;
    matches!(state, TableState::Partitioned { expression, .. } if !matches!(expression, PartitionExpression::Unknown { .. }))
}
