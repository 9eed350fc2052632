//! What people are told about a history's partitions.

use chrono_tz::Tz;
use payhist_plan::rotation::{self, PlanError};
use payhist_types::ShardId;
use payhist_types::findings::{Finding, FindingKind, Reach, Severity};
use payhist_types::inventory::{Boundary, Carving, Partition, PartitionExpression, TableState};
use payhist_types::plan::RotationPlan;

use crate::model::{ALL_ON, at, inventory, month, months_of, partition, partitioned, partitions_mut, plan, spec};

const NOW: &str = "2026-11-23T12:00:00Z";

/// Plans tables, one a shard: premake 3 months, keep all.
fn planned(states: Vec<TableState>) -> RotationPlan {
    let spec = spec(Tz::UTC, u16::try_from(states.len()).unwrap(), Some(3), None);
    plan(&spec, &inventory(&spec, states), ALL_ON, at(NOW))
}

fn healthy() -> Vec<Partition> {
    months_of("2026-01", "2027-02", Tz::UTC)
}

fn found(severity: Severity, shard: u16, kind: FindingKind) -> Finding {
    Finding { severity, shard: Some(ShardId(shard)), kind }
}

#[test]
fn a_healthy_history_has_nothing_to_tell() {
    let plan = planned(vec![partitioned(healthy()), partitioned(healthy())]);
    assert_eq!((plan.steps, plan.findings), (vec![], vec![]));
    assert!(plan.runway.iter().all(|runway| runway.reach == Reach::Until { month: month("2027-02"), months: 3 }));
}

#[test]
fn one_bad_shard_does_not_stop_the_others() {
    let unknown = TableState::Partitioned {
        expression: PartitionExpression::Unknown { raw: "crc32(x)".into() },
        partitions: months_of("2025-01", "2026-11", Tz::UTC),
        twins: Vec::new(),
        carving: Carving::default(),
    };
    let plan = planned(vec![
        TableState::Missing,
        TableState::NotPartitioned,
        TableState::Unreadable { reason: "no answer".into() },
        unknown,
        partitioned(vec![]),
        partitioned(months_of("2026-01", "2027-01", Tz::UTC)),
    ]);
    let critical = |shard, kind| found(Severity::Critical, shard, kind);
    assert_eq!(
        plan.findings,
        [
            critical(0, FindingKind::MissingTable),
            critical(1, FindingKind::NotPartitioned),
            critical(2, FindingKind::Unreadable { reason: "no answer".into() }),
            critical(3, FindingKind::UnknownExpression { raw: "crc32(x)".into() }),
            critical(4, FindingKind::NotPartitioned),
            found(Severity::Warning, 5, FindingKind::RunwayShort { months: 2, wanted: 3 }),
        ]
    );
    assert_eq!(plan.steps.iter().map(payhist_types::plan::Step::key).collect::<Vec<_>>(), ["s5:add:2027-02"]);
    assert!(plan.runway[..5].iter().all(|runway| runway.reach == Reach::Unknown));
}

#[test]
fn a_shard_that_is_absent_twice_there_or_under_another_name_is_not_planned_for() {
    let spec = spec(Tz::UTC, 3, Some(5), None);
    let mut inventory = inventory(&spec, vec![partitioned(healthy()), partitioned(healthy())]);
    inventory.shards.push(inventory.shards[0].clone());
    inventory.shards[1].table = "elsewhere".into();
    let plan = plan(&spec, &inventory, ALL_ON, at(NOW));
    assert_eq!(plan.findings, [0, 1, 2].map(|shard| found(Severity::Critical, shard, FindingKind::NotInventoried)));
    assert_eq!(plan.steps, []);
}

#[test]
fn a_short_runway_is_critical_once_no_month_is_ahead() {
    for (last, months, severity) in
        [("2027-01", 2, Severity::Warning), ("2026-11", 0, Severity::Critical), ("2026-10", -1, Severity::Critical)]
    {
        let plan = planned(vec![partitioned(months_of("2026-01", last, Tz::UTC))]);
        assert_eq!(plan.findings, [found(severity, 0, FindingKind::RunwayShort { months, wanted: 3 })]);
    }
}

#[test]
fn a_maxvalue_partition_is_an_endless_runway_but_a_finding() {
    let mut partitions = healthy();
    partitions.push(partition("pmax", Boundary::MaxValue));
    let plan = planned(vec![partitioned(partitions)]);
    let kind = FindingKind::MaxValuePresent { partition: "pmax".into(), rows_estimate: 7 };
    assert_eq!(plan.findings, [found(Severity::Info, 0, kind)]);
    assert_eq!(plan.runway[0].reach, Reach::Endless);
}

#[test]
fn a_gap_is_critical_only_if_a_month_from_now_on_is_in_it() {
    for (gap, first, last, severity) in
        [(2..4, "2026-03", "2026-04", Severity::Warning), (9..11, "2026-10", "2026-11", Severity::Critical)]
    {
        let mut partitions = healthy();
        partitions.drain(gap);
        let partition = format!("p{}", month(last).next().unwrap().to_string().replace('-', ""));
        let kind = FindingKind::Gap { partition, first: month(first), last: month(last) };
        assert_eq!(planned(vec![partitioned(partitions)]).findings, [found(severity, 0, kind)]);
    }
}

#[test]
fn irregular_unknown_overlapping_and_misnamed_partitions_are_told() {
    let mut irregular = healthy();
    let before = at("2026-02-27T00:00:00Z");
    irregular[1].upper = Boundary::Before(before);
    let told = planned(vec![partitioned(irregular)]).findings;
    let kind = FindingKind::Irregular { partition: "p202602".into(), from: Some(at("2026-02-01T00:00:00Z")), before };
    assert_eq!(told[0], found(Severity::Warning, 0, kind));

    let mut unknown = healthy();
    unknown[1].upper = Boundary::Unknown("f()".into());
    let kind = FindingKind::UnknownBoundary { partition: "p202602".into(), raw: "f()".into() };
    assert_eq!(planned(vec![partitioned(unknown)]).findings, [found(Severity::Critical, 0, kind)]);

    let mut swapped = healthy();
    swapped.swap(4, 5);
    let raw = "it is not above the one before".into();
    let misread = found(Severity::Critical, 0, FindingKind::UnknownBoundary { partition: "p202605".into(), raw });
    assert!(planned(vec![partitioned(swapped)]).findings.contains(&misread));

    let mut misnamed = healthy();
    misnamed[3].name = "p202612".into();
    misnamed[11].name = "december".into();
    let kind = FindingKind::NameMisleads { partition: "p202612".into(), month: month("2026-04") };
    assert_eq!(planned(vec![partitioned(misnamed)]).findings, [found(Severity::Warning, 0, kind)]);
}

#[test]
fn the_months_that_only_other_shards_have_are_told() {
    let plan = planned(vec![partitioned(healthy()), partitioned(healthy()[2..].to_vec())]);
    let kind = FindingKind::ShardDiffers { missing: vec![month("2026-01"), month("2026-02")] };
    assert_eq!(plan.findings, [found(Severity::Warning, 1, kind)]);
}

#[test]
fn a_table_decades_behind_gets_a_finding_instead_of_steps() {
    let at_most = u32::try_from(month("2006-12").months_until(month("2026-11"))).unwrap() + 1;
    assert_eq!(at_most, rotation::MONTHS_ADDED_MAX);
    let added = |last| {
        let spec = spec(Tz::UTC, 1, Some(0), Some(12));
        plan(&spec, &inventory(&spec, vec![partitioned(months_of("2006-01", last, Tz::UTC))]), ALL_ON, at(NOW))
    };
    assert_eq!(added("2006-11").active_steps().filter(|step| !step.action.is_destructive()).count(), 240);
    let absurd = added("2006-10");
    assert_eq!(absurd.steps, []);
    assert_eq!(absurd.findings, [found(Severity::Critical, 0, FindingKind::TooFarBehind { months: 241 })]);
}

#[test]
fn an_unknown_zone_or_another_historys_inventory_gives_no_plan() {
    let mut spec = spec(Tz::UTC, 1, Some(3), None);
    let mut other = inventory(&spec, vec![partitioned(healthy())]);
    partitions_mut(&mut other, 0).clear();
    other.history = "others".parse().unwrap();
    let wrong = PlanError::WrongHistory { expected: spec.name.clone(), found: other.history.clone() };
    assert_eq!(rotation::plan(&spec, &other, &ALL_ON, at(NOW)), Err(wrong));
    spec.policy.zone = "Mars/Olympus".into();
    assert_eq!(rotation::plan(&spec, &other, &ALL_ON, at(NOW)), Err(PlanError::UnknownZone("Mars/Olympus".into())));
}
