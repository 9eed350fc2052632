//! Times in the business zone, as RFC 3339, quickly: what is the same for a quarter of an hour is written once.

use chrono::{DateTime, FixedOffset, Offset, SecondsFormat, TimeZone};
use chrono_tz::Tz;
use payhist_storage::StorageError;

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

    /// Appends an instant in microseconds since 1970.
    pub(super) fn push(&mut self, text: &mut Vec<u8>, micros: i64) -> Result<(), StorageError> {
        let number = micros.div_euclid(QUARTER_MICROS);
        let place = usize::try_from(number.rem_euclid(REMEMBERED)).unwrap_or_default();
        let known = self.remembered[place].filter(|quarter| quarter.number == number);
        let Some(quarter) = known.map_or_else(|| self.quarter(number), |known| Ok(Some(known)))? else {
            text.extend_from_slice(self.local(micros)?.to_rfc3339_opts(SecondsFormat::AutoSi, false).as_bytes());
            return Ok(());
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
        Ok(())
    }

    /// `None`: its instants do not begin and end alike.
    fn quarter(&self, number: i64) -> Result<Option<Quarter>, StorageError> {
        let start = self.local(number.saturating_mul(QUARTER_MICROS))?;
        let end = self.local(number.saturating_mul(QUARTER_MICROS).saturating_add(QUARTER_MICROS - 1))?;
        let offset = *start.offset();
        let aligned = offset.fix().local_minus_utc() % 900 == 0 && *end.offset() == offset;
        let text = start.to_rfc3339();
        let (head, minute, offset) = (text.get(..14), text.get(14..16), text.get(19..));
        let parts = head.zip(minute).zip(offset).filter(|_| aligned).and_then(|((head, minute), offset)| {
            Some(Quarter {
                number,
                head: head.as_bytes().try_into().ok()?,
                first_minute: minute.parse().ok()?,
                offset: offset.as_bytes().try_into().ok()?,
            })
        });
        Ok(parts)
    }

    fn local(&self, micros: i64) -> Result<DateTime<FixedOffset>, StorageError> {
        let at = DateTime::from_timestamp_micros(micros)
            .ok_or_else(|| StorageError::Inconsistent(format!("{micros} µs since 1970 are beyond all calendars")))?;
        Ok(self.zone.from_utc_datetime(&at.naive_utc()).fixed_offset())
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
                times.push(&mut text, micros).unwrap();
                let expected = times.local(micros).unwrap().to_rfc3339_opts(SecondsFormat::AutoSi, false);
                assert_eq!(String::from_utf8(text).unwrap(), expected, "{zone} {micros}");
            }
        }
    }
}
