//! What holds for every plan, whatever the inventory.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use payhist_plan::{checker, months};
use payhist_types::history::{Policy, Switch};
use payhist_types::inventory::{Boundary, TableState};
use payhist_types::plan::{Guard, RotationPlan, Step};
use proptest::prelude::*;

use crate::model::{ALL_ON, any_situation, apply, plan};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_plan_passes_its_independent_checker(situation in any_situation()) {
        prop_assert_eq!(checker::check(&situation.plan(), &situation.spec, &situation.inventory), Ok(()));
    }

    #[test]
    fn an_applied_plan_leaves_nothing_to_do_but_what_it_has_itself_made_possible(mut situation in any_situation()) {
        let first = situation.plan();
        situation.inventory = apply(&first, situation.inventory);
        let second = situation.plan();
        for step in second.active_steps() {
            let same_table = || first.steps.iter().filter(|earlier| earlier.shard == step.shard);
            let explained = if step.action.is_destructive() {
                // A table behind for longer than the retention got, for want of a gap, months that have expired already.
                same_table().any(|earlier| {
                    earlier.is_active() && earlier.action.added_months().contains(&step.action.month())
                })
            } else {
                // A drop has freed the name that a month needed.
                let taken = |guard: &Guard| matches!(guard, Guard::NameTaken { .. });
                // What is left of a table may then begin with a later month.
                let same = |earlier: &&Step| {
                    earlier.key() == step.key() || [earlier.action.verb(), step.action.verb()] == ["split"; 2]
                };
                same_table().filter(same).any(|earlier| earlier.blocked_by.iter().any(taken))
            };
            prop_assert!(explained, "{:?}", step);
        }
        for _ in 0..3 {
            situation.inventory = apply(&situation.plan(), situation.inventory);
        }
        prop_assert_eq!(situation.plan().active_steps().count(), 0);
    }

    #[test]
    fn an_applied_plan_keeps_every_unexpired_edge(situation in any_situation()) {
        let plan = situation.plan();
        let after = apply(&plan, situation.inventory.clone());
        let zone = situation.spec.policy.zone.parse().unwrap();
        let kept = situation.spec.policy.retention_months.and_then(|kept| plan.current_month.plus(-i32::from(kept)));
        for (before, after) in situation.inventory.shards.iter().zip(&after.shards) {
            let (TableState::Partitioned { partitions, .. }, TableState::Partitioned { partitions: rest, .. }) =
                (&before.state, &after.state) else { continue };
            for gone in partitions.iter().filter(|partition| !rest.contains(partition)) {
                let Boundary::Before(edge) = gone.upper else { panic!("dropped {gone:?}") };
                prop_assert!(kept.is_some_and(|kept| edge <= months::start(kept, zone)), "{:?}", gone);
            }
        }
    }

    #[test]
    fn a_table_with_an_unknown_boundary_loses_nothing(situation in any_situation()) {
        let plan = situation.plan();
        for step in plan.active_steps().filter(|step| step.action.is_destructive()) {
            let TableState::Partitioned { partitions, .. } = &situation.inventory.shards[usize::from(step.shard.0)].state
                else { panic!("a step on no partitioned table") };
            prop_assert!(!partitions.iter().any(|partition| matches!(partition.upper, Boundary::Unknown(_))));
        }
    }

    #[test]
    fn a_switch_that_is_off_stops_its_steps_and_no_others(situation in any_situation()) {
        let on = plan(&situation.spec, &situation.inventory, ALL_ON, situation.now);
        let off = plan(&situation.spec, &situation.inventory, ALL_ON.with(Switch::Drop, false), situation.now);
        let keys = |plan: &RotationPlan, destructive| {
            let active = plan.active_steps().filter(|step| step.action.is_destructive() == destructive);
            active.map(Step::key).collect::<Vec<_>>()
        };
        prop_assert_eq!(keys(&off, true), Vec::<String>::new());
        prop_assert_eq!(keys(&off, false), keys(&on, false));
        let no_adds = plan(&situation.spec, &situation.inventory, ALL_ON.with(Switch::Create, false), situation.now);
        prop_assert_eq!(keys(&no_adds, false), Vec::<String>::new());
        let last = Guard::LastPartition;
        let waiting = no_adds.steps.iter().filter(|step| step.blocked_by.contains(&last)).count();
        prop_assert!(keys(&no_adds, true).len() + waiting >= keys(&on, true).len());
    }

    #[test]
    fn the_same_situation_has_the_same_hash_all_month(situation in any_situation(), fraction in 0.0..1.0_f64) {
        let mut situation = situation;
        situation.spec.policy = Policy { windows: vec![], max_drop_bytes_outside_windows: None, ..situation.spec.policy };
        let plan = situation.plan();
        let zone = situation.spec.policy.zone.parse().unwrap();
        let (from, before) = months::bounds(plan.current_month, zone);
        let mut later = situation.clone();
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any moment of the month will do")]
        let offset = ((before - from).num_seconds() as f64 * fraction) as i64;
        later.now = from + TimeDelta::seconds(offset);
        for shard in &mut later.inventory.shards {
            if let TableState::Partitioned { partitions, .. } = &mut shard.state {
                for partition in partitions {
                    (partition.rows_estimate, partition.bytes) = (99, 99);
                }
            }
        }
        prop_assert_eq!(later.plan().hash, plan.hash);
    }

    #[test]
    fn step_keys_are_unique_and_every_shard_has_a_runway(situation in any_situation()) {
        let plan = situation.plan();
        let keys: BTreeSet<_> = plan.steps.iter().map(Step::key).collect();
        prop_assert_eq!(keys.len(), plan.steps.len());
        let shards: Vec<_> = plan.runway.iter().map(|runway| runway.shard).collect();
        prop_assert_eq!(shards, situation.spec.route.shards().collect::<Vec<_>>());
    }
}
