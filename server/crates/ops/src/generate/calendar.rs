//! When people pay: more by day than by night, more at the week's end, in the business zone's hours.

use super::dice::Dice;
use crate::zone::day_start;
use chrono::{DateTime, Datelike, Days, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use payhist_plan::months;
use payhist_types::Month;

/// How busy each hour of a day is.
const HOURS: [u64; 24] = [18, 10, 6, 4, 3, 4, 9, 20, 35, 48, 60, 70, 82, 72, 64, 62, 64, 70, 82, 92, 100, 96, 70, 38];

/// How busy a day is.
const fn weekday(day: Weekday) -> u64 {
    match day {
        Weekday::Mon | Weekday::Tue => 9,
        Weekday::Wed | Weekday::Thu => 10,
        Weekday::Fri => 12,
        Weekday::Sat => 14,
        Weekday::Sun => 13,
    }
}

/// The hours of a month until the run's end, with how busy they are.
#[derive(Debug)]
pub(super) struct Calendar {
    /// Start and length in microseconds.
    slots: Vec<(DateTime<Utc>, u64)>,
    /// Running totals of their weights.
    totals: Vec<u64>,
}

impl Calendar {
    /// The hours of a month before `until`.
    pub(super) fn of_month(month: Month, zone: Tz, until: DateTime<Utc>) -> Self {
        let (from, end) = months::bounds(month, zone);
        let until = end.min(until);
        let mut calendar = Self { slots: Vec::new(), totals: Vec::new() };
        let days = (0..31).map_while(|day| month.first_day().checked_add_days(Days::new(day)));
        for day in days.filter(|day| day.month() == u32::from(month.month())) {
            let (start, end) = (day_start(day, zone).max(from), day_start(day + Days::new(1), zone).min(end));
            let hour = (end - start) / 24; // a day may have 23 or 25
            for (number, busy) in (0..).zip(HOURS) {
                calendar.add(start + hour * number, hour, busy * weekday(day.weekday()), until);
            }
        }
        calendar
    }

    fn add(&mut self, start: DateTime<Utc>, length: TimeDelta, weight: u64, until: DateTime<Utc>) {
        let whole = micros(length);
        let part = micros(until - start).min(whole);
        if part > 0 {
            self.slots.push((start, part));
            // In thousandths, so that an hour cut off by the end keeps its share.
            self.totals.push(self.weight() + (weight * part / (whole / 1_000)).max(1));
        }
    }

    /// How busy the month is, beside other months.
    pub(super) fn weight(&self) -> u64 {
        self.totals.last().copied().unwrap_or(0)
    }

    /// A moment of the month, to the microsecond.
    pub(super) fn pick(&self, dice: &mut Dice) -> DateTime<Utc> {
        let (start, length) = self.slots[dice.weighted(&self.totals)];
        start + TimeDelta::microseconds(dice.below(length).cast_signed())
    }
}

fn micros(span: TimeDelta) -> u64 {
    u64::try_from(span.num_microseconds().unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn moments_lie_within_the_month_of_the_zone_and_before_the_end() {
        let zone = chrono_tz::Asia::Seoul;
        let until: DateTime<Utc> = "2026-11-15T12:34:56Z".parse().unwrap();
        let (from, _) = months::bounds(month("2026-11"), zone);
        let calendar = Calendar::of_month(month("2026-11"), zone, until);
        let mut dice = Dice::new(1, [0; 3]);
        let moments: Vec<_> = (0..20_000).map(|_| calendar.pick(&mut dice)).collect();
        assert!(moments.iter().all(|at| (from..until).contains(at)));
        assert!(moments.iter().max().unwrap() > &(until - TimeDelta::hours(3)), "up to the end");
        assert_eq!(Calendar::of_month(month("2026-12"), zone, until).weight(), 0, "nothing lies in the future");
    }

    #[test]
    fn days_are_busier_than_nights_and_the_week_has_its_rhythm() {
        use chrono::Timelike;
        let zone = chrono_tz::Europe::London;
        let calendar = Calendar::of_month(month("2026-10"), zone, "2027-01-01T00:00:00Z".parse().unwrap());
        let mut dice = Dice::new(1, [0; 3]);
        let (mut night, mut evening, mut monday, mut saturday) = (0, 0, 0, 0);
        for _ in 0..20_000 {
            let at = calendar.pick(&mut dice).with_timezone(&zone);
            night += i32::from(at.hour() == 4);
            evening += i32::from(at.hour() == 20);
            monday += i32::from(at.weekday() == Weekday::Mon);
            saturday += i32::from(at.weekday() == Weekday::Sat);
        }
        assert!(evening > 10 * night, "{evening} and {night}");
        assert!(saturday > monday, "{saturday} and {monday}");
    }
}
