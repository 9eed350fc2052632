//! Which day it is in a zone: its offsets over a stretch of time, and the stretch's days.

use chrono::{DateTime, NaiveDate, Offset, TimeDelta, Utc};
use chrono_tz::Tz;
use payhist_storage::payments::Offsets;

/// How far apart the clock is looked at; no zone changes it twice within this.
const STEP: TimeDelta = TimeDelta::hours(6);

/// How far the zone's clock is ahead of UTC within `[from, until)`.
pub(super) fn offsets(from: DateTime<Utc>, until: DateTime<Utc>, zone: Tz) -> Offsets {
    let ahead = |at: DateTime<Utc>| at.with_timezone(&zone).offset().fix().local_minus_utc();
    let mut offsets = vec![(from, ahead(from))];
    let mut at = from;
    while at < until {
        let next = (at + STEP).min(until);
        let (before, after) = (ahead(at), ahead(next));
        if before != after {
            offsets.push((first_second(at, next, |moment| ahead(moment) == after), after));
        }
        at = next;
    }
    offsets
}

/// The first whole second after `low` for which it holds; it holds at `high` and from then on, not at `low`.
fn first_second(
    mut low: DateTime<Utc>,
    mut high: DateTime<Utc>,
    holds: impl Fn(DateTime<Utc>) -> bool,
) -> DateTime<Utc> {
    while high - low > TimeDelta::seconds(1) {
        let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

/// The first and the last day of `[from, until)`.
pub(super) fn bounds(from: DateTime<Utc>, until: DateTime<Utc>, zone: Tz) -> (NaiveDate, NaiveDate) {
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let (first, last) = (day(from), day(until - TimeDelta::microseconds(1)));
    (first, last.max(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America, Asia, Europe};
    use payhist_plan::months;

    fn changes(zone: Tz, month: &str) -> Vec<String> {
        let (from, until) = months::bounds(month.parse().unwrap(), zone);
        offsets(from, until, zone).iter().map(|(at, ahead)| format!("{} {ahead}", at.format("%dT%H:%M"))).collect()
    }

    #[test]
    fn the_clocks_changes_are_found_to_the_second() {
        assert_eq!(changes(Europe::London, "2026-03"), ["01T00:00 0", "29T01:00 3600"]);
        assert_eq!(changes(Europe::London, "2026-10"), ["30T23:00 3600", "25T01:00 0"]);
        assert_eq!(changes(America::New_York, "2026-11"), ["01T04:00 -14400", "01T06:00 -18000"]);
        assert_eq!(changes(America::St_Johns, "2009-03"), ["01T03:30 -12600", "08T03:31 -9000"]);
        assert_eq!(changes(Asia::Seoul, "2026-03"), ["28T15:00 32400"]);
    }
}
