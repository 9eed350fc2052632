//! What is dropped, and what keeps it from being dropped.

use chrono::TimeDelta;
use chrono_tz::{Asia, Europe, Tz};
use payhist_types::history::{Switch, Switches};
use payhist_types::inventory::{Boundary, Partition};
use payhist_types::plan::{Guard, RotationPlan};

use crate::model::{ALL_ON, at, inventory, month, months_of, partition, partitioned, plan, spec};

const NOW: &str = "2026-11-23T12:00:00Z";

/// Plans one table: premake 1 month, retention 12.
fn planned(partitions: Vec<Partition>, switches: Switches) -> RotationPlan {
    let spec = spec(Tz::UTC, 1, Some(1), Some(12));
    plan(&spec, &inventory(&spec, vec![partitioned(partitions)]), switches, at(NOW))
}

fn guards(plan: &RotationPlan) -> Vec<(String, Vec<Guard>)> {
    plan.steps.iter().map(|step| (step.key(), step.blocked_by.clone())).collect()
}

fn active(plan: &RotationPlan) -> Vec<String> {
    plan.active_steps().map(payhist_types::plan::Step::key).collect()
}

fn older_stays(partition: &str) -> Guard {
    Guard::OlderPartitionStays { partition: partition.into() }
}

#[test]
fn exactly_the_months_older_than_the_retention_are_dropped_oldest_first() {
    let plan = planned(months_of("2025-09", "2026-12", Tz::UTC), ALL_ON);
    assert_eq!(active(&plan), ["s0:drop:2025-09", "s0:drop:2025-10"]);
}

#[test]
fn a_month_expires_when_the_business_zones_calendar_turns() {
    let drops = |zone, now| {
        let spec = spec(zone, 1, None, Some(12));
        let inventory = inventory(&spec, vec![partitioned(months_of("2025-10", "2026-12", zone))]);
        active(&plan(&spec, &inventory, ALL_ON, at(now)))
    };
    let new_year_in_seoul = "2026-10-31T15:00:00Z";
    assert_eq!(drops(Asia::Seoul, new_year_in_seoul), ["s0:drop:2025-10"]);
    assert_eq!(drops(Europe::London, new_year_in_seoul), Vec::<String>::new());
}

#[test]
fn without_a_retention_everything_is_kept_and_without_premake_nothing_is_added() {
    let spec = spec(Tz::UTC, 1, None, None);
    let plan =
        plan(&spec, &inventory(&spec, vec![partitioned(months_of("1997-01", "1998-06", Tz::UTC))]), ALL_ON, at(NOW));
    assert_eq!((plan.steps, plan.findings), (vec![], vec![]));
}

#[test]
fn the_drop_switch_blocks_drops_and_adds_go_on() {
    let plan = planned(months_of("2025-10", "2026-11", Tz::UTC), ALL_ON.with(Switch::Drop, false));
    let off = Guard::SwitchOff { switch: Switch::Drop };
    assert_eq!(guards(&plan), [("s0:add:2026-12".into(), vec![]), ("s0:drop:2025-10".into(), vec![off])]);
}

#[test]
fn an_unknown_boundary_anywhere_blocks_every_drop_of_its_table_and_no_add_above_a_known_edge() {
    let mut partitions = months_of("2025-09", "2026-11", Tz::UTC);
    partitions[9].upper = Boundary::Unknown("f()".into());
    let plan = planned(partitions, ALL_ON);
    assert_eq!(active(&plan), ["s0:add:2026-12"]);
    let unknown = Guard::UnknownBoundary { partition: "p202606".into() };
    assert!(plan.steps[1..].iter().all(|step| step.blocked_by.contains(&unknown)));
}

#[test]
fn nothing_is_added_above_an_unknown_boundary_or_above_misread_ones() {
    let mut unknown = months_of("2026-05", "2026-11", Tz::UTC);
    unknown.push(partition("mystery", Boundary::Unknown("f()".into())));
    let mut swapped = months_of("2025-05", "2026-11", Tz::UTC);
    swapped.swap(4, 5);
    for (partitions, name) in [(unknown, "mystery"), (swapped, "p202509")] {
        let plan = planned(partitions, ALL_ON);
        assert_eq!(active(&plan), Vec::<String>::new());
        assert_eq!(plan.steps[0].blocked_by, [Guard::UnknownBoundary { partition: name.into() }]);
    }
}

#[test]
fn a_month_above_an_irregular_partition_is_not_dropped() {
    let mut partitions = months_of("2025-07", "2026-12", Tz::UTC);
    partitions.insert(1, partition("half", Boundary::Before(at("2025-08-10T00:00:00Z"))));
    let plan = planned(partitions, ALL_ON);
    assert_eq!(active(&plan), ["s0:drop:2025-07"]);
    assert_eq!(plan.steps[1].blocked_by, [older_stays("half")]);
}

#[test]
fn a_partition_of_several_expired_months_goes_at_its_turn_like_a_first_partition_does() {
    let mut partitions = months_of("2025-05", "2026-12", Tz::UTC);
    partitions.drain(1..3);
    let plan = planned(partitions, ALL_ON);
    assert_eq!(active(&plan), ["s0:drop:2025-05", "s0:drop:2025-08", "s0:drop:2025-09", "s0:drop:2025-10"]);
}

#[test]
fn the_last_partition_is_dropped_only_after_an_add_that_may_run() {
    let dead = months_of("2025-08", "2025-09", Tz::UTC);
    assert!(active(&planned(dead.clone(), ALL_ON)).contains(&"s0:drop:2025-09".to_owned()));
    let stopped = planned(dead.clone(), ALL_ON.with(Switch::Create, false));
    assert_eq!(active(&stopped), ["s0:drop:2025-08"]);
    assert_eq!(stopped.steps.last().unwrap().blocked_by, [Guard::LastPartition]);
    let spec = spec(Tz::UTC, 1, None, Some(12));
    let no_premake = plan(&spec, &inventory(&spec, vec![partitioned(dead)]), ALL_ON, at(NOW));
    assert_eq!(no_premake.steps[1].blocked_by, [Guard::LastPartition]);
}

#[test]
fn months_are_split_off_a_maxvalue_partition_in_one_step_and_only_while_it_is_known_to_be_empty() {
    let mut partitions = months_of("2025-10", "2026-10", Tz::UTC);
    partitions.push(partition("pmax", Boundary::MaxValue));
    let spec = spec(Tz::UTC, 1, Some(1), Some(12));
    let mut inventory = inventory(&spec, vec![partitioned(partitions)]);
    let mut hashes = Vec::new();
    for rows in [Some(0), Some(3), Some(4), None] {
        inventory.shards[0].max_value_rows = rows;
        let plan = plan(&spec, &inventory, ALL_ON, at(NOW));
        let has_rows = Guard::MaxValueHasRows { partition: "pmax".into(), rows };
        let split = if rows == Some(0) { vec![] } else { vec![has_rows] };
        assert_eq!(guards(&plan), [("s0:split:2026-11".into(), split), ("s0:drop:2025-10".into(), vec![])]);
        let months = plan.steps[0].action.added_months();
        assert_eq!(months, [month("2026-11"), month("2026-12")]);
        hashes.push(plan.hash);
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 3, "how many rows there are is no other plan; whether there are any is");
}

#[test]
fn a_split_is_blocked_by_a_taken_name_the_switch_or_an_edge_that_cannot_be_read() {
    let table = |max: &str| {
        let mut partitions = months_of("2026-01", "2026-10", Tz::UTC);
        partitions.push(partition(max, Boundary::MaxValue));
        partitions
    };
    let taken = planned(table("P202612"), ALL_ON);
    assert_eq!(taken.steps[0].blocked_by, [Guard::NameTaken { partition: "P202612".into() }]);
    let off = planned(table("pmax"), ALL_ON.with(Switch::Create, false));
    assert_eq!(off.steps[0].blocked_by, [Guard::SwitchOff { switch: Switch::Create }]);
    let mut unreadable = table("pmax");
    unreadable[3].upper = Boundary::Unknown("f()".into());
    let blocked = planned(unreadable, ALL_ON);
    assert_eq!(blocked.steps[0].blocked_by, [Guard::UnknownBoundary { partition: "p202604".into() }]);
}

#[test]
fn adds_go_on_from_an_irregular_last_edge_without_a_gap() {
    let mut partitions = months_of("2026-01", "2026-10", Tz::UTC);
    partitions[9].upper = Boundary::Before(at("2026-11-01T00:00:00Z") + TimeDelta::days(3));
    assert_eq!(active(&planned(partitions, ALL_ON)), ["s0:add:2026-11", "s0:add:2026-12"]);
}

#[test]
fn a_maxvalue_partition_is_the_last_so_every_expired_month_below_may_go() {
    let mut partitions = months_of("2025-08", "2025-09", Tz::UTC);
    partitions.push(partition("pmax", Boundary::MaxValue));
    assert_eq!(active(&planned(partitions, ALL_ON)), ["s0:split:2025-10", "s0:drop:2025-08", "s0:drop:2025-09"]);
}
