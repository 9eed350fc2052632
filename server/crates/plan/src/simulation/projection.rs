//! An inventory as plans would leave it.
//!
//! Invariant: a month that was over keeps its own figures; one that was not has the mean of those that were, shard by
//! shard, and so is an extrapolation.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_types::Month;
use payhist_types::inventory::{Archived, Boundary, Inventory, Partition, TableState, Twin, TwinState};
use payhist_types::plan::{Action, RotationPlan, Step};

use crate::classify::{Kind, classify};

/// How many of the latest months that are over count for the mean.
const MONTHS_OF_MEAN: usize = 12;

/// Rows and bytes of a month.
type Size = (u64, u64);

pub(super) struct Projection {
    inventory: Inventory,
    /// In the order of the inventory's shards.
    typical: Vec<Size>,
}

impl Projection {
    /// `current`: the month that runs when the simulation begins.
    pub(super) fn new(inventory: &Inventory, zone: Tz, current: Month) -> Self {
        let mut inventory = inventory.clone();
        let typical = inventory.shards.iter_mut().map(|shard| fill(&mut shard.state, zone, current)).collect();
        Self { inventory, typical }
    }

    pub(super) const fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Carries out a plan's active steps. One of another kind than those below leaves the partitions as they are.
    pub(super) fn apply(&mut self, plan: &RotationPlan) {
        for step in plan.active_steps() {
            let shard =
                self.inventory.shards.iter_mut().zip(&self.typical).find(|(shard, _)| shard.table == step.table);
            if let Some((shard, typical)) = shard
                && let TableState::Partitioned { partitions, twins, carving, .. } = &mut shard.state
            {
                carry_out(step, partitions, twins, *typical);
                if let (Action::DeleteHeld { .. }, Some(held)) = (&step.action, &mut carving.held) {
                    held.released_rows = Some(0);
                }
                if let (Action::ArchiveMonth { month, before, .. }, Some(target)) = (&step.action, &plan.policy.archive)
                {
                    let (month, before, target) = (*month, *before, target.clone());
                    shard.archived.push(Archived { month, before, target });
                }
            }
        }
    }
}

/// Gives the months that are not over the size of those that are, and answers it.
fn fill(state: &mut TableState, zone: Tz, current: Month) -> Size {
    let TableState::Partitioned { partitions, twins, .. } = state else { return (0, 0) };
    let months: Vec<_> = classify(partitions, zone)
        .into_iter()
        .map(|classified| match classified.kind {
            Kind::Month(month) => Some(month),
            Kind::Irregular { .. } | Kind::MaxValue | Kind::Unknown => None,
        })
        .collect();
    let sized = |(partition, month): (&Partition, &Option<Month>)| {
        let twin = twins.iter().find(|twin| twin.partition.as_ref() == Some(&partition.name));
        let size = twin.map_or((partition.rows_estimate, partition.bytes), |twin| (twin.rows_estimate, twin.bytes));
        month.filter(|month| *month < current).map(|_| size)
    };
    let over: Vec<Size> = partitions.iter().zip(&months).rev().filter_map(sized).take(MONTHS_OF_MEAN).collect();
    let mean = |of: fn(&Size) -> u64| over.iter().map(of).sum::<u64>().checked_div(over.len() as u64).unwrap_or(0);
    let typical = (mean(|size| size.0), mean(|size| size.1));
    for (partition, _) in partitions.iter_mut().zip(months).filter(|(_, month)| *month >= Some(current)) {
        partition.rows_estimate = partition.rows_estimate.max(typical.0);
        partition.bytes = partition.bytes.max(typical.1);
    }
    typical
}

fn month(name: &str, before: DateTime<Utc>, older: usize, (rows_estimate, bytes): Size) -> Partition {
    let ordinal = u32::try_from(older).map_or(u32::MAX, |older| older + 1);
    Partition { name: name.to_owned(), ordinal, upper: Boundary::Before(before), rows_estimate, bytes }
}

fn carry_out(step: &Step, partitions: &mut Vec<Partition>, twins: &mut Vec<Twin>, typical: Size) {
    match &step.action {
        Action::AddMonth { partition, before, .. } => {
            partitions.push(month(partition, *before, partitions.len(), typical));
        }
        Action::SplitMaxValue { into, .. } => {
            let max = partitions.pop();
            for new in into {
                partitions.push(month(&new.partition, new.before, partitions.len(), typical));
            }
            partitions.extend(max);
        }
        Action::DropMonth { partition, .. } => partitions.retain(|kept| kept.name != *partition),
        Action::QuarantineMonth { partition, before, twin, .. } => {
            twins.retain(|kept| kept.name != *twin);
            twins.push(Twin {
                name: twin.clone(),
                partition: Some(partition.clone()),
                before: Some(*before),
                state: TwinState::Quarantined { late_rows: Some(0) },
                same_columns: true,
                rows_estimate: step.rows_estimate,
                bytes: step.bytes,
            });
            for emptied in partitions.iter_mut().filter(|emptied| emptied.name == *partition) {
                (emptied.rows_estimate, emptied.bytes) = (0, 0);
            }
        }
        Action::QuarantineLateRows { twin, .. } => {
            for joined in twins.iter_mut().filter(|joined| joined.name == *twin) {
                joined.state = TwinState::Quarantined { late_rows: Some(0) };
                joined.rows_estimate += step.rows_estimate;
            }
        }
        Action::DropQuarantined { partition, twin, .. } => {
            twins.retain(|kept| kept.name != *twin);
            partitions.retain(|kept| kept.name != *partition);
        }
        _ => {}
    }
}
