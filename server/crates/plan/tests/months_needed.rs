//! What an importer must add before rows of other times have partitions of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use chrono_tz::Tz;
use payhist_plan::classify::{Kind, classify};
use payhist_plan::months;
use payhist_plan::months_needed::{MonthsNeeded, MonthsNeededError, months_needed};
use payhist_types::Month;
use payhist_types::inventory::{Boundary, Partition};
use proptest::prelude::*;

const ZONE: Tz = Tz::Europe__London;

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn range(first: &str, last: &str) -> Vec<Month> {
    Month::range(month(first), month(last)).collect()
}

fn partition(name: String, upper: Boundary) -> Partition {
    Partition { name, ordinal: 1, upper, rows_estimate: 0, bytes: 0 }
}

fn table(months: impl IntoIterator<Item = Month>) -> Vec<Partition> {
    let upper = |month| partition(months::partition_name(month), Boundary::Before(months::end(month, ZONE)));
    months.into_iter().map(upper).collect()
}

fn needed(table: &[Partition], first: &str, last: &str) -> Result<MonthsNeeded, MonthsNeededError> {
    months_needed(&classify(table, ZONE), month(first), month(last), ZONE)
}

#[test]
fn a_span_within_the_table_needs_nothing() {
    let table = table(range("2025-01", "2026-12"));
    assert_eq!(needed(&table, "2025-01", "2026-12"), Ok(MonthsNeeded::default()));
    assert_eq!(needed(&table, "2027-02", "2027-01"), Ok(MonthsNeeded::default()));
}

#[test]
fn a_span_apart_from_the_table_is_joined_to_it_without_a_gap() {
    let table = table(range("2025-01", "2026-12"));
    let below = MonthsNeeded { below: range("1997-01", "2024-12"), ..MonthsNeeded::default() };
    assert_eq!(needed(&table, "1997-01", "1998-06"), Ok(below));
    let above = MonthsNeeded { above: range("2027-01", "2030-02"), ..MonthsNeeded::default() };
    assert_eq!(needed(&table, "2030-01", "2030-02"), Ok(above));
}

#[test]
fn months_that_an_irregular_partition_swallows_are_told() {
    let mut gapped = table(range("2026-01", "2026-12"));
    gapped.drain(2..5);
    let inside = |months| Ok(MonthsNeeded { inside_gap: months, ..MonthsNeeded::default() });
    assert_eq!(needed(&gapped, "2026-02", "2026-04"), inside(range("2026-03", "2026-04")));
    assert_eq!(needed(&gapped, "2026-07", "2026-12"), inside(vec![]));
}

#[test]
fn unreadable_and_maxvalue_edges_are_refused_where_they_matter() {
    let mut with_max = table(range("2026-01", "2026-03"));
    with_max.push(partition("pmax".into(), Boundary::MaxValue));
    assert_eq!(needed(&with_max, "2026-01", "2026-03"), Ok(MonthsNeeded::default()));
    let blocked = MonthsNeededError::MaxValuePresent { partition: "pmax".into(), first: month("2026-04") };
    assert_eq!(needed(&with_max, "2026-01", "2026-04"), Err(blocked));
    let mut unknown = table(range("2026-01", "2026-03"));
    unknown[1].upper = Boundary::Unknown("f()".into());
    let refused = MonthsNeededError::UnknownBoundary { partition: "p202602".into() };
    assert_eq!(needed(&unknown, "2026-03", "2026-03"), Err(refused));
    assert_eq!(needed(&[], "2026-01", "2026-01"), Err(MonthsNeededError::NoPartitions));
}

proptest! {
    #[test]
    fn with_what_is_needed_every_month_of_the_span_has_its_own_partition(
        start in 300..700_i32, len in 1..60_i32, from in 250..800_i32, span in 0..80_i32,
    ) {
        let at = |offset| Month::MIN.plus(offset).unwrap();
        let (first, last) = (at(from), at(from + span));
        let original = table(Month::range(at(start), at(start + len - 1)));
        let needed = months_needed(&classify(&original, ZONE), first, last, ZONE).unwrap();
        prop_assert_eq!(&needed.inside_gap, &vec![]);
        let mut grown = table(needed.below);
        grown.extend(original);
        grown.extend(table(needed.above));
        let kinds: Vec<_> = classify(&grown, ZONE).into_iter().map(|classified| classified.kind).collect();
        prop_assert!(kinds.iter().all(|kind| matches!(kind, Kind::Month(_))), "{:?}", kinds);
        prop_assert!(Month::range(first, last).all(|month| kinds.contains(&Kind::Month(month))));
    }
}
