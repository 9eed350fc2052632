//! The checker refuses what the planner would never plan.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe;
use payhist_plan::checker::{Violation, check};
use payhist_types::history::{HistorySpec, Switch};
use payhist_types::inventory::{Boundary, Inventory, PartitionExpression, TableState};
use payhist_types::plan::{Action, RotationPlan};
use proptest::prelude::*;

use crate::model::{
    ALL_ON, any_situation, at, inventory, month, months_of, partition, partitioned, partitions_mut, plan, spec,
};

/// 2025-06 to 2026-11 on one shard; three months are to be added and 2025-06 to 2025-10 dropped.
fn sound() -> (RotationPlan, HistorySpec, Inventory) {
    let spec = spec(Europe::London, 1, Some(3), Some(12));
    let inventory = inventory(&spec, vec![partitioned(months_of("2025-06", "2026-11", Europe::London))]);
    let plan = plan(&spec, &inventory, ALL_ON, at("2026-11-23T12:00:00Z"));
    assert_eq!((plan.active_steps().count(), check(&plan, &spec, &inventory)), (8, Ok(())));
    (plan, spec, inventory)
}

fn edge_mut(plan: &mut RotationPlan, step: usize) -> &mut DateTime<Utc> {
    match &mut plan.steps[step].action {
        Action::AddMonth { before, .. } | Action::DropMonth { before, .. } => before,
        Action::SplitMaxValue { into, .. } => &mut into.last_mut().unwrap().before,
        action => panic!("{action:?}"),
    }
}

fn violations(plan: &RotationPlan, spec: &HistorySpec, inventory: &Inventory) -> Vec<Violation> {
    check(plan, spec, inventory).unwrap_err()
}

#[test]
fn a_switch_flipped_after_planning_is_refused() {
    let (mut plan, spec, inventory) = sound();
    plan.switches = ALL_ON.with(Switch::Drop, false);
    let found = violations(&plan, &spec, &inventory);
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|violation| matches!(violation, Violation::SwitchOff { switch: Switch::Drop, .. })));
}

#[test]
fn a_drop_moved_to_an_unexpired_month_is_refused() {
    let (mut plan, spec, inventory) = sound();
    let before = at("2025-12-01T00:00:00Z");
    let action = Action::DropMonth { month: month("2025-11"), partition: "p202511".into(), before, open_below: true };
    let mut step = plan.steps[7].clone();
    step.action = action;
    plan.steps.push(step);
    assert_eq!(violations(&plan, &spec, &inventory), [Violation::NotExpired("s0:drop:2025-11".into())]);
}

#[test]
fn a_drop_under_an_expired_months_name_of_a_partition_that_holds_another_is_refused() {
    let (plan, spec, mut inventory) = sound();
    partitions_mut(&mut inventory, 0)[0].upper = Boundary::Before(at("2025-06-30T22:00:00Z"));
    assert_eq!(
        violations(&plan, &spec, &inventory),
        [
            Violation::EdgeDiffers("s0:drop:2025-06".into()),
            Violation::NotOldest("s0:drop:2025-07".into()),
            Violation::NotOldest("s0:drop:2025-08".into()),
            Violation::NotOldest("s0:drop:2025-09".into()),
            Violation::NotOldest("s0:drop:2025-10".into()),
        ]
    );
}

#[test]
fn no_drop_is_allowed_on_a_table_with_an_unreadable_edge_anywhere() {
    let (plan, spec, mut inventory) = sound();
    partitions_mut(&mut inventory, 0)[16].upper = Boundary::Unknown("f()".into());
    let found = violations(&plan, &spec, &inventory);
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|violation| matches!(violation, Violation::UnreadableEdge(_))));
}

#[test]
fn a_drop_that_passes_over_an_older_partition_is_refused() {
    let (mut plan, spec, inventory) = sound();
    plan.steps.remove(3);
    assert_eq!(violations(&plan, &spec, &inventory)[0], Violation::NotOldest("s0:drop:2025-07".into()));
}

#[test]
fn the_last_partition_is_never_dropped() {
    let (mut plan, spec, mut inventory) = sound();
    partitions_mut(&mut inventory, 0).truncate(5);
    plan.steps.drain(..3);
    assert_eq!(violations(&plan, &spec, &inventory), [Violation::LastPartition("s0:drop:2025-10".into())]);
}

#[test]
fn adds_with_a_gap_a_wrong_edge_or_beyond_the_policy_are_refused() {
    let (sound, spec, inventory) = sound();
    let mut gap = sound.clone();
    gap.steps.remove(0);
    assert!(violations(&gap, &spec, &inventory).contains(&Violation::NotContiguous("s0:add:2027-01".into())));
    let mut edge = sound.clone();
    *edge_mut(&mut edge, 2) += TimeDelta::seconds(1);
    assert_eq!(violations(&edge, &spec, &inventory), [Violation::NotContiguous("s0:add:2027-02".into())]);
    let mut beyond = sound;
    let before = at("2027-03-31T23:00:00Z");
    let mut step = beyond.steps[2].clone();
    step.action = Action::AddMonth { month: month("2027-03"), partition: "p202703".into(), before };
    beyond.steps.insert(3, step);
    assert_eq!(violations(&beyond, &spec, &inventory), [Violation::NotWanted("s0:add:2027-03".into())]);
}

#[test]
fn an_add_under_maxvalue_or_of_a_taken_name_is_refused() {
    let (plan, spec, mut inventory) = sound();
    partitions_mut(&mut inventory, 0)[4].name = "P202701".into();
    assert!(violations(&plan, &spec, &inventory).contains(&Violation::NameTaken("s0:add:2027-01".into())));
    partitions_mut(&mut inventory, 0).push(partition("pmax", Boundary::MaxValue));
    assert!(violations(&plan, &spec, &inventory).contains(&Violation::UnreadableEdge("s0:add:2026-12".into())));
}

/// 2026-12 to 2027-02 split off `pmax`.
fn split() -> (RotationPlan, HistorySpec, Inventory) {
    let spec = spec(Europe::London, 1, Some(3), None);
    let mut partitions = months_of("2026-06", "2026-11", Europe::London);
    partitions.push(partition("pmax", Boundary::MaxValue));
    let inventory = inventory(&spec, vec![partitioned(partitions)]);
    let plan = plan(&spec, &inventory, ALL_ON, at("2026-11-23T12:00:00Z"));
    assert_eq!((plan.active_steps().count(), check(&plan, &spec, &inventory)), (1, Ok(())));
    (plan, spec, inventory)
}

fn into_mut(plan: &mut RotationPlan) -> &mut Vec<payhist_types::plan::NewMonth> {
    match &mut plan.steps[0].action {
        Action::SplitMaxValue { into, .. } => into,
        action => panic!("{action:?}"),
    }
}

#[test]
fn a_split_of_anything_but_an_empty_maxvalue_partition_is_refused() {
    let not_empty = || vec![Violation::NotEmptyMaxValue("s0:split:2026-12".into())];
    let (plan, spec, inventory) = split();
    for rows in [Some(1), None] {
        let mut filled = inventory.clone();
        filled.shards[0].max_value_rows = rows;
        assert_eq!(violations(&plan, &spec, &filled), not_empty());
    }
    let mut other = inventory.clone();
    partitions_mut(&mut other, 0)[6].name = "rest".into();
    assert_eq!(violations(&plan, &spec, &other), not_empty());
    let mut bounded = inventory;
    partitions_mut(&mut bounded, 0).pop();
    assert_eq!(violations(&plan, &spec, &bounded), not_empty());
}

#[test]
fn a_split_with_a_gap_a_taken_name_an_unreadable_edge_or_beyond_the_policy_is_refused() {
    let (sound, spec, inventory) = split();
    let key = || "s0:split:2026-12".to_owned();
    let mut gap = sound.clone();
    into_mut(&mut gap).remove(1);
    assert_eq!(violations(&gap, &spec, &inventory), [Violation::NotContiguous(key())]);
    let mut name = sound.clone();
    into_mut(&mut name)[1].partition = "PMAX".into();
    assert_eq!(violations(&name, &spec, &inventory), [Violation::NameTaken(key())]);
    let mut beyond = sound.clone();
    let before = at("2027-03-31T23:00:00Z");
    into_mut(&mut beyond).push(payhist_types::plan::NewMonth {
        month: month("2027-03"),
        partition: "p".into(),
        before,
    });
    assert_eq!(violations(&beyond, &spec, &inventory), [Violation::NotWanted(key())]);
    let mut unreadable = inventory;
    partitions_mut(&mut unreadable, 0)[2].upper = Boundary::Unknown("f()".into());
    assert_eq!(violations(&sound, &spec, &unreadable), [Violation::UnreadableEdge(key())]);
}

#[test]
fn another_policy_another_month_or_a_table_that_was_not_seen_is_refused() {
    let (plan, mut spec, mut inventory) = sound();
    inventory.shards[0].table = "payment_history".into();
    assert!(violations(&plan, &spec, &inventory).contains(&Violation::NotInInventory("s0:drop:2025-06".into())));
    let mut later = plan.clone();
    later.current_month = month("2027-11");
    assert!(violations(&later, &spec, &inventory).contains(&Violation::WrongCurrentMonth(month("2027-11"))));
    spec.policy.retention_months = Some(60);
    assert!(violations(&plan, &spec, &inventory).contains(&Violation::OtherHistoryOrPolicy));
    spec.policy.zone = "Europe/Atlantis".into();
    assert_eq!(violations(&plan, &spec, &inventory), [Violation::UnknownZone]);
}

#[test]
fn a_table_of_unknown_expression_is_never_touched() {
    let (plan, spec, mut inventory) = sound();
    let TableState::Partitioned { expression, .. } = &mut inventory.shards[0].state else { panic!("not partitioned") };
    *expression = PartitionExpression::Unknown { raw: "crc32(x)".into() };
    assert_eq!(violations(&plan, &spec, &inventory).len(), 8);
}

#[test]
fn an_active_step_without_sql_is_refused() {
    let (mut plan, spec, inventory) = sound();
    plan.steps[0].sql.clear();
    plan.steps[1].sql = vec![" ".into()];
    let expected = ["s0:add:2026-12", "s0:add:2027-01"].map(|step| Violation::NoSql(step.into()));
    assert_eq!(violations(&plan, &spec, &inventory), expected);
}

proptest! {
    #[test]
    fn any_moved_edge_is_refused(situation in any_situation(), seconds in 1..10_000_000_i64, pick: prop::sample::Index) {
        let mut plan = situation.plan();
        let active: Vec<_> = (0..plan.steps.len()).filter(|step| plan.steps[*step].is_active()).collect();
        prop_assume!(!active.is_empty());
        *edge_mut(&mut plan, *pick.get(&active)) += TimeDelta::seconds(seconds);
        prop_assert!(check(&plan, &situation.spec, &situation.inventory).is_err());
    }

    #[test]
    fn any_unblocked_step_is_refused(situation in any_situation(), pick: prop::sample::Index) {
        let mut plan = situation.plan();
        let blocked: Vec<_> = (0..plan.steps.len()).filter(|step| !plan.steps[*step].is_active()).collect();
        prop_assume!(!blocked.is_empty());
        plan.steps[*pick.get(&blocked)].blocked_by.clear();
        prop_assert!(check(&plan, &situation.spec, &situation.inventory).is_err());
    }
}
