//! Months on their way through quarantine: when they go, what must be known first, and what the checker refuses.

use chrono_tz::Tz;
use payhist_plan::checker::{Violation, check};
use payhist_plan::twins;
use payhist_types::history::HistorySpec;
use payhist_types::inventory::{Archived, Boundary, Inventory, Partition, Restored, TableState, Twin, TwinState};
use payhist_types::plan::{Action, Guard, Step};
use proptest::prelude::*;

use crate::model::{ALL_ON, Situation, any_situation, at, inventory, month, months_of, partitioned, plan, spec};

const NOW: &str = "2026-11-23T12:00:00Z";

/// One shard whose oldest month is November 2025: kept until the end of November 2026, quarantined 30 days before.
fn site() -> (HistorySpec, Inventory) {
    let mut spec = spec(Tz::UTC, 1, None, Some(12));
    spec.policy.quarantine_days = Some(30);
    let inventory = inventory(&spec, vec![partitioned(months_of("2025-11", "2026-12", Tz::UTC))]);
    (spec, inventory)
}

fn twin_of(table: &str, partition: &Partition, state: TwinState) -> Twin {
    let Boundary::Before(before) = partition.upper else { panic!("{partition:?}") };
    Twin {
        name: twins::name(table, &partition.name),
        partition: Some(partition.name.clone()),
        before: Some(before),
        state,
        same_columns: true,
        rows_estimate: 5,
        bytes: 16_384,
    }
}

/// The same with a twin of the oldest month in that state.
fn with_twin(state: TwinState) -> (HistorySpec, Inventory) {
    let (spec, mut inventory) = site();
    let table = inventory.shards[0].table.clone();
    let TableState::Partitioned { partitions, twins, .. } = &mut inventory.shards[0].state else { panic!() };
    twins.push(twin_of(&table, &partitions[0], state));
    (spec, inventory)
}

fn steps((spec, inventory): &(HistorySpec, Inventory), now: &str) -> Vec<(String, bool)> {
    let plan = plan(spec, inventory, ALL_ON, at(now));
    assert_eq!(check(&plan, spec, inventory), Ok(()));
    plan.steps.iter().map(|step| (step.key(), step.is_active())).collect()
}

#[test]
fn a_month_goes_to_quarantine_so_many_days_before_its_retention_ends() {
    assert_eq!(steps(&site(), "2026-10-31T23:59:59Z"), []);
    assert_eq!(steps(&site(), "2026-11-01T00:00:00Z"), [("s0:quarantine:2025-11".into(), true)]);
}

#[test]
fn a_month_is_dropped_when_its_retention_ends_and_not_before() {
    let site = with_twin(TwinState::Quarantined { late_rows: Some(0) });
    assert_eq!(steps(&site, "2026-11-30T23:59:59Z"), []);
    assert_eq!(steps(&site, "2026-12-01T00:00:00Z")[0], ("s0:final-drop:2025-11".into(), true));
}

#[test]
fn late_rows_and_rows_that_cannot_be_counted_keep_the_quarantine_from_its_end() {
    for (late_rows, joins) in [(Some(1), true), (None, false)] {
        let steps = steps(&with_twin(TwinState::Quarantined { late_rows }), "2026-12-01T00:00:00Z");
        assert_eq!(
            steps[..2],
            [("s0:late-rows:2025-11".into(), joins), ("s0:final-drop:2025-11".into(), false)],
            "{late_rows:?}"
        );
    }
}

#[test]
fn a_twin_that_is_not_what_it_should_be_blocks() {
    let states = [
        TwinState::Foreign,
        TwinState::Prepared { rows: Some(3) },
        TwinState::Prepared { rows: None },
        TwinState::Unfinished { rows: Some(1) },
    ];
    for state in states {
        assert_eq!(steps(&with_twin(state.clone()), NOW), [("s0:quarantine:2025-11".into(), false)], "{state:?}");
    }
    for state in [TwinState::Prepared { rows: Some(0) }, TwinState::Unfinished { rows: Some(0) }] {
        assert_eq!(steps(&with_twin(state.clone()), NOW), [("s0:quarantine:2025-11".into(), true)], "{state:?}");
    }
}

#[test]
fn a_restored_month_is_left_alone_until_its_time_is_over() {
    let (spec, mut inventory) = site();
    let until = at("2026-11-24T00:00:00Z");
    inventory.shards[0].restored.push(Restored { month: month("2025-11"), until });
    let today = plan(&spec, &inventory, ALL_ON, at(NOW));
    assert_eq!(today.steps[0].blocked_by, [Guard::Restored { until }]);
    assert!(plan(&spec, &inventory, ALL_ON, until).steps[0].is_active());
}

/// What the checker says of the only step when the inventory turns out to be another.
fn judged(
    step: impl Fn(&mut Step),
    planned: &(HistorySpec, Inventory),
    found: &Inventory,
    now: &str,
) -> Vec<Violation> {
    let (spec, inventory) = planned;
    let mut plan = plan(spec, inventory, ALL_ON, at(now));
    plan.steps.truncate(1);
    step(&mut plan.steps[0]);
    check(&plan, spec, found).unwrap_err()
}

#[test]
fn the_checker_refuses_a_final_drop_over_late_rows_or_without_a_quarantine() {
    let planned = with_twin(TwinState::Quarantined { late_rows: Some(0) });
    let states = [
        TwinState::Quarantined { late_rows: Some(1) },
        TwinState::Quarantined { late_rows: None },
        TwinState::Prepared { rows: Some(0) },
        TwinState::Foreign,
    ];
    for state in states {
        let found = judged(|_| {}, &planned, &with_twin(state.clone()).1, "2026-12-01T00:00:00Z");
        assert_eq!(found, [Violation::TwinUnclear("s0:final-drop:2025-11".into())], "{state:?}");
    }
    let found = judged(|_| {}, &planned, &site().1, "2026-12-01T00:00:00Z");
    assert_eq!(found, [Violation::TwinUnclear("s0:final-drop:2025-11".into())]);
}

#[test]
fn the_checker_refuses_a_drop_that_skips_quarantine() {
    let at_once = |step: &mut Step| {
        let Action::QuarantineMonth { month, partition, before, .. } = step.action.clone() else { panic!() };
        step.action = Action::DropMonth { month, partition, before, open_below: true };
    };
    let found = judged(at_once, &site(), &site().1, "2026-12-01T00:00:00Z");
    assert_eq!(found, [Violation::NotQuarantined("s0:drop:2025-11".into())]);
}

#[test]
fn the_checker_refuses_a_restored_month() {
    let mut found = site().1;
    found.shards[0].restored.push(Restored { month: month("2025-11"), until: at("2027-01-01T00:00:00Z") });
    assert_eq!(judged(|_| {}, &site(), &found, NOW), [Violation::Restored("s0:quarantine:2025-11".into())]);
}

fn any_twin_state() -> impl Strategy<Value = Option<TwinState>> {
    let rows = || prop_oneof![3 => Just(Some(0)), 1 => Just(Some(2)), 1 => Just(None)];
    prop_oneof![
        4 => Just(None),
        3 => rows().prop_map(|late_rows| Some(TwinState::Quarantined { late_rows })),
        1 => rows().prop_map(|rows| Some(TwinState::Prepared { rows })),
        1 => rows().prop_map(|rows| Some(TwinState::Unfinished { rows })),
        1 => Just(Some(TwinState::Foreign)),
    ]
}

fn any_quarantine() -> impl Strategy<Value = Situation> {
    let states = proptest::collection::vec(any_twin_state(), 1..=12);
    (any_situation(), proptest::option::weighted(0.8, 0..=90_u16), states).prop_map(|(mut situation, days, states)| {
        situation.spec.policy.quarantine_days = days;
        let mut states = states.into_iter().cycle();
        for shard in &mut situation.inventory.shards {
            let TableState::Partitioned { partitions, twins, .. } = &mut shard.state else { continue };
            for partition in partitions.iter().filter(|partition| matches!(partition.upper, Boundary::Before(_))) {
                twins.extend(states.next().flatten().map(|state| twin_of(&shard.table, partition, state)));
            }
        }
        situation
    })
}

proptest! {
    #[test]
    fn whatever_stands_beside_a_table_the_plan_is_sound_and_drops_only_what_is_known(situation in any_quarantine()) {
        let plan = situation.plan();
        prop_assert_eq!(check(&plan, &situation.spec, &situation.inventory), Ok(()));
        for step in plan.active_steps() {
            let entry = situation.inventory.shards.iter().find(|entry| entry.table == step.table).unwrap();
            let TableState::Partitioned { twins, .. } = &entry.state else { panic!("{step:?}") };
            let twin = twins.iter().find(|twin| twin.partition.as_deref() == Some(step.action.partition()));
            match &step.action {
                Action::DropQuarantined { .. } => {
                    let known = TwinState::Quarantined { late_rows: Some(0) };
                    prop_assert_eq!(twin.map(|twin| &twin.state), Some(&known));
                }
                Action::DropMonth { .. } => prop_assert!(twin.is_none() && situation.spec.policy.quarantine_days.is_none()),
                _ => {}
            }
        }
    }
}

/// The month in quarantine under a policy that demands an archive, in an archive of that edge or in none.
fn with_archive(archived_before: Option<&str>) -> (HistorySpec, Inventory) {
    let (mut spec, mut inventory) = with_twin(TwinState::Quarantined { late_rows: Some(0) });
    spec.policy.archive = Some("cold".to_owned());
    let archived = |before| Archived { month: month("2025-11"), before: at(before), target: "cold".to_owned() };
    inventory.shards[0].archived.extend(archived_before.map(archived));
    (spec, inventory)
}

const EDGE: &str = "2025-12-01T00:00:00Z";

#[test]
fn a_month_is_archived_as_soon_as_it_is_in_quarantine_and_dropped_only_then() {
    assert_eq!(steps(&with_archive(None), NOW), [("s0:archive:2025-11".into(), true)]);
    assert_eq!(steps(&with_archive(Some(EDGE)), NOW), []);
    let due = "2026-12-01T00:00:00Z";
    for archived in [None, Some("2025-11-30T23:00:00Z")] {
        let wanted = [("s0:archive:2025-11".into(), true), ("s0:final-drop:2025-11".into(), false)];
        assert_eq!(steps(&with_archive(archived), due)[..2], wanted, "{archived:?}");
    }
    assert_eq!(steps(&with_archive(Some(EDGE)), due)[0], ("s0:final-drop:2025-11".into(), true));
    let (mut spec, inventory) = with_archive(Some(EDGE));
    spec.policy.archive = Some("elsewhere".to_owned());
    assert_eq!(steps(&(spec, inventory), due)[1], ("s0:final-drop:2025-11".into(), false), "another archive");
}

#[test]
fn the_checker_lets_no_month_be_dropped_or_archived_that_the_policy_does_not_mean() {
    let due = "2026-12-01T00:00:00Z";
    let planned = with_archive(Some(EDGE));
    let without = with_archive(None);
    let violations = judged(|_| {}, &planned, &without.1, due);
    assert!(violations.contains(&Violation::NotArchived("s0:final-drop:2025-11".into())), "{violations:?}");
    let (mut spec, inventory) = without;
    let mut plan = plan(&spec, &inventory, ALL_ON, at(NOW));
    spec.policy.archive = None;
    plan.policy = spec.policy.clone();
    let violations = check(&plan, &spec, &inventory).unwrap_err();
    assert_eq!(violations, [Violation::ArchiveNotWanted("s0:archive:2025-11".into())]);
}
