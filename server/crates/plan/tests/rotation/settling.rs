//! A step that turns out not to run when its SQL is rendered takes along those that rely on it; and what the hash sees.

use chrono_tz::{Asia, Tz};
use payhist_plan::rotation::rehash;
use payhist_types::history::Switch;
use payhist_types::inventory::{Boundary, Inventory, Partition};
use payhist_types::plan::{Guard, RotationPlan, Step};

use crate::model::{ALL_ON, at, inventory, months_of, partitioned, partitions_mut, plan, spec};

const NOW: &str = "2026-11-23T12:00:00Z";

/// Adds 2025-10 to 2026-12 and drops all that there is, 2025-08 and 2025-09.
fn dead() -> (RotationPlan, Inventory) {
    let spec = spec(Tz::UTC, 1, Some(1), Some(12));
    let inventory = inventory(&spec, vec![partitioned(months_of("2025-08", "2025-09", Tz::UTC))]);
    (plan(&spec, &inventory, ALL_ON, at(NOW)), inventory)
}

fn active(plan: &RotationPlan) -> Vec<String> {
    plan.active_steps().map(Step::key).collect()
}

#[test]
fn an_inexpressible_add_blocks_later_adds_but_not_earlier_ones() {
    let (mut plan, _) = dead();
    let why = Guard::NotExpressible { reason: "not at midnight".into() };
    plan.steps[2].blocked_by.push(why.clone());
    rehash(&mut plan);
    assert_eq!(active(&plan), ["s0:add:2025-10", "s0:add:2025-11", "s0:drop:2025-08", "s0:drop:2025-09"]);
    assert_eq!(plan.steps[7].blocked_by, [why]);
}

#[test]
fn without_any_expressible_add_the_last_partition_stays() {
    let (mut plan, _) = dead();
    plan.steps[0].blocked_by.push(Guard::NotExpressible { reason: "not at midnight".into() });
    rehash(&mut plan);
    assert_eq!(active(&plan), ["s0:drop:2025-08"]);
}

#[test]
fn hashing_twice_changes_nothing() {
    let (mut plan, _) = dead();
    plan.steps[0].blocked_by.push(Guard::LastPartition);
    rehash(&mut plan);
    let once = plan.clone();
    rehash(&mut plan);
    assert_eq!(plan, once);
}

#[test]
fn a_taken_name_blocks_its_month_and_those_that_would_follow_it() {
    let spec = spec(Tz::UTC, 1, Some(2), None);
    let mut inventory = inventory(&spec, vec![partitioned(months_of("2026-08", "2026-10", Tz::UTC))]);
    partitions_mut(&mut inventory, 0)[0].name = "P202612".into();
    let plan = plan(&spec, &inventory, ALL_ON, at(NOW));
    assert_eq!(active(&plan), ["s0:add:2026-11"]);
    assert_eq!(plan.steps[2].blocked_by, [Guard::NameTaken { partition: "P202612".into() }]);
}

#[test]
fn the_hash_tells_edges_names_policy_switches_month_guards_and_sql_apart() {
    let (base, original) = dead();
    let spec_of = |retention| spec(Tz::UTC, 1, Some(1), retention);
    let replan = |inventory: &Inventory| plan(&spec_of(Some(12)), inventory, ALL_ON, at(NOW)).hash;
    assert_eq!(replan(&original), base.hash);
    assert_eq!(base.hash.0.len(), 64);
    let mut edge = original.clone();
    partitions_mut(&mut edge, 0)[0].upper = Boundary::Before(at("2025-08-31T23:00:00Z"));
    let mut name = original.clone();
    partitions_mut(&mut name, 0)[0].name = "other".into();
    let mut sql = base.clone();
    sql.steps[0].sql[0].push(' ');
    rehash(&mut sql);
    let mut guard = base.clone();
    guard.steps[0].blocked_by.push(Guard::LastPartition);
    rehash(&mut guard);
    let seoul = spec(Asia::Seoul, 1, Some(1), Some(12));
    let hashes = [
        base.hash,
        replan(&edge),
        replan(&name),
        sql.hash,
        guard.hash,
        plan(&spec_of(Some(13)), &original, ALL_ON, at(NOW)).hash,
        plan(&spec_of(Some(12)), &original, ALL_ON.with(Switch::Erase, false), at(NOW)).hash,
        plan(&spec_of(Some(12)), &original, ALL_ON, at("2026-12-01T00:00:00Z")).hash,
        plan(&seoul, &original, ALL_ON, at(NOW)).hash,
    ];
    let distinct: std::collections::HashSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
}

#[test]
fn an_edge_that_needs_no_step_changes_the_hash_as_well() {
    let spec = spec(Tz::UTC, 1, Some(1), None);
    let mut inventory = inventory(&spec, vec![partitioned(months_of("2026-01", "2026-12", Tz::UTC))]);
    let before = plan(&spec, &inventory, ALL_ON, at(NOW));
    partitions_mut(&mut inventory, 0).remove(3);
    let after = plan(&spec, &inventory, ALL_ON, at(NOW));
    assert_eq!((before.steps.len(), after.steps.len()), (0, 0));
    assert_ne!(before.hash, after.hash);
}

#[test]
fn a_name_edge_or_month_that_only_a_later_shard_has_changes_the_hash() {
    let spec = spec(Tz::UTC, 3, Some(1), None);
    let months = || partitioned(months_of("2026-01", "2026-12", Tz::UTC));
    let alike = inventory(&spec, vec![months(), months(), months()]);
    let with = |change: fn(&mut Vec<Partition>)| {
        let mut inventory = alike.clone();
        change(partitions_mut(&mut inventory, 1));
        plan(&spec, &inventory, ALL_ON, at(NOW)).hash
    };
    let hashes = [
        with(|_| ()),
        with(|partitions| partitions[3].name.push('x')),
        with(|partitions| partitions[3].upper = Boundary::Before(at("2026-04-30T23:00:00Z"))),
        with(|partitions| drop(partitions.remove(3))),
        with(Vec::clear),
    ];
    let distinct: std::collections::HashSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
}
