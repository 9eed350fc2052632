//! Which instants a calendar month covers in a business zone.
//!
//! Invariants: a month begins at the first valid instant of its 1st and ends where the next one begins, so that months
//! tile time without gap or overlap, even when a zone's clock jumps at midnight or strikes it twice; instants outside
//! [`Month::MIN`]..=[`Month::MAX`] count to the nearer of the two.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use payhist_types::Month;

/// The longest gap in any zone's clock: the date line moved, and a whole day was skipped.
const CLOCK_GAP_SECS_MAX: i64 = 24 * 60 * 60;

/// The month that contains an instant.
pub fn month_of(at: DateTime<Utc>, zone: Tz) -> Month {
    let nearest = if at.year() <= Month::MIN.year().into() { Month::MIN } else { Month::MAX };
    if !(1969..=10_000).contains(&at.year()) {
        return nearest; // no zone's clock is a year off, and chrono cannot convert its own first and last days
    }
    let Ok(month) = Month::of_date(at.with_timezone(&zone).date_naive()) else { return nearest };
    // A clock set back across midnight shows the old month once more after the new one has begun.
    if at >= end(month, zone) { month.next().unwrap_or(Month::MAX) } else { month }
}

/// Start (included) and end (excluded) of the month that contains an instant.
pub fn bounds_of(at: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    bounds(month_of(at, zone), zone)
}

/// Start (included) and end (excluded) of a month.
pub fn bounds(month: Month, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    (start(month, zone), end(month, zone))
}

/// The first instant of a month.
pub fn start(month: Month, zone: Tz) -> DateTime<Utc> {
    day_start(month.first_day(), zone)
}

/// The first instant after a month.
#[expect(clippy::missing_panics_doc, reason = "chrono knows the year 10000")]
pub fn end(month: Month, zone: Tz) -> DateTime<Utc> {
    day_start(month.first_day().checked_add_months(Months::new(1)).expect("chrono knows the year 10000"), zone)
}

/// The month that ends exactly at an instant, if one does.
pub fn ending_at(edge: DateTime<Utc>, zone: Tz) -> Option<Month> {
    let month = last_below(edge, zone);
    (end(month, zone) == edge).then_some(month)
}

/// The month of the last instant before an edge.
pub fn last_below(edge: DateTime<Utc>, zone: Tz) -> Month {
    month_of(edge.checked_sub_signed(TimeDelta::nanoseconds(1)).unwrap_or(edge), zone)
}

/// The name of a month's partition where payhist chooses it: `pYYYYMM`.
pub fn partition_name(month: Month) -> String {
    format!("p{:04}{:02}", month.year(), month.month())
}

/// The first instant at which a zone's clock shows the date or, if it skipped the whole day, a later one.
pub(crate) fn day_start(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    (0..=CLOCK_GAP_SECS_MAX)
        .find_map(|seconds| zone.from_local_datetime(&(midnight + TimeDelta::seconds(seconds))).earliest())
        .map_or_else(|| midnight.and_utc() + Days::new(1), |local| local.to_utc())
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia, Europe, Pacific, TZ_VARIANTS};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn assert_bounds(zone: Tz, name: &str, from: &str, before: &str) {
        assert_eq!(bounds(month(name), zone), (at(from), at(before)), "{name} in {zone}");
    }

    #[test]
    fn months_begin_at_local_midnight_summer_and_winter() {
        assert_bounds(Europe::London, "2026-03", "2026-03-01T00:00:00Z", "2026-03-31T23:00:00Z");
        assert_bounds(Europe::London, "2026-10", "2026-09-30T23:00:00Z", "2026-11-01T00:00:00Z");
        assert_bounds(America::New_York, "2026-11", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z");
        assert_bounds(Asia::Seoul, "2026-01", "2025-12-31T15:00:00Z", "2026-01-31T15:00:00Z");
    }

    #[test]
    fn years_end_and_leap_days_belong_to_their_month() {
        assert_eq!(month_of(at("2026-12-31T23:59:59.999999Z"), Europe::London), month("2026-12"));
        assert_eq!(month_of(at("2027-01-01T00:00:00Z"), Europe::London), month("2027-01"));
        assert_eq!(month_of(at("2026-12-31T15:00:00Z"), Asia::Seoul), month("2027-01"));
        assert_bounds(Europe::London, "2028-02", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z");
        assert_eq!(month_of(at("2028-02-29T12:00:00Z"), Europe::London), month("2028-02"));
    }

    #[test]
    fn a_month_whose_first_midnight_does_not_exist_begins_right_after_it() {
        // Paraguay's clocks went from 00:00 to 01:00 on 1 October 1975 to 1988.
        assert_bounds(America::Asuncion, "1980-10", "1980-10-01T04:00:00Z", "1980-11-01T03:00:00Z");
        assert_eq!(month_of(at("1980-10-01T03:59:59Z"), America::Asuncion), month("1980-09"));
        // Brazil's clocks skipped midnight too, though not on a 1st: its months stay whole around it.
        assert_bounds(America::Sao_Paulo, "2018-11", "2018-11-01T03:00:00Z", "2018-12-01T02:00:00Z");
        assert_eq!(month_of(at("2018-11-04T03:00:00Z"), America::Sao_Paulo), month("2018-11"));
    }

    #[test]
    fn a_clock_set_back_across_midnight_does_not_return_to_the_old_month() {
        // Newfoundland's clocks went from 00:01 on 1 November 2009 back to 23:01 on 31 October.
        let begins = at("2009-11-01T02:30:00Z");
        assert_eq!(start(month("2009-11"), America::St_Johns), begins);
        let again_october = at("2009-11-01T02:45:00Z").with_timezone(&America::St_Johns);
        assert_eq!(again_october.date_naive().to_string(), "2009-10-31");
        assert_eq!(month_of(again_october.to_utc(), America::St_Johns), month("2009-11"));
    }

    #[test]
    fn an_edge_is_a_months_end_only_to_the_nanosecond() {
        let edge = at("2026-03-31T23:00:00Z");
        assert_eq!(ending_at(edge, Europe::London), Some(month("2026-03")));
        assert_eq!(ending_at(edge + TimeDelta::nanoseconds(1), Europe::London), None);
        assert_eq!(ending_at(edge, Asia::Seoul), None);
    }

    #[test]
    fn instants_beyond_all_months_count_to_the_nearest_and_never_panic() {
        for zone in TZ_VARIANTS {
            assert_eq!(month_of(DateTime::<Utc>::MIN_UTC, zone), Month::MIN);
            assert_eq!(month_of(DateTime::<Utc>::MAX_UTC, zone), Month::MAX);
            assert_eq!(ending_at(DateTime::<Utc>::MIN_UTC, zone), None);
            assert_eq!(ending_at(end(Month::MAX, zone), zone), Some(Month::MAX));
        }
    }

    #[test]
    fn months_of_every_zone_tile_the_years_with_known_clock_changes() {
        for zone in TZ_VARIANTS {
            for month in Month::range(Month::MIN, month("2037-12")) {
                let (from, before) = bounds(month, zone);
                assert!(from < before, "{month} in {zone}");
                assert_eq!(month_of(from, zone), month, "{zone}");
                assert_eq!(last_below(before, zone), month, "{zone}");
            }
        }
    }

    fn any_zone() -> impl Strategy<Value = Tz> {
        let dear = [Europe::London, America::New_York, Asia::Seoul, America::Sao_Paulo, Pacific::Apia];
        prop_oneof![proptest::sample::select(dear.to_vec()), proptest::sample::select(TZ_VARIANTS.to_vec())]
    }

    proptest! {
        #[test]
        fn every_instant_lies_within_its_month_and_in_no_other(seconds in 0..253_000_000_000_i64, zone in any_zone()) {
            let instant = DateTime::from_timestamp(seconds, 0).unwrap();
            let (from, before) = bounds_of(instant, zone);
            prop_assume!(instant >= start(Month::MIN, zone));
            prop_assert!(from <= instant && instant < before);
            if let Some(earlier) = month_of(instant, zone).prev() {
                prop_assert_eq!(end(earlier, zone), from);
            }
        }
    }
}
