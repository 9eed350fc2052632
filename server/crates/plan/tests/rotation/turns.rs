//! The turn of months and clocks: what is due changes at the month's first instant in its zone, and never goes back.

use chrono::TimeDelta;
use chrono_tz::{America, Asia, Europe};
use payhist_plan::months;
use payhist_types::Month;
use payhist_types::plan::Step;

use crate::model::{ALL_ON, Situation, apply, at, inventory, month, month_partition, partitioned, plan, spec};

/// Years' ends, 29 February and every change of the clock are among them.
#[test]
fn at_each_months_turn_one_month_is_added_and_one_dropped_and_not_a_microsecond_sooner() {
    for zone in [Europe::London, America::New_York, Asia::Seoul] {
        for current in Month::range(month("2027-01"), month("2028-12")) {
            let [first, last] = [-12, 1].map(|months| current.plus(months).unwrap());
            let partitions = Month::range(first, last).map(|month| month_partition(month, zone)).collect();
            let spec = spec(zone, 1, Some(1), Some(12));
            let inventory = inventory(&spec, vec![partitioned(partitions)]);
            let turn = months::end(current, zone);
            let keys = |now| plan(&spec, &inventory, ALL_ON, now).active_steps().map(Step::key).collect::<Vec<_>>();
            assert_eq!(keys(turn - TimeDelta::microseconds(1)), [""; 0], "{current} in {zone}");
            let next = last.next().unwrap();
            assert_eq!(keys(turn), [format!("s0:add:{next}"), format!("s0:drop:{first}")], "{current} in {zone}");
        }
    }
}

#[test]
fn a_clock_that_jumps_back_takes_nothing_away_and_adds_nothing() {
    let zone = Europe::London;
    let spec = spec(zone, 1, Some(1), Some(12));
    let partitions =
        Month::range(month("2025-10"), month("2026-11")).map(|month| month_partition(month, zone)).collect();
    let inventory = inventory(&spec, vec![partitioned(partitions)]);
    let mut site = Situation { spec, inventory, switches: ALL_ON, now: at("2026-12-01T00:00:00Z") };
    let due = site.plan();
    assert_eq!(due.active_steps().count(), 4);
    site.inventory = apply(&due, site.inventory);
    for back in ["2026-11-30T23:59:59Z", "2026-01-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
        site.now = at(back);
        assert_eq!(site.plan().steps, [], "{back}");
    }
}
