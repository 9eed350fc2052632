//! An independent judge of rotation plans: it replays the active steps on the inventory and names every rule broken.
//!
//! Invariant: it shares nothing with the planner but the calendar ([`months`]) and the route, so that one mistake in the planner
//! cannot also make its judge blind. What is doubtful is a violation.

mod adding;
mod held;
mod leaving;
mod violation;

pub use violation::Violation;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_types::ShardId;
use payhist_types::history::{HistorySpec, Route};
use payhist_types::holds::{Hold, RowHold};
use payhist_types::inventory::{
    Archived, Boundary, Carving, Inventory, Partition, PartitionExpression, Restored, ShardInventory, TableState, Twin,
};
use payhist_types::plan::{Action, RotationPlan, Step};

use crate::months;

/// Judges a plan whose SQL is rendered.
///
/// # Errors
/// Every rule that the plan's active steps break.
pub fn check(plan: &RotationPlan, spec: &HistorySpec, inventory: &Inventory) -> Result<(), Vec<Violation>> {
    let mut violations = Vec::new();
    if plan.history != spec.name || inventory.history != spec.name || plan.policy != spec.policy {
        violations.push(Violation::OtherHistoryOrPolicy);
    }
    let Ok(zone) = spec.policy.zone.parse::<Tz>() else { return Err(vec![Violation::UnknownZone]) };
    if plan.current_month != months::month_of(plan.evaluated_at, zone) {
        violations.push(Violation::WrongCurrentMonth(plan.current_month));
    }
    let entries = unmistakable(inventory);
    let mut tables: HashMap<(ShardId, &str), Option<Replay>> = HashMap::new();
    for step in plan.active_steps() {
        let switch = step.action.switch();
        if !plan.switches.is_on(switch) {
            violations.push(Violation::SwitchOff { step: step.key(), switch });
        }
        if step.sql.is_empty() || step.sql.iter().any(|statement| statement.trim().is_empty()) {
            violations.push(Violation::NoSql(step.key()));
        }
        let table = tables.entry((step.shard, &step.table));
        match table.or_insert_with(|| Replay::of(step, plan, spec, inventory, &entries, zone)) {
            Some(table) => violations.extend(table.step(step).err()),
            None => violations.push(Violation::NotInInventory(step.key())),
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

type Entries<'a> = HashMap<(ShardId, &'a str), &'a ShardInventory>;

/// The inventory's entries whose shard and whose table no other entry has.
fn unmistakable(inventory: &Inventory) -> Entries<'_> {
    let mut shards: HashMap<_, u32> = HashMap::new();
    let mut tables: HashMap<_, u32> = HashMap::new();
    for entry in &inventory.shards {
        *shards.entry(entry.shard).or_default() += 1;
        *tables.entry(entry.table.as_str()).or_default() += 1;
    }
    let only = inventory.shards.iter().filter(|entry| shards[&entry.shard] == 1 && tables[entry.table.as_str()] == 1);
    only.map(|entry| ((entry.shard, entry.table.as_str()), entry)).collect()
}

/// One table, as it is after the steps so far.
struct Replay<'a> {
    plan: &'a RotationPlan,
    zone: Tz,
    shard: ShardId,
    /// A user's hold counts only for the shard that holds the user.
    route: &'a Route,
    holds: Option<&'a [Hold]>,
    name: &'a str,
    catalogue: &'a [Partition],
    edges_in_order: bool,
    highest: Option<DateTime<Utc>>,
    twins: &'a [Twin],
    carving: &'a Carving,
    /// Partitions out of which held rows were carved, and the holds whose rows they were.
    carved: Vec<(&'a str, &'a [RowHold])>,
    restored: &'a [Restored],
    max_value_rows: Option<u64>,
    archived: &'a [Archived],
    added: Vec<(&'a str, DateTime<Utc>)>,
    dropped: usize,
}

impl<'a> Replay<'a> {
    fn of(
        step: &'a Step,
        plan: &'a RotationPlan,
        spec: &'a HistorySpec,
        inventory: &'a Inventory,
        entries: &Entries<'a>,
        zone: Tz,
    ) -> Option<Self> {
        let entry = entries.get(&(step.shard, step.table.as_str()))?;
        match &entry.state {
            TableState::Partitioned { expression, partitions, twins, carving } if is_known(expression) => {
                let (shard, name, restored) = (step.shard, step.table.as_str(), entry.restored.as_slice());
                let (catalogue, archived, added) = (partitions, entry.archived.as_slice(), Vec::new());
                let max_value_rows = entry.max_value_rows;
                let (route, holds) = (&spec.route, inventory.holds.as_deref());
                Some(Self {
                    plan,
                    zone,
                    shard,
                    route,
                    holds,
                    name,
                    catalogue,
                    edges_in_order: are_in_order(catalogue),
                    highest: catalogue.iter().filter_map(edge_of).max(),
                    twins,
                    carving,
                    carved: Vec::new(),
                    restored,
                    archived,
                    max_value_rows,
                    added,
                    dropped: 0,
                })
            }
            _ => None,
        }
    }

    fn step(&mut self, step: &'a Step) -> Result<(), Violation> {
        match &step.action {
            Action::AddMonth { month, partition, before } => self.add(step, *month, partition, *before),
            Action::SplitMaxValue { month, partition, into } => self.split(step, *month, partition, into),
            // A drop that is not told to take older rows along is not the oldest's.
            Action::DropMonth { open_below: false, .. } => Err(Violation::NotOldest(step.key())),
            Action::DropMonth { month, partition, before, .. } => {
                if self.plan.policy.quarantine_days.is_some() || self.twin_of(partition).is_some() {
                    return Err(Violation::NotQuarantined(step.key()));
                }
                self.drop(step, *month, partition, *before)
            }
            Action::QuarantineMonth { month, partition, before, twin } => {
                self.quarantine(step, *month, partition, *before, twin)
            }
            Action::QuarantineLateRows { month, partition, before, twin } => {
                self.in_quarantine(step, partition, *before, twin, |late| late.is_some_and(|rows| rows > 0))?;
                self.leaves(step, *month, partition, *before)
            }
            Action::ArchiveMonth { month, partition, before, twin } => {
                if self.plan.policy.archive.is_none() {
                    return Err(Violation::ArchiveNotWanted(step.key()));
                }
                self.in_quarantine(step, partition, *before, twin, |late| late == Some(0))?;
                self.leaves(step, *month, partition, *before)
            }
            Action::DropQuarantined { month, partition, before, twin } => {
                self.in_quarantine(step, partition, *before, twin, |late| late == Some(0))?;
                self.drop(step, *month, partition, *before)
            }
            Action::CarveOut { partition, before, twin, held, holds, .. } => {
                self.carve_out(step, partition, *before, twin.as_deref(), held, holds)
            }
            Action::DeleteHeld { month, before, held, keeps } => self.delete_held(step, *month, *before, held, keeps),
            _ => Err(Violation::NotInInventory(step.key())),
        }
    }
}

/// Every edge is readable and above the one before, and only the last may be open.
fn are_in_order(catalogue: &[Partition]) -> bool {
    let edges: Option<Vec<_>> = catalogue.iter().filter(|partition| !is_open(partition)).map(edge_of).collect();
    let open_before_the_end = catalogue.iter().rev().skip(1).any(is_open);
    !open_before_the_end && edges.is_some_and(|edges| edges.is_sorted_by(|one, next| one < next))
}

fn edge_of(partition: &Partition) -> Option<DateTime<Utc>> {
    match partition.upper {
        Boundary::Before(edge) => Some(edge),
        Boundary::MaxValue | Boundary::Unknown(_) => None,
    }
}

fn is_open(partition: &Partition) -> bool {
    partition.upper == Boundary::MaxValue
}

fn is_known(expression: &PartitionExpression) -> bool {
    !matches!(expression, PartitionExpression::Unknown { .. })
}
