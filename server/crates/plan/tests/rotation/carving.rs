//! Held rows carved out of months that go, and deleted when nothing holds them any more.

use chrono_tz::Tz;
use payhist_plan::checker::{Violation, check};
use payhist_plan::held;
use payhist_types::UserId;
use payhist_types::history::HistorySpec;
use payhist_types::holds::{HoldScope, RowHold};
use payhist_types::inventory::{Carving, HeldState, HeldTable, Inventory, TableState};
use payhist_types::plan::{Action, Guard, RotationPlan};

use crate::holds::hold;
use crate::model::{ALL_ON, at, inventory, month, months_of, partitioned, plan, spec};

const NOW: &str = "2026-11-23T12:00:00Z";
const USER: HoldScope = HoldScope::User { user: UserId(7) };

/// October 2025 has expired on the one shard, and user 7 is held.
fn site() -> (HistorySpec, Inventory) {
    let spec = spec(Tz::UTC, 1, None, Some(12));
    let mut inventory = inventory(&spec, vec![partitioned(months_of("2025-10", "2026-11", Tz::UTC))]);
    inventory.holds = Some(vec![hold(1, USER)]);
    (spec, inventory)
}

fn carving(inventory: &mut Inventory) -> &mut Carving {
    let TableState::Partitioned { carving, .. } = &mut inventory.shards[0].state else { panic!("not partitioned") };
    carving
}

fn held_table(inventory: &mut Inventory, state: HeldState, released_rows: u64) -> &mut HeldTable {
    let name = held::name(&inventory.shards[0].table);
    let released_rows = Some(released_rows);
    let table = HeldTable { name, state, same_columns: true, rows_estimate: 9, bytes: 16_384, released_rows };
    carving(inventory).held.insert(table)
}

fn steps(plan: &RotationPlan) -> Vec<(String, bool)> {
    plan.steps.iter().map(|step| (step.key(), step.is_active())).collect()
}

fn planned((spec, inventory): &(HistorySpec, Inventory)) -> RotationPlan {
    let plan = plan(spec, inventory, ALL_ON, at(NOW));
    assert_eq!(check(&plan, spec, inventory), Ok(()));
    plan
}

fn both(active: bool) -> [(String, bool); 2] {
    ["carve-out", "drop"].map(|verb| (format!("s0:{verb}:2025-10"), active))
}

#[test]
fn a_month_with_a_held_user_goes_behind_its_carve_out() {
    let plan = planned(&site());
    assert_eq!(steps(&plan), both(true));
    let Action::CarveOut { holds, twin: None, .. } = &plan.steps[0].action else { panic!("{plan:?}") };
    assert_eq!(holds.iter().map(|hold| hold.hold).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_carve_out_waits_with_its_month() {
    let mut whole = site();
    whole.1.holds.as_mut().unwrap().push(hold(2, HoldScope::Month { month: month("2025-10") }));
    let plan = planned(&whole);
    assert_eq!(steps(&plan), both(false));
    assert_eq!(plan.steps[0].blocked_by, plan.steps[1].blocked_by);

    let mut window = site();
    window.0.policy.windows = vec!["Sun 01:30-02:30".parse().unwrap()];
    assert_eq!(steps(&planned(&window)), both(false));
}

#[test]
fn a_month_stays_when_its_held_rows_cannot_be_carved_out() {
    let is_hindered = |site: &(HistorySpec, Inventory)| {
        let plan = planned(site);
        assert_eq!(steps(&plan), both(false));
        assert!(matches!(plan.steps[1].blocked_by[..], [Guard::NotCarvable { .. }]), "{plan:?}");
    };
    let mut without_key = site();
    carving(&mut without_key.1).columns[0].key = None;
    is_hindered(&without_key);
    let mut foreign = site();
    held_table(&mut foreign.1, HeldState::Foreign, 0);
    is_hindered(&foreign);
    let mut changed = site();
    held_table(&mut changed.1, HeldState::Ready, 0).same_columns = false;
    is_hindered(&changed);
    changed.1.holds = Some(Vec::new());
    assert_eq!(steps(&planned(&changed)), [("s0:drop:2025-10".into(), true)], "nothing is held");
}

#[test]
fn the_checker_demands_a_carve_out_of_the_very_month_for_every_hold() {
    let (spec, mut inventory) = site();
    let plan = planned(&(spec.clone(), inventory.clone()));
    let refused = |plan: &RotationPlan, inventory: &Inventory| check(plan, &spec, inventory).unwrap_err();
    let held = Violation::Held("s0:drop:2025-10".into());

    let mut without = plan.clone();
    without.steps.remove(0);
    assert_eq!(refused(&without, &inventory), std::slice::from_ref(&held));
    let mut after = plan.clone();
    after.steps.swap(0, 1);
    assert_eq!(refused(&after, &inventory)[0], held);
    let mut blocked = plan.clone();
    blocked.steps[0].blocked_by.push(Guard::LastPartition);
    assert_eq!(refused(&blocked, &inventory), std::slice::from_ref(&held));
    let mut another = plan.clone();
    if let Action::CarveOut { month: of, partition, before, .. } = &mut another.steps[0].action {
        (*of, *partition, *before) = (month("2025-11"), "p202511".into(), at("2025-12-01T00:00:00Z"));
    }
    assert_eq!(refused(&another, &inventory), std::slice::from_ref(&held));
    inventory.holds.as_mut().unwrap().push(hold(2, HoldScope::Order { order: "o".into() }));
    assert_eq!(refused(&plan, &inventory), [held], "a second hold, not carved out");
    held_table(&mut inventory, HeldState::Foreign, 0);
    assert_eq!(refused(&plan, &inventory)[0], Violation::NotCarvable("s0:carve-out:2025-10".into()));
}

#[test]
fn what_is_held_no_more_is_deleted_but_for_what_other_holds_keep() {
    let mut released = site();
    held_table(&mut released.1, HeldState::Ready, 3);
    let plan = planned(&released);
    let Action::DeleteHeld { before, keeps, .. } = &plan.steps[2].action else { panic!("{plan:?}") };
    assert_eq!((*before, keeps[0].hold, plan.steps[2].is_active()), (at("2025-11-01T00:00:00Z"), 1, true));
    released.1.holds.as_mut().unwrap().push(hold(2, HoldScope::History));
    assert!(!planned(&released).steps[2].is_active());
    held_table(&mut released.1, HeldState::Ready, 0);
    assert_eq!(planned(&released).steps.len(), 2, "nothing is to be deleted");
}

#[test]
fn the_checker_lets_no_held_row_be_deleted() {
    let (spec, mut inventory) = site();
    held_table(&mut inventory, HeldState::Ready, 3);
    let plan = planned(&(spec.clone(), inventory.clone()));
    let judged = |change: fn(&mut Action), inventory: &Inventory| {
        let mut plan = plan.clone();
        change(&mut plan.steps[2].action);
        check(&plan, &spec, inventory).unwrap_err()
    };
    let keeps_nothing = |action: &mut Action| {
        if let Action::DeleteHeld { keeps, .. } = action {
            keeps.clear();
        }
    };
    assert_eq!(judged(keeps_nothing, &inventory), [Violation::Held("s0:delete-held:2025-10".into())]);
    let keeps_another = |action: &mut Action| {
        if let Action::DeleteHeld { keeps, .. } = action {
            let rows = HoldScope::User { user: UserId(8) }.rows().unwrap();
            *keeps = vec![RowHold { hold: 1, rows }];
        }
    };
    assert_eq!(judged(keeps_another, &inventory), [Violation::Held("s0:delete-held:2025-10".into())]);
    let too_young = |action: &mut Action| {
        if let Action::DeleteHeld { before, .. } = action {
            *before = at("2026-11-01T00:00:00Z");
        }
    };
    assert_eq!(judged(too_young, &inventory), [Violation::NotExpired("s0:delete-held:2025-10".into())]);
    carving(&mut inventory).held = None;
    let unknown = judged(|_| {}, &inventory);
    assert_eq!(unknown, [Violation::NotCarvable("s0:delete-held:2025-10".into())]);
}
