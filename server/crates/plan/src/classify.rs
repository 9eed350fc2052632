//! What each partition of a table holds, judged by its two edges and never by its name.
//!
//! Invariant: a partition is a month only if both of its edges are exactly that month's in the business zone. The first
//! partition has no lower edge: it is the month that ends at its upper edge, and swallows everything older too.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_types::Month;
use payhist_types::inventory::{Boundary, Partition};

use crate::months;

/// A partition and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classified<'a> {
    /// The partition.
    pub partition: &'a Partition,
    /// What it holds.
    pub kind: Kind,
}

/// What a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Exactly one month; the first partition of a table everything older as well.
    Month(Month),
    /// Something else: part of a month, or more than one.
    Irregular {
        /// Its lower edge; `None` for the first partition.
        from: Option<DateTime<Utc>>,
        /// Its upper edge.
        before: DateTime<Utc>,
    },
    /// Whatever no other partition takes.
    MaxValue,
    /// One of its edges cannot be read.
    Unknown,
}

/// Classifies a table's partitions, which are in the order of their ordinals.
pub fn classify(partitions: &[Partition], zone: Tz) -> Vec<Classified<'_>> {
    classify_like(partitions, zone, &[])
}

/// The same, with what is known of `another` table: a partition's kind depends on the edges up to its own alone, so it is
/// taken over as far as the edges are the same. To ask the calendar for each shard's months anew takes a fifth of a wide
/// history's plan.
pub(crate) fn classify_like<'a>(partitions: &'a [Partition], zone: Tz, another: &[Classified]) -> Vec<Classified<'a>> {
    let same = partitions.iter().zip(another).take_while(|(one, other)| one.upper == other.partition.upper);
    let mut found: Vec<_> = same.map(|(partition, other)| Classified { partition, kind: other.kind }).collect();
    for partition in &partitions[found.len()..] {
        let below = found.last();
        let previous = below.and_then(|below| match below.kind {
            Kind::Month(month) => Some(month),
            Kind::Irregular { .. } | Kind::MaxValue | Kind::Unknown => None,
        });
        let kind = kind_of(partition, below.map(|below| &below.partition.upper), previous, zone);
        found.push(Classified { partition, kind });
    }
    found
}

/// `previous`: the month whose end the lower edge is, where it is one's.
fn kind_of(partition: &Partition, lower: Option<&Boundary>, previous: Option<Month>, zone: Tz) -> Kind {
    match (lower, &partition.upper) {
        (_, Boundary::MaxValue) => Kind::MaxValue,
        (None, Boundary::Before(before)) => between(None, *before, zone),
        // Months tile time: what ends with the month after the previous one is that month.
        (Some(Boundary::Before(from)), Boundary::Before(before)) => previous
            .and_then(Month::next)
            .filter(|month| months::end(*month, zone) == *before)
            .map_or_else(|| between(Some(*from), *before, zone), Kind::Month),
        (_, Boundary::Unknown(_)) | (Some(Boundary::MaxValue | Boundary::Unknown(_)), _) => Kind::Unknown,
    }
}

fn between(from: Option<DateTime<Utc>>, before: DateTime<Utc>, zone: Tz) -> Kind {
    match months::ending_at(before, zone) {
        Some(month) if from.is_none_or(|from| from == months::start(month, zone)) => Kind::Month(month),
        _ => Kind::Irregular { from, before },
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{Asia, Europe};

    use super::*;

    fn upper(edge: &str) -> Boundary {
        match edge {
            "MAXVALUE" => Boundary::MaxValue,
            edge => edge.parse().map_or_else(|_| Boundary::Unknown(edge.into()), Boundary::Before),
        }
    }

    fn kinds(edges: &[&str], zone: Tz) -> Vec<Kind> {
        let partition = |(ordinal, edge): (u32, &&str)| Partition {
            name: format!("any{ordinal}"),
            ordinal,
            upper: upper(edge),
            rows_estimate: 0,
            bytes: 0,
        };
        let partitions: Vec<_> = (1..).zip(edges).map(partition).collect();
        classify(&partitions, zone).into_iter().map(|classified| classified.kind).collect()
    }

    fn month(text: &str) -> Kind {
        Kind::Month(text.parse().unwrap())
    }

    #[test]
    fn a_month_needs_both_of_its_edges() {
        let edges = [
            "2026-03-01T00:00:00Z",
            "2026-03-31T23:00:00Z",
            "2026-04-10T00:00:00Z",
            "2026-04-30T23:00:00Z",
            "MAXVALUE",
        ];
        let at = |index: usize| edges[index].parse().unwrap();
        let expected = [
            month("2026-02"),
            month("2026-03"),
            Kind::Irregular { from: Some(at(1)), before: at(2) },
            Kind::Irregular { from: Some(at(2)), before: at(3) },
            Kind::MaxValue,
        ];
        assert_eq!(kinds(&edges, Europe::London), expected);
    }

    #[test]
    fn edges_of_another_zone_are_no_months() {
        assert!(matches!(kinds(&["2026-03-01T00:00:00Z"], Asia::Seoul)[..], [Kind::Irregular { from: None, .. }]));
    }

    #[test]
    fn a_partition_above_an_unreadable_edge_is_unknown_too() {
        let edges = ["2026-02-01T00:00:00Z", "f(x)", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"];
        assert_eq!(kinds(&edges, Tz::UTC), [month("2026-01"), Kind::Unknown, Kind::Unknown, month("2026-03")]);
    }

    #[test]
    fn what_is_known_of_another_table_changes_nothing() {
        let edges = ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "MAXVALUE", "f(x)"];
        let partition =
            |edge: &str| Partition { name: "any".into(), ordinal: 1, upper: upper(edge), rows_estimate: 0, bytes: 0 };
        let tables: Vec<_> = (0..1 << edges.len())
            .map(|chosen| {
                let of_table = (0..edges.len()).filter(|edge| chosen & (1 << edge) != 0);
                of_table.map(|edge| partition(edges[edge])).collect::<Vec<_>>()
            })
            .collect();
        for (table, another) in tables.iter().flat_map(|table| tables.iter().map(move |another| (table, another))) {
            let known = classify(another, Tz::UTC);
            assert_eq!(classify_like(table, Tz::UTC, &known), classify(table, Tz::UTC), "{another:?}");
        }
    }

    #[test]
    fn several_months_in_one_partition_are_irregular() {
        let edges = ["2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"];
        assert!(matches!(kinds(&edges, Tz::UTC)[..], [Kind::Month(_), Kind::Irregular { from: Some(_), .. }]));
    }
}
