//! What of a plan goes into its hash: everything that decides what would be done, nothing that merely measures.
//!
//! Invariant: canonical, because it is the JSON of structs, whose fields keep their order.

use payhist_types::Month;
use payhist_types::history::{HistoryName, Policy, Switches};
use payhist_types::inventory::{Boundary, Inventory, PartitionExpression, TableState, Twin, TwinState};
use payhist_types::plan::{Action, Guard, PlanHash, RotationPlan, Step};
use serde::Serialize;
use sha2::{Digest, Sha256};

#[derive(Serialize)]
struct Essence<'a> {
    history: &'a HistoryName,
    policy: &'a Policy,
    switches: Switches,
    current_month: Month,
    edges: &'a str,
    steps: Vec<(&'a str, &'a Action, Vec<Guard>, &'a [String])>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Found<'a> {
    Partitions(&'a PartitionExpression, Vec<(&'a str, &'a Boundary)>, Vec<Twin>),
    Missing,
    NotPartitioned,
    Unreadable,
}

/// The digest of an inventory's tables, partition names, edges and twins.
pub(super) fn of_edges(inventory: &Inventory) -> String {
    let tables = inventory.shards.iter().map(|entry| (entry.shard, &entry.table, found(&entry.state)));
    sha256(&tables.collect::<Vec<_>>())
}

fn found(state: &TableState) -> Found<'_> {
    match state {
        TableState::Partitioned { expression, partitions, twins, .. } => {
            let edges = partitions.iter().map(|partition| (partition.name.as_str(), &partition.upper));
            Found::Partitions(expression, edges.collect(), twins.iter().map(without_counts).collect())
        }
        TableState::Missing => Found::Missing,
        TableState::NotPartitioned => Found::NotPartitioned,
        TableState::Unreadable { .. } | TableState::Misplaced { .. } => Found::Unreadable,
    }
}

/// The hash of a plan, with the SQL that it has.
pub(super) fn of_plan(plan: &RotationPlan) -> PlanHash {
    let guards = |step: &Step| step.blocked_by.iter().map(without_estimate).collect();
    let steps = plan.steps.iter().map(|step| (step.table.as_str(), &step.action, guards(step), step.sql.as_slice()));
    PlanHash(sha256(&Essence {
        history: &plan.history,
        policy: &plan.policy,
        switches: plan.switches,
        current_month: plan.current_month,
        edges: &plan.edges_digest,
        steps: steps.collect(),
    }))
}

fn without_estimate(guard: &Guard) -> Guard {
    match guard.clone() {
        Guard::MaxValueHasRows { partition, rows } => Guard::MaxValueHasRows { partition, rows: rows.map(|_| 1) },
        Guard::OutsideWindow { .. } => Guard::OutsideWindow { opens: None },
        Guard::TooLargeOutsideWindow { bytes_max, .. } => {
            Guard::TooLargeOutsideWindow { bytes: 0, bytes_max, opens: None }
        }
        Guard::LateRows { rows } => Guard::LateRows { rows: rows.map(|_| 1) },
        other => other,
    }
}

/// That a twin has rows which it should not have shows in the guards.
fn without_counts(twin: &Twin) -> Twin {
    let state = match twin.state {
        TwinState::Unfinished { .. } => TwinState::Unfinished { rows: None },
        TwinState::Prepared { .. } => TwinState::Prepared { rows: None },
        TwinState::Quarantined { .. } => TwinState::Quarantined { late_rows: None },
        TwinState::Foreign => TwinState::Foreign,
    };
    Twin { state, rows_estimate: 0, bytes: 0, ..twin.clone() }
}

fn sha256(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("plain data without maps is always JSON");
    hex::encode(Sha256::digest(json))
}
