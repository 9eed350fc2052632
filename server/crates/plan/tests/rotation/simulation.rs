//! A simulation tells what the planner plans on each day, and nothing else.

use std::collections::BTreeSet;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::{Europe, Tz};
use payhist_plan::months;
use payhist_plan::simulation::simulate;
use payhist_types::history::HistorySpec;
use payhist_types::holds::{Hold, HoldScope};
use payhist_types::inventory::{Inventory, Restored};
use payhist_types::plan::{Guard, Step};
use payhist_types::simulation::Simulation;
use proptest::prelude::*;

use crate::holds::hold;
use crate::model::{
    ALL_ON, BYTES, Situation, any_situation, any_windows, apply, at, inventory, month, months_of, partitioned, spec,
};

type Told = Vec<(DateTime<Utc>, BTreeSet<String>)>;

fn told(simulation: &Simulation) -> Told {
    let mut told: Told = Vec::new();
    for step in &simulation.steps {
        if told.last().is_none_or(|(at, _)| *at != step.at) {
            told.push((step.at, BTreeSet::new()));
        }
        let keys = step.shards.iter().map(|shard| format!("s{shard}:{}:{}", step.action, step.month));
        told.last_mut().unwrap().1.extend(keys);
    }
    told
}

/// The planner's answers at the start of each day, and at the openings that are all a step waits for, carried out by
/// the model.
fn day_by_day(mut situation: Situation, until: DateTime<Utc>) -> Told {
    let zone: Tz = situation.spec.policy.zone.parse().unwrap();
    let (mut told, mut known) = (Vec::new(), BTreeSet::new());
    while situation.now < until {
        let plan = situation.plan();
        let new: BTreeSet<_> = plan.active_steps().map(Step::key).filter(|key| known.insert(key.clone())).collect();
        if !new.is_empty() {
            told.push((situation.now, new));
        }
        situation.inventory = apply(&plan, situation.inventory);
        let opens = plan.steps.iter().filter_map(|step| match step.blocked_by[..] {
            [Guard::OutsideWindow { opens } | Guard::TooLargeOutsideWindow { opens, .. }] => opens,
            _ => None,
        });
        situation.now = opens.chain([next_day(situation.now, zone)]).min().unwrap();
    }
    told
}

/// The hour at which the date changes next: clocks change on whole hours in the model's zones.
fn next_day(after: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let date = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let mut hours = (1..).map(|hours| after.duration_trunc(TimeDelta::hours(1)).unwrap() + TimeDelta::hours(hours));
    hours.find(|hour| date(*hour) != date(after)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn simulated_steps_are_what_the_planner_plans_on_those_days(
        situation in any_situation(),
        days in proptest::option::of(0..90_u16),
        (windows, most) in prop_oneof![Just((vec![], None)), any_windows()],
        restored in 0..60_i64,
    ) {
        let mut situation = situation;
        let policy = &mut situation.spec.policy;
        (policy.quarantine_days, policy.windows) = (days, windows);
        // Months to come have a size of their own in the model and a mean one here.
        policy.max_drop_bytes_outside_windows = most.map(|most| if most == BYTES { 2 * BYTES } else { 0 });
        let until = situation.now + TimeDelta::days(restored);
        let oldest = month("2024-06");
        situation.inventory.shards[0].restored.push(Restored { month: oldest, until });
        let until = Some((until + TimeDelta::days(9)).fixed_offset());
        situation.inventory.holds = Some(vec![Hold { until, ..hold(1, HoldScope::Month { month: oldest }) }]);
        let simulation = simulate(&situation.spec, &situation.inventory, situation.switches, situation.now, 3).unwrap();
        prop_assert_eq!(told(&simulation), day_by_day(situation, simulation.until));
    }
}

/// One shard in London with a year of months, kept for a year, quarantined 30 days before.
fn site() -> (HistorySpec, Inventory) {
    let mut spec = spec(Europe::London, 1, Some(1), Some(12));
    spec.policy.quarantine_days = Some(30);
    let mut inventory = inventory(&spec, vec![partitioned(months_of("2025-11", "2026-12", Europe::London))]);
    for partition in crate::model::partitions_mut(&mut inventory, 0) {
        partition.rows_estimate = if *partition.name < *"p202611" { 1_200 } else { 0 };
    }
    (spec, inventory)
}

fn story(simulation: &Simulation) -> Vec<String> {
    let word = |measured: bool| if measured { "" } else { " extrapolated" };
    let step = simulation.steps.iter().map(|step| {
        let (action, rows) = (&step.action, step.rows_estimate);
        format!("{} {action} {} {rows}{}", step.date, step.month, word(!step.extrapolated))
    });
    step.collect()
}

#[test]
fn a_year_of_a_policy_is_told_with_its_dates_and_rows() {
    let (spec, inventory) = site();
    let simulation = simulate(&spec, &inventory, ALL_ON, at("2026-11-23T12:00:00Z"), 13).unwrap();
    let story = story(&simulation);
    assert_eq!(
        story[..4],
        [
            "2026-11-23 quarantine 2025-11 1200",
            "2026-12-01 add 2027-01 0",
            "2026-12-01 final-drop 2025-11 1200",
            "2026-12-02 quarantine 2025-12 1200",
        ]
    );
    assert!(story.contains(&"2027-11-01 quarantine 2026-11 1200 extrapolated".to_owned()), "{story:#?}");
    assert_eq!(simulation.until, months::start(month("2027-12"), Europe::London));
}

#[test]
fn final_drops_wait_for_their_window() {
    let (mut spec, inventory) = site();
    spec.policy.windows = vec!["Sat 01:00-05:00".parse().unwrap()];
    let simulation = simulate(&spec, &inventory, ALL_ON, at("2026-11-23T12:00:00Z"), 1).unwrap();
    assert_eq!(story(&simulation), ["2026-11-23 quarantine 2025-11 1200"]);
    let simulation = simulate(&spec, &inventory, ALL_ON, at("2026-11-23T12:00:00Z"), 2).unwrap();
    assert!(story(&simulation).contains(&"2026-12-05 final-drop 2025-11 1200".to_owned()), "{:#?}", simulation.steps);
}

#[test]
fn what_stays_blocked_is_told_with_its_reason() {
    let (spec, inventory) = site();
    let switches = payhist_types::history::Switches { drop: false, ..ALL_ON };
    let simulation = simulate(&spec, &inventory, switches, at("2026-11-23T12:00:00Z"), 2).unwrap();
    assert_eq!((simulation.blocked[0].reason.as_str(), simulation.blocked[0].steps), ("the drop switch is off", 2));
}
