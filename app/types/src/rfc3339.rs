//! Times as RFC 3339 writes them, quickly: a page of JSON has a hundred.

use chrono::{DateTime, Datelike, FixedOffset, SecondsFormat, Timelike};

/// Appends a time, to the second, the millisecond or the microsecond: the shortest that is exact. The very text that chrono
/// writes with [`SecondsFormat::AutoSi`], whose machinery takes several times as long.
pub fn push(text: &mut String, at: &DateTime<FixedOffset>) {
    let (local, offset) = (at.naive_local(), at.offset().local_minus_utc());
    let nanos = local.nanosecond();
    let year = u32::try_from(local.year()).ok().filter(|year| *year <= 9999);
    let is_usual = offset % 60 == 0 && nanos < 1_000_000_000 && nanos.is_multiple_of(1_000);
    let Some(year) = year.filter(|_| is_usual) else {
        text.push_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, false));
        return;
    };
    let mut bytes = *b"0000-00-00T00:00:00.000000+00:00";
    put(&mut bytes[..4], year);
    put(&mut bytes[5..7], local.month());
    put(&mut bytes[8..10], local.day());
    put(&mut bytes[11..13], local.hour());
    put(&mut bytes[14..16], local.minute());
    put(&mut bytes[17..19], local.second());
    put(&mut bytes[20..26], nanos / 1_000);
    let zone = match nanos {
        0 => 19,
        _ if nanos.is_multiple_of(1_000_000) => 23,
        _ => 26,
    };
    let minutes = offset.unsigned_abs() / 60;
    bytes[zone..zone + 6].copy_from_slice(if offset < 0 { b"-00:00" } else { b"+00:00" });
    put(&mut bytes[zone + 1..zone + 3], minutes / 60);
    put(&mut bytes[zone + 4..zone + 6], minutes % 60);
    text.push_str(str::from_utf8(&bytes[..zone + 6]).unwrap_or_default());
}

/// Fills a place with digits.
fn put(place: &mut [u8], mut value: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789"[value as usize % 10];
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;

    fn pushed(at: &DateTime<FixedOffset>) -> String {
        let mut text = String::new();
        push(&mut text, at);
        text
    }

    proptest! {
        #[test]
        fn a_time_is_written_as_chrono_writes_it(
            seconds in -70_000_000_000_i64..260_000_000_000,
            nanos in prop_oneof![
                Just(0_u32), (0_u32..1_000).prop_map(|ms| ms * 1_000_000), (0_u32..1_000_000).prop_map(|us| us * 1_000),
                0_u32..2_000_000_000
            ],
            offset in prop_oneof![(-95_i32..=95).prop_map(|quarters| quarters * 900), -86_399_i32..86_400],
        ) {
            // Beyond 999,999,999 a leap second, which only the last second of a minute can have.
            let nanos = if nanos >= 1_000_000_000 && seconds.rem_euclid(60) != 59 { 0 } else { nanos };
            let at = DateTime::from_timestamp(seconds, nanos).unwrap();
            let at = FixedOffset::east_opt(offset).unwrap().from_utc_datetime(&at.naive_utc());
            prop_assert_eq!(pushed(&at), at.to_rfc3339_opts(SecondsFormat::AutoSi, false));
        }
    }
}
