//! The partition map: every shard, every month, and what is wrong.

use super::plan_on;
use crate::auth::{Permit, ViewPartitions};
use crate::holds::{KeptRows, count_rows};
use crate::zone::local;
use crate::{Ops, OpsError, catalogue, histories, zone};
use chrono_tz::Tz;
use payhist_plan::classify::{Kind, classify};
use payhist_storage::histories::History;
use payhist_types::Month;
use payhist_types::history::HistorySpec;
use payhist_types::holds::{Hold, HoldScope};
use payhist_types::inventory::{Boundary, Inventory, Partition, ShardInventory, TableState, Twin, TwinState};
use payhist_types::partition::{MapCell, MapRow, MonthState, PartitionMap};
use payhist_types::plan::RotationPlan;
use std::collections::BTreeMap;

/// Widest map: ten years. Older months are left out, not newer ones.
const MONTHS_MAX: usize = 120;

/// The map of a history.
pub async fn map(ops: &Ops, _permit: &Permit<ViewPartitions>, history: &str) -> Result<PartitionMap, OpsError> {
    let history = histories::find(ops, history).await?;
    let inventory = catalogue::read_for_plan(ops, &history).await?;
    let holds = inventory.holds.as_deref().unwrap_or_default();
    let rows = count_rows(ops, &history, &inventory.shards, holds).await?;
    map_of(ops, &history, &inventory, &rows).await
}

/// The map of a history whose inventory was read, and whose held rows were counted, already.
pub(crate) async fn map_of(
    ops: &Ops,
    history: &History,
    inventory: &Inventory,
    rows: &KeptRows,
) -> Result<PartitionMap, OpsError> {
    let zone = zone::parse(&history.spec.policy.zone)?;
    let plan = plan_on(ops, history, inventory).await?;
    let months = months(&plan, &inventory.shards, zone);
    let policy = &plan.policy;
    let retained_from = policy.retention_months.and_then(|kept| plan.current_month.plus(-i32::from(kept)));
    let frame = Frame {
        zone,
        current: plan.current_month,
        retained_from,
        months: &months,
        spec: &history.spec,
        holds: inventory.holds.as_deref().unwrap_or_default(),
        rows,
    };
    let mut findings = plan.findings.clone();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Ok(PartitionMap {
        history: history.spec.name.to_string(),
        zone: zone.name().to_owned(),
        rows: inventory.shards.iter().map(|shard| frame.row(shard)).collect(),
        current: plan.current_month,
        retained_from,
        findings,
        runway: plan.runway,
        held_rows_not_counted: rows.not_counted(),
        switches: plan.switches,
        premake_months: policy.premake_months,
        retention_months: policy.retention_months,
        read_at: local(inventory.read_at, zone),
        months,
    })
}

/// From the oldest partition to the farthest month that exists or is planned.
fn months(plan: &RotationPlan, shards: &[ShardInventory], zone: Tz) -> Vec<Month> {
    let existing = shards.iter().flat_map(partitions).filter_map(|partition| month_before(&partition.upper, zone));
    let planned = plan.steps.iter().flat_map(|step| step.action.added_months());
    // A history that grows is shown up to today; a closed one, imported from an old file, ends where it ends.
    let today = plan.policy.premake_months.map(|_| plan.current_month);
    let all: Vec<_> = existing.chain(planned).chain(today).collect();
    let (Some(first), Some(last)) = (all.iter().min(), all.iter().max()) else { return Vec::new() };
    let months: Vec<_> = Month::range(*first, *last).collect();
    months[months.len().saturating_sub(MONTHS_MAX)..].to_vec()
}

fn partitions(shard: &ShardInventory) -> &[Partition] {
    match &shard.state {
        TableState::Partitioned { partitions, .. } => partitions,
        _ => &[],
    }
}

/// The twin that holds the partition's rows.
fn quarantine_of<'a>(shard: &'a ShardInventory, partition: &str) -> Option<&'a Twin> {
    let TableState::Partitioned { twins, .. } = &shard.state else { return None };
    let holds = |twin: &&Twin| matches!(twin.state, TwinState::Quarantined { .. });
    twins.iter().filter(holds).find(|twin| twin.partition.as_deref() == Some(partition))
}

fn month_before(upper: &Boundary, zone: Tz) -> Option<Month> {
    match upper {
        Boundary::Before(edge) => {
            Some(payhist_plan::months::month_of(*edge - chrono::TimeDelta::microseconds(1), zone))
        }
        _ => None,
    }
}

struct Frame<'a> {
    zone: Tz,
    current: Month,
    retained_from: Option<Month>,
    months: &'a [Month],
    spec: &'a HistorySpec,
    holds: &'a [Hold],
    rows: &'a KeptRows,
}

impl Frame<'_> {
    fn row(&self, shard: &ShardInventory) -> MapRow {
        let problem = shard.state.problem();
        let cells = if problem.is_some() { Vec::new() } else { self.cells(shard) };
        let source = self.spec.source.of(shard.shard).to_owned();
        MapRow { shard: shard.shard, table: shard.table.clone(), source, cells, problem }
    }

    fn cells(&self, shard: &ShardInventory) -> Vec<MapCell> {
        let mut by_month: BTreeMap<Month, (&Partition, MonthState)> = BTreeMap::new();
        for classified in classify(partitions(shard), self.zone) {
            let partition = classified.partition;
            match classified.kind {
                Kind::Month(month) => drop(by_month.insert(month, (partition, self.state(shard, month)))),
                // An irregular partition is shown in every month that it covers.
                Kind::Irregular { from, before } => {
                    let last = payhist_plan::months::month_of(before - chrono::TimeDelta::microseconds(1), self.zone);
                    let first = from.map_or(last, |from| payhist_plan::months::month_of(from, self.zone));
                    for month in Month::range(first, last) {
                        by_month.insert(month, (partition, MonthState::Irregular));
                    }
                }
                _ => {}
            }
        }
        // A table's oldest partition has the rows of older months, too.
        let oldest = by_month.keys().next().copied();
        let from = |month: Month| if Some(month) == oldest { Month::MIN } else { month };
        let cell = |month: &Month| match by_month.get(month) {
            Some((partition, state)) => {
                let twin = quarantine_of(shard, &partition.name);
                MapCell {
                    month: *month,
                    state: if twin.is_some() { MonthState::Quarantined } else { *state },
                    partition: Some(partition.name.clone()),
                    rows_estimate: twin.map_or(partition.rows_estimate, |twin| twin.rows_estimate),
                    bytes: twin.map_or(partition.bytes, |twin| twin.bytes),
                    holds: self.holds_of(*month),
                    held_rows: self.rows.holds_in(shard.shard, from(*month), *month),
                    archived: shard.archived.iter().any(|archived| archived.month == *month),
                }
            }
            None => MapCell {
                month: *month,
                state: MonthState::Missing,
                partition: None,
                rows_estimate: 0,
                bytes: 0,
                holds: Vec::new(),
                held_rows: Vec::new(),
                archived: false,
            },
        };
        self.months.iter().map(cell).collect()
    }

    /// Those on the month itself or on all of them; a user's and an order's are not a month's.
    fn holds_of(&self, month: Month) -> Vec<u64> {
        let bears = |scope: &HoldScope| match scope {
            HoldScope::Month { month: held } => *held == month,
            HoldScope::History | HoldScope::Unknown { .. } => true,
            HoldScope::User { .. } | HoldScope::Order { .. } => false,
        };
        self.holds.iter().filter(|hold| bears(&hold.scope)).map(|hold| hold.id).collect()
    }

    fn state(&self, shard: &ShardInventory, month: Month) -> MonthState {
        if shard.restored.iter().any(|restored| restored.month == month) {
            MonthState::Restored
        } else if month > self.current {
            MonthState::Future
        } else if month == self.current {
            MonthState::Open
        } else if self.retained_from.is_some_and(|kept| month < kept) {
            MonthState::Expiring
        } else {
            MonthState::Closed
        }
    }
}
