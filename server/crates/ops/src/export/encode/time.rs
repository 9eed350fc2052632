//! Times in the business zone, as RFC 3339, quickly: what is the same for a quarter of an hour is written once.

use crate::zone::local;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;

/// Clocks change on a quarter of an hour, and so do dates and hours.
const QUARTER_MICROS: i64 = 900 * 1_000_000;
/// Quarters that are remembered: more than a month has, since rows do not come in time's order.
const REMEMBERED: i64 = 4_096;

/// A quarter of an hour, and how its instants begin and end: `2026-11-01T09:` and `+09:00`.
#[derive(Clone, Copy)]
struct Quarter {
    number: i64,
    head: [u8; 14],
    first_minute: u8,
    offset: [u8; 6],
}

/// Writes times of one zone.
pub(super) struct Times {
    zone: Tz,
    remembered: Vec<Option<Quarter>>,
}

impl Times {
    pub(super) fn new(zone: Tz) -> Self {
        Self { zone, remembered: std::iter::repeat_n(None, usize::try_from(REMEMBERED).unwrap_or_default()).collect() }
    }

    /// Appends an instant.
    pub(super) fn push(&mut self, text: &mut Vec<u8>, at: DateTime<Utc>) {
        let micros = at.timestamp_micros();
        let number = micros.div_euclid(QUARTER_MICROS);
        let place = usize::try_from(number.rem_euclid(REMEMBERED)).unwrap_or_default();
        let known = self.remembered[place].filter(|quarter| quarter.number == number);
        let Some(quarter) = known.or_else(|| self.quarter(number)) else {
            text.extend_from_slice(local(at, self.zone).to_rfc3339_opts(SecondsFormat::AutoSi, false).as_bytes());
            return;
        };
        self.remembered[place] = Some(quarter);
        let within = micros.rem_euclid(QUARTER_MICROS);
        let (seconds, fraction) = (within / 1_000_000, within % 1_000_000);
        text.extend_from_slice(&quarter.head);
        digits::<2>(text, i64::from(quarter.first_minute) + seconds / 60);
        text.push(b':');
        digits::<2>(text, seconds % 60);
        match fraction {
            0 => {}
            _ if fraction % 1_000 == 0 => {
                text.push(b'.');
                digits::<3>(text, fraction / 1_000);
            }
            _ => {
                text.push(b'.');
                digits::<6>(text, fraction);
            }
        }
        text.extend_from_slice(&quarter.offset);
    }

    /// `None`: its instants do not begin and end alike.
    fn quarter(&self, number: i64) -> Option<Quarter> {
        let edge = |micros| Some(local(DateTime::from_timestamp_micros(micros)?, self.zone));
        let start = edge(number.checked_mul(QUARTER_MICROS)?)?;
        let end = edge(number.checked_add(1)?.checked_mul(QUARTER_MICROS)? - 1)?;
        let offset = *start.offset();
        if offset.local_minus_utc() % 900 != 0 || *end.offset() != offset {
            return None;
        }
        let text = start.to_rfc3339();
        Some(Quarter {
            number,
            head: text.get(..14)?.as_bytes().try_into().ok()?,
            first_minute: text.get(14..16)?.parse().ok()?,
            offset: text.get(19..)?.as_bytes().try_into().ok()?,
        })
    }
}

fn digits<const COUNT: usize>(text: &mut Vec<u8>, mut value: i64) {
    let mut digits = [b'0'; COUNT];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
    }
    text.extend_from_slice(&digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_chrono_writes_them_on_both_sides_of_each_clock_change() {
        for zone in [Tz::UTC, Tz::Europe__Berlin, Tz::Asia__Seoul, Tz::Asia__Kathmandu, Tz::Australia__Lord_Howe] {
            let mut times = Times::new(zone);
            let start = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().timestamp_micros();
            for step in 0..40_000_i64 {
                // A prime number of microseconds, so that every quarter and many fractions come, and then come again.
                let micros = start + step * 797_003_000_i64 + [0, 5, 5_000][usize::try_from(step % 3).unwrap()];
                let mut text = Vec::new();
                let at = DateTime::from_timestamp_micros(micros).unwrap();
                times.push(&mut text, at);
                let expected = local(at, zone).to_rfc3339_opts(SecondsFormat::AutoSi, false);
                assert_eq!(String::from_utf8(text).unwrap(), expected, "{zone} {micros}");
            }
        }
    }
}
