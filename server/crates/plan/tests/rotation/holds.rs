//! What is held stays, whatever the inventory; what is not held goes as if there were no holds.

use chrono::DateTime;
use chrono_tz::{Europe, Tz};
use payhist_plan::checker::{Violation, check};
use payhist_plan::{months, routing};
use payhist_types::history::Switch;
use payhist_types::holds::{Deed, Hold, HoldScope, RowHold};
use payhist_types::inventory::{Boundary, Partition, TableState};
use payhist_types::plan::{Action, Guard, Step};
use payhist_types::{Month, ShardId, UserId};
use proptest::prelude::*;

use crate::model::{ALL_ON, Situation, any_situation, apply, at, inventory, month, months_of, partitioned, plan, spec};

pub(crate) fn hold(id: u64, scope: HoldScope) -> Hold {
    Hold {
        id,
        scope,
        reason: "audit".into(),
        case_number: "2026/88".into(),
        placed: Deed { by: "operator ann".into(), at: DateTime::UNIX_EPOCH.fixed_offset() },
        until: None,
        release_asked: None,
        release_reason: None,
        released: None,
    }
}

fn any_scope() -> impl Strategy<Value = HoldScope> {
    let months = (0..70_i32).prop_map(|after| HoldScope::Month { month: month("2021-01").plus(after).unwrap() });
    prop_oneof![
        1 => Just(HoldScope::History),
        8 => months,
        4 => (0..9_u64).prop_map(|user| HoldScope::User { user: UserId(user) }),
        1 => Just(HoldScope::Order { order: "o".into() }),
        1 => Just(HoldScope::Unknown { raw: "?".into() }),
    ]
}

/// Some holds, some of which have ended.
fn any_holds() -> impl Strategy<Value = Vec<(HoldScope, bool)>> {
    proptest::collection::vec((any_scope(), proptest::bool::weighted(0.3)), 0..4)
}

fn with_holds(situation: &Situation, holds: &[(HoldScope, bool)]) -> Situation {
    let ended = Deed { by: "operator bob".into(), at: situation.now.fixed_offset() };
    let holds = (1..).zip(holds).map(|(id, (scope, over))| {
        let until = (*over && id % 2 == 0).then(|| situation.now.fixed_offset());
        let released = (*over && id % 2 == 1).then(|| ended.clone());
        Hold { until, released, ..hold(id, scope.clone()) }
    });
    let mut held = situation.clone();
    held.inventory.holds = Some(holds.collect());
    held
}

/// The partitions that may have rows of a month: the first one takes all that is older.
fn places_of(partitions: &[Partition], month: Month, zone: Tz) -> Vec<&Partition> {
    let (from, before) = months::bounds(month, zone);
    let mut lower = None;
    let mut places = Vec::new();
    for partition in partitions {
        let upper = match partition.upper {
            Boundary::Before(edge) => Some(edge),
            Boundary::MaxValue | Boundary::Unknown(_) => None,
        };
        if lower.is_none_or(|lower| lower < before) && upper.is_none_or(|upper| upper > from) {
            places.push(partition);
        }
        lower = upper.or(lower);
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_plan_drops_what_is_held(situation in any_situation(), holds in any_holds()) {
        let held = with_holds(&situation, &holds);
        let plan = held.plan();
        prop_assert_eq!(check(&plan, &held.spec, &held.inventory), Ok(()));
        let zone = held.spec.policy.zone.parse().unwrap();
        let after = apply(&plan, held.inventory.clone());
        for (before, after) in held.inventory.shards.iter().zip(&after.shards) {
            let (TableState::Partitioned { partitions, .. }, TableState::Partitioned { partitions: rest, .. }) =
                (&before.state, &after.state) else { continue };
            for (scope, over) in &holds {
                let kept: Vec<&Partition> = match scope {
                    _ if *over => continue,
                    HoldScope::Month { month } => places_of(partitions, *month, zone),
                    HoldScope::User { .. } | HoldScope::Order { .. } => continue,
                    HoldScope::History | HoldScope::Unknown { .. } => partitions.iter().collect(),
                };
                prop_assert!(kept.iter().all(|kept| rest.contains(kept)), "{:?}", scope);
            }
        }
    }

    #[test]
    fn no_month_goes_before_its_held_rows_were_carved_out(situation in any_situation(), holds in any_holds()) {
        let held = with_holds(&situation, &holds);
        let plan = held.plan();
        let mut carved: Vec<(ShardId, &str, &[RowHold])> = Vec::new();
        for step in plan.active_steps() {
            if let Action::CarveOut { partition, holds, .. } = &step.action {
                carved.push((step.shard, partition, holds));
            }
            if !step.action.takes_partition() {
                continue;
            }
            for hold in held.inventory.holds.iter().flatten().filter(|hold| hold.is_active(held.now)) {
                let is_elsewhere = matches!(hold.scope, HoldScope::User { user }
                    if routing::shard_of(&held.spec.route, user) != step.shard);
                let is_in = |(shard, partition, holds): &(ShardId, &str, &[RowHold])| {
                    *shard == step.shard
                        && *partition == step.action.partition()
                        && holds.iter().any(|carved| carved.hold == hold.id)
                };
                prop_assert!(
                    hold.scope.rows().is_none() || is_elsewhere || carved.iter().any(is_in),
                    "{:?} {:?}", hold, step
                );
            }
        }
    }

    #[test]
    fn holds_stop_no_add_and_ended_ones_stop_nothing(situation in any_situation(), holds in any_holds()) {
        let (free, held) = (situation.plan(), with_holds(&situation, &holds).plan());
        let adds = |step: &&Step| step.action.switch() == Switch::Create;
        prop_assert_eq!(
            held.active_steps().filter(adds).collect::<Vec<_>>(),
            free.active_steps().filter(adds).collect::<Vec<_>>()
        );
        if holds.iter().all(|(_, over)| *over) {
            prop_assert_eq!(held.hash, free.hash);
        }
    }

    #[test]
    fn holds_that_were_not_read_keep_everything(mut situation in any_situation()) {
        situation.inventory.holds = None;
        let plan = situation.plan();
        prop_assert!(plan.active_steps().all(|step| !step.action.is_destructive()));
        prop_assert_eq!(check(&plan, &situation.spec, &situation.inventory), Ok(()));
    }
}

#[test]
fn the_checker_refuses_a_plan_that_forgot_the_holds() {
    let spec = spec(Europe::London, 1, None, Some(12));
    let mut inventory = inventory(&spec, vec![partitioned(months_of("2025-06", "2026-11", Europe::London))]);
    let free = plan(&spec, &inventory, ALL_ON, at("2026-11-23T12:00:00Z"));
    assert_eq!(check(&free, &spec, &inventory), Ok(()));
    let refused = |key: &str| Violation::Held(format!("s0:drop:{key}"));
    inventory.holds = Some(vec![hold(1, HoldScope::Month { month: month("2025-09") })]);
    let after_september = [refused("2025-09"), Violation::NotOldest("s0:drop:2025-10".into())];
    let found = check(&free, &spec, &inventory).unwrap_err();
    assert_eq!((found[0].clone(), found.len()), (after_september[0].clone(), 2), "{found:?}");
    inventory.holds = None;
    assert_eq!(check(&free, &spec, &inventory).unwrap_err()[0], refused("2025-06"));
}

#[test]
fn a_held_month_is_named_with_its_hold_and_its_younger_ones_with_it() {
    let spec = spec(Europe::London, 1, None, Some(12));
    let mut inventory = inventory(&spec, vec![partitioned(months_of("2025-08", "2026-11", Europe::London))]);
    inventory.holds = Some(vec![hold(7, HoldScope::Month { month: month("2025-09") })]);
    let plan = plan(&spec, &inventory, ALL_ON, at("2026-11-23T12:00:00Z"));
    let held = Guard::Held { hold: 7, case_number: "2026/88".into(), until: None };
    let stays = Guard::OlderPartitionStays { partition: "p202509".into() };
    let guards: Vec<_> = plan.steps.iter().map(|step| step.blocked_by.clone()).collect();
    assert_eq!(guards, [vec![], vec![held.clone()], vec![held.clone(), stays]]);
    assert_eq!(held.to_string(), "hold 7 (case 2026/88) keeps it until it is released");
}
