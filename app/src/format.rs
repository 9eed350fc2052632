//! Figures as people read them. Times are in the business zone, which the page names once.

use chrono::{DateTime, FixedOffset, SubsecRound};

/// `2026-11-23 09:30:15`
pub(crate) fn time(at: &DateTime<FixedOffset>) -> String {
    at.naive_local().trunc_subsecs(0).to_string()
}

/// The same instant in UTC, for those who hover.
pub(crate) fn utc(at: &DateTime<FixedOffset>) -> String {
    format!("{} UTC", at.naive_utc())
}

/// `1,234,567`
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// `950`, `12k`, `1.5M`: as short as an axis wants it.
pub(crate) fn short(value: u64) -> String {
    let units = [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    match units.into_iter().find(|(size, _)| value >= *size) {
        Some((size, unit)) if value.is_multiple_of(size) => format!("{}{unit}", value / size),
        Some((size, unit)) => format!("{}.{}{unit}", value / size, value % size * 10 / size),
        None => value.to_string(),
    }
}

/// `12.3 MB`, in powers of ten.
#[expect(clippy::cast_precision_loss, reason = "shown to one decimal")]
pub(crate) fn bytes(value: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut shown, mut unit) = (value as f64, 0);
    while shown >= 1000.0 && unit + 1 < units.len() {
        shown /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{value} B") } else { format!("{shown:.1} {}", units[unit]) }
}

/// `850 ms`, `12.3 s`, `4 min 5 s`
pub(crate) fn millis(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} ms"),
        1_000..60_000 => format!("{}.{} s", value / 1_000, value % 1_000 / 100),
        _ => format!("{} min {} s", value / 60_000, value % 60_000 / 1_000),
    }
}

/// `90 µs`, `2.5 ms`, `1 s`
pub(crate) fn micros(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} µs"),
        1_000..1_000_000 if value.is_multiple_of(1_000) => format!("{} ms", value / 1_000),
        1_000..1_000_000 => format!("{}.{} ms", value / 1_000, value % 1_000 / 100),
        _ => format!("{}.{} s", value / 1_000_000, value % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_and_have_units() {
        assert_eq!((count(7), count(1_234), count(1_234_567)), ("7".into(), "1,234".into(), "1,234,567".into()));
        assert_eq!([950, 12_000, 1_500_000].map(short), ["950", "12k", "1.5M"]);
        assert_eq!((bytes(999), bytes(12_345_678)), ("999 B".into(), "12.3 MB".into()));
        assert_eq!(
            (millis(850), millis(12_345), millis(245_000)),
            ("850 ms".into(), "12.3 s".into(), "4 min 5 s".into())
        );
        assert_eq!((micros(90), micros(2_500), micros(1_000_000)), ("90 µs".into(), "2.5 ms".into(), "1.0 s".into()));
    }
}
