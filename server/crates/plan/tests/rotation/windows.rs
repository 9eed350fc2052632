//! What waits for a maintenance window, and what the checker says of a plan that does not.

use chrono_tz::Europe;
use payhist_plan::checker::{Violation, check};
use payhist_types::history::{HistorySpec, Policy};
use payhist_types::inventory::Inventory;
use payhist_types::plan::{Guard, Step};
use proptest::prelude::*;

use crate::model::{
    ALL_ON, BYTES, any_situation, any_windows, at, inventory, months_of, partitioned, partitions_mut, plan, spec,
};

/// A Monday at noon, and the opening of the next window.
const NOON: &str = "2026-11-23T12:00:00Z";
const OPENS: &str = "2026-11-28T01:00:00Z";

/// Two months have expired, and one is to be added; drops wait for Saturday.
fn site(most: Option<u64>) -> (HistorySpec, Inventory) {
    let mut spec = spec(Europe::London, 1, Some(0), Some(12));
    let windows = vec!["Sat 01:00-05:00".parse().unwrap()];
    spec.policy = Policy { windows, max_drop_bytes_outside_windows: most, ..spec.policy };
    let inventory = inventory(&spec, vec![partitioned(months_of("2025-09", "2026-10", Europe::London))]);
    (spec, inventory)
}

fn guards((spec, inventory): &(HistorySpec, Inventory), now: &str) -> Vec<(String, Vec<Guard>)> {
    let plan = plan(spec, inventory, ALL_ON, at(now));
    assert_eq!(check(&plan, spec, inventory), Ok(()));
    plan.steps.iter().map(|step| (step.key(), step.blocked_by.clone())).collect()
}

#[test]
fn drops_wait_for_a_window_and_adds_do_not() {
    let outside = vec![Guard::OutsideWindow { opens: Some(at(OPENS)) }];
    let [add, first, second] = ["s0:add:2026-11", "s0:drop:2025-09", "s0:drop:2025-10"].map(str::to_owned);
    let expected = [(add.clone(), vec![]), (first.clone(), outside.clone()), (second.clone(), outside)];
    assert_eq!(guards(&site(None), NOON), expected);
    assert_eq!(guards(&site(None), OPENS), [(add, vec![]), (first, vec![]), (second, vec![])]);
}

#[test]
fn quarantine_can_be_undone_and_waits_for_no_window() {
    let (mut spec, inventory) = site(None);
    spec.policy.quarantine_days = Some(30);
    let plan = plan(&spec, &inventory, ALL_ON, at(NOON));
    assert!(plan.steps.iter().all(Step::is_active) && plan.steps[1].key() == "s0:quarantine:2025-09");
}

#[test]
fn small_months_go_outside_a_window_but_never_before_an_older_one() {
    let of = |site: &(HistorySpec, Inventory)| guards(site, NOON).split_off(1);
    let [first, second] = ["s0:drop:2025-09", "s0:drop:2025-10"].map(str::to_owned);
    let mut site = site(Some(BYTES));
    assert_eq!(of(&site), [(first.clone(), vec![]), (second.clone(), vec![])]);
    partitions_mut(&mut site.1, 0)[0].bytes += 1;
    let too_large = Guard::TooLargeOutsideWindow { bytes: BYTES + 1, bytes_max: BYTES, opens: Some(at(OPENS)) };
    let older = Guard::OlderPartitionStays { partition: "p202509".into() };
    assert_eq!(of(&site), [(first, vec![too_large]), (second, vec![older])]);
}

#[test]
fn the_hash_tells_windows_apart_and_does_not_depend_on_the_hour() {
    let (spec, inventory) = site(None);
    let hash = |spec: &HistorySpec, now| plan(spec, &inventory, ALL_ON, at(now)).hash;
    assert_eq!(hash(&spec, NOON), hash(&spec, "2026-11-24T00:00:00Z"));
    assert_ne!(hash(&spec, NOON), hash(&spec, OPENS));
    let policy = Policy { max_drop_bytes_outside_windows: Some(0), ..spec.policy.clone() };
    assert_ne!(hash(&spec, OPENS), hash(&HistorySpec { policy, ..spec.clone() }, OPENS));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Planner and checker tell windows apart by different means.
    #[test]
    fn the_checker_refuses_exactly_the_drops_that_the_planner_lets_wait(
        situation in any_situation(), (windows, most) in any_windows(),
    ) {
        let mut situation = situation;
        (situation.spec.policy.windows, situation.spec.policy.max_drop_bytes_outside_windows) = (windows, most);
        let mut plan = situation.plan();
        let waits = |guard: &Guard| matches!(guard, Guard::OutsideWindow { .. } | Guard::TooLargeOutsideWindow { .. });
        let mut waiting = Vec::new();
        for step in &mut plan.steps {
            let before = step.blocked_by.len();
            step.blocked_by.retain(|guard| !waits(guard));
            if step.blocked_by.len() < before && step.is_active() {
                waiting.push(Violation::OutsideWindow(step.key()));
            }
        }
        let found = check(&plan, &situation.spec, &situation.inventory).err().unwrap_or_default();
        prop_assert_eq!(found.iter().filter(|one| matches!(one, Violation::OutsideWindow(_))).count(), waiting.len());
        prop_assert_eq!(found.is_empty(), waiting.is_empty());
    }
}
