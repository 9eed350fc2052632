//! What of a plan goes into its hash: everything that decides what would be done, nothing that merely measures.
//!
//! Invariant: canonical, because it is the JSON of structs, whose fields keep their order.

use payhist_types::Month;
use payhist_types::history::{HistoryName, Policy, Switches};
use payhist_types::inventory::{Inventory, Partition, PartitionExpression, TableState, Twin, TwinState};
use payhist_types::plan::{Guard, PlanHash, RotationPlan};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

#[derive(Serialize)]
struct Essence<'a> {
    history: &'a HistoryName,
    policy: &'a Policy,
    switches: Switches,
    current_month: Month,
    edges: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Found<'a> {
    Partitioned(&'a PartitionExpression, Vec<Twin>),
    Missing,
    NotPartitioned,
    Unreadable,
}

/// The digest of an inventory's tables, partition names, edges and twins.
pub(super) fn of_edges(inventory: &Inventory) -> String {
    let mut digest = Digest::default();
    // Most shards have the same months: a wide history's are hashed once, not a thousand times.
    let mut last: (&[Partition], _) = (&[], of_partitions(&[]));
    for entry in &inventory.shards {
        digest.add(&(entry.shard, &entry.table, found(&entry.state)));
        if let TableState::Partitioned { partitions, .. } = &entry.state {
            if !have_same_edges(partitions, last.0) {
                last = (partitions, of_partitions(partitions));
            }
            digest.add(&last.1);
        }
    }
    digest.hex()
}

fn have_same_edges(some: &[Partition], others: &[Partition]) -> bool {
    some.len() == others.len()
        && some.iter().zip(others).all(|(one, other)| one.name == other.name && one.upper == other.upper)
}

fn of_partitions(partitions: &[Partition]) -> String {
    let mut digest = Digest::default();
    for partition in partitions {
        digest.add(&(&partition.name, &partition.upper));
    }
    digest.hex()
}

fn found(state: &TableState) -> Found<'_> {
    match state {
        TableState::Partitioned { expression, twins, .. } => {
            Found::Partitioned(expression, twins.iter().map(without_counts).collect())
        }
        TableState::Missing => Found::Missing,
        TableState::NotPartitioned => Found::NotPartitioned,
        TableState::Unreadable { .. } | TableState::Misplaced { .. } => Found::Unreadable,
    }
}

/// The hash of a plan, with the SQL that it has.
pub(super) fn of_plan(plan: &RotationPlan) -> PlanHash {
    let mut digest = Digest::default();
    digest.add(&Essence {
        history: &plan.history,
        policy: &plan.policy,
        switches: plan.switches,
        current_month: plan.current_month,
        edges: &plan.edges_digest,
    });
    for step in &plan.steps {
        let guards: Vec<_> = step.blocked_by.iter().map(without_estimate).collect();
        digest.add(&(&step.table, &step.action, guards, &step.sql));
    }
    PlanHash(digest.hex())
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

/// SHA-256, in hexadecimal, of one value's JSON.
pub(crate) fn sha256(value: &impl Serialize) -> String {
    let mut digest = Digest::default();
    digest.add(value);
    digest.hex()
}

/// SHA-256 over values, one after the other: thousands of them never stand in memory at once.
#[derive(Default)]
struct Digest {
    sha256: Sha256,
    bytes: Vec<u8>,
}

impl Digest {
    fn add(&mut self, value: &impl Serialize) {
        self.bytes.clear();
        serde_json::to_writer(&mut self.bytes, value).expect("plain data without maps is always JSON");
        self.sha256.update(&self.bytes);
    }

    fn hex(self) -> String {
        hex::encode(self.sha256.finalize())
    }
}
