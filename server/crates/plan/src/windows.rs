//! When maintenance windows are open, by the clock of the business zone.
//!
//! Invariant: a window is open exactly while the zone's clock shows a time within it. So in the hour that the clock
//! skips it does not open that day, or opens where the clock goes on within it; in the hour that the clock shows twice
//! it is open twice.

use std::cell::OnceCell;

use chrono::{DateTime, Datelike, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;
use payhist_types::history::Policy;
use payhist_types::plan::Guard;
use payhist_types::window::Window;

/// Every window opens within this time, even a weekly one whose hour the clock skips once.
const OPENS_WITHIN_MINUTES: i64 = 15 * DAY_MINUTES;
const DAY_MINUTES: i64 = 24 * 60;

/// Is one of the windows open? Without any, always.
pub fn is_open(windows: &[Window], zone: Tz, at: DateTime<Utc>) -> bool {
    let local = at.with_timezone(&zone).naive_local();
    let (day, time) = (local.weekday(), local.time());
    windows.is_empty()
        || windows.iter().any(|window| {
            let (since, until) = (window.opens() <= time, time < window.closes());
            let opened_on = |day| window.days().contains(&day);
            if window.opens() < window.closes() {
                opened_on(day) && since && until
            } else {
                (opened_on(day) && since) || (opened_on(day.pred()) && until)
            }
        })
}

/// The next minute at which one of the windows is open, after a moment at which none is.
pub fn next_opening(windows: &[Window], zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let minute = after.duration_trunc(TimeDelta::minutes(1)).ok()?;
    let mut minutes = (1..=OPENS_WITHIN_MINUTES).map(|minutes| minute + TimeDelta::minutes(minutes));
    minutes.find(|minute| is_open(windows, zone, *minute))
}

/// When the windows that are open at a moment opened, if that was after `since` and no more than a day ago.
pub fn opened_since(windows: &[Window], zone: Tz, since: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if windows.is_empty() || !is_open(windows, zone, now) {
        return None;
    }
    let minute = now.duration_trunc(TimeDelta::minutes(1)).ok()?;
    let mut minutes = (0..DAY_MINUTES).map(|minutes| minute - TimeDelta::minutes(minutes));
    let opened = minutes.find(|minute| !is_open(windows, zone, *minute - TimeDelta::minutes(1)))?;
    (opened > since).then_some(opened)
}

/// A moment outside every window of a policy.
#[derive(Debug, Clone)]
pub struct Outside<'a> {
    policy: &'a Policy,
    zone: Tz,
    now: DateTime<Utc>,
    /// Looked for when it is first asked for: few plans have drops.
    opens: OnceCell<Option<DateTime<Utc>>>,
}

impl<'a> Outside<'a> {
    /// `None`: a window is open, or the policy has none.
    pub fn of(policy: &'a Policy, zone: Tz, now: DateTime<Utc>) -> Option<Self> {
        (!is_open(&policy.windows, zone, now)).then(|| Self { policy, zone, now, opens: OnceCell::new() })
    }

    /// What keeps a month of so many bytes from being dropped.
    pub fn guard(&self, bytes: u64) -> Option<Guard> {
        let opens = || *self.opens.get_or_init(|| next_opening(&self.policy.windows, self.zone, self.now));
        match self.policy.max_drop_bytes_outside_windows {
            None => Some(Guard::OutsideWindow { opens: opens() }),
            Some(bytes_max) if bytes > bytes_max => {
                Some(Guard::TooLargeOutsideWindow { bytes, bytes_max, opens: opens() })
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia, Europe};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn windows(text: &str) -> Vec<Window> {
        vec![text.parse().unwrap()]
    }

    /// The window opens and closes at exactly these instants, and is open all between.
    fn assert_open(window: &str, zone: Tz, from: &str, before: &str) {
        let (windows, from, before) = (windows(window), at(from), at(before));
        let mut minute = from - TimeDelta::minutes(1);
        assert!(!is_open(&windows, zone, minute), "{window} before {from}");
        assert_eq!(next_opening(&windows, zone, minute), Some(from), "{window}");
        while minute < before - TimeDelta::minutes(1) {
            minute += TimeDelta::minutes(1);
            assert!(is_open(&windows, zone, minute), "{window} at {minute}");
        }
        assert!(!is_open(&windows, zone, before), "{window} at {before}");
    }

    #[test]
    fn a_window_follows_the_clock_of_its_zone_in_summer_and_winter() {
        assert_open("Sat 01:00-05:00", Europe::London, "2026-07-11T00:00:00Z", "2026-07-11T04:00:00Z");
        assert_open("Sat 01:00-05:00", Europe::London, "2026-12-12T01:00:00Z", "2026-12-12T05:00:00Z");
        assert_open("Sat 01:00-05:00", Asia::Seoul, "2026-07-10T16:00:00Z", "2026-07-10T20:00:00Z");
        assert_open("Sat 01:00-05:00", America::New_York, "2026-07-11T05:00:00Z", "2026-07-11T09:00:00Z");
    }

    #[test]
    fn a_window_that_crosses_midnight_belongs_to_the_day_on_which_it_opens() {
        assert_open("Sat 22:00-06:00", Tz::UTC, "2026-12-12T22:00:00Z", "2026-12-13T06:00:00Z");
        assert_open("Sun 00:00-00:00", Tz::UTC, "2026-12-13T00:00:00Z", "2026-12-14T00:00:00Z");
        let both = [windows("Fri 22:00-02:00"), windows("Sat 02:00-03:00")].concat();
        assert!(!is_open(&both, Tz::UTC, at("2026-12-11T21:59:59Z")));
        assert_eq!(next_opening(&both, Tz::UTC, at("2026-12-12T03:00:00Z")), Some(at("2026-12-18T22:00:00Z")));
    }

    #[test]
    fn a_window_in_the_hour_that_the_clock_skips_waits_for_the_next_week() {
        // London skips 01:00 to 02:00 on 29 March 2026, New York 02:00 to 03:00 on 8 March.
        let london = next_opening(&windows("Sun 01:00-02:00"), Europe::London, at("2026-03-28T12:00:00Z"));
        assert_eq!(london, Some(at("2026-04-05T00:00:00Z")));
        let new_york = next_opening(&windows("Sun 02:00-03:00"), America::New_York, at("2026-03-01T12:00:00Z"));
        assert_eq!(new_york, Some(at("2026-03-15T06:00:00Z")));
        // Where it goes on behind the hour, it opens there.
        assert_open("Sun 01:30-03:00", Europe::London, "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z");
    }

    #[test]
    fn a_window_in_the_hour_that_the_clock_shows_twice_is_open_twice() {
        // London shows 01:00 to 02:00 twice on 25 October 2026, New York on 1 November.
        assert_open("Sun 01:15-01:45", Europe::London, "2026-10-25T00:15:00Z", "2026-10-25T00:45:00Z");
        assert_open("Sun 01:15-01:45", Europe::London, "2026-10-25T01:15:00Z", "2026-10-25T01:45:00Z");
        assert_open("Sun 01:00-02:00", America::New_York, "2026-11-01T05:00:00Z", "2026-11-01T07:00:00Z");
        // The clock goes back to within this one and, before, past its end: it never shows a time outside it.
        assert_open("Sun 00:30-01:15", Europe::London, "2026-10-25T01:00:00Z", "2026-10-25T01:15:00Z");
    }

    #[test]
    fn an_opening_is_found_while_its_window_is_open_and_by_the_clock_of_its_zone() {
        let opened =
            |window: &str, zone, since: &str, now: &str| opened_since(&windows(window), zone, at(since), at(now));
        let (nightly, since) = ("daily 04:00-05:00", "2026-12-10T02:45:00Z");
        assert_eq!(opened(nightly, Tz::UTC, since, "2026-12-10T03:59:59Z"), None);
        for now in ["2026-12-10T04:00:00Z", "2026-12-10T04:00:59.9Z", "2026-12-10T04:59:59Z"] {
            assert_eq!(opened(nightly, Tz::UTC, since, now), Some(at("2026-12-10T04:00:00Z")), "{now}");
        }
        assert_eq!(opened(nightly, Tz::UTC, since, "2026-12-10T05:00:00Z"), None, "it is over");
        assert_eq!(opened(nightly, Tz::UTC, "2026-12-10T04:00:00Z", "2026-12-10T04:01:00Z"), None, "known already");
        // Summer in London; the hour that New York skips; the one that it shows twice, all within the window.
        let summer = opened(nightly, Europe::London, "2026-07-10T01:45:00Z", "2026-07-10T03:10:00Z");
        assert_eq!(summer, Some(at("2026-07-10T03:00:00Z")));
        let skipped = opened("Sun 02:30-04:00", America::New_York, "2026-03-08T06:00:00Z", "2026-03-08T07:20:00Z");
        assert_eq!(skipped, Some(at("2026-03-08T07:00:00Z")));
        let twice = opened("Sun 01:00-03:00", America::New_York, "2026-11-01T04:00:00Z", "2026-11-01T06:30:00Z");
        assert_eq!(twice, Some(at("2026-11-01T05:00:00Z")));
        assert_eq!(opened_since(&[], Tz::UTC, at(since), at("2026-12-10T04:00:00Z")), None, "no window opens");
    }

    #[test]
    fn without_windows_it_is_always_open() {
        let policy = Policy::default();
        assert!(Outside::of(&policy, Tz::UTC, at("2026-03-29T01:00:00Z")).is_none());
    }

    #[test]
    fn outside_its_windows_a_policy_lets_small_months_go_if_it_says_so() {
        let policy = Policy { windows: windows("Sat 01:00-05:00"), ..Policy::default() };
        let (now, opens) = (at("2026-12-11T12:00:00Z"), Some(at("2026-12-12T01:00:00Z")));
        let guard = |policy: &Policy, bytes| Outside::of(policy, Tz::UTC, now).unwrap().guard(bytes);
        assert_eq!(guard(&policy, 0), Some(Guard::OutsideWindow { opens }));
        let policy = Policy { max_drop_bytes_outside_windows: Some(100), ..policy };
        assert_eq!(guard(&policy, 100), None);
        let too_large = Guard::TooLargeOutsideWindow { bytes: 101, bytes_max: 100, opens };
        assert_eq!(guard(&policy, 101), Some(too_large));
    }
}
