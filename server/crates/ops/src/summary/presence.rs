//! Is a month in its shard's table? What the catalogue says.
//!
//! Invariant: only what the table is sure to hold is counted as if it were the whole month.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_plan::classify::{Classified, Kind, classify};
use payhist_plan::months;
use payhist_types::Month;
use payhist_types::inventory::{Boundary, Partition, ShardInventory, TableState, Twin, TwinState};

/// Where a month's rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presence {
    /// In these partitions; `None`: the table has none.
    There {
        /// Their names.
        partitions: Vec<Option<String>>,
        /// Has the month a partition of its own? If not, no rows may also mean that it was dropped.
        is_certain: bool,
    },
    /// In quarantine.
    Quarantined,
    /// Nowhere: dropped, or never there.
    Gone,
    /// Nobody knows.
    Unknown(String),
}

/// A shard's table, as far as it tells of its months.
#[derive(Debug)]
pub(super) enum Table<'a> {
    /// With partitions.
    Partitioned(Vec<Classified<'a>>, &'a [Twin]),
    /// Without.
    Whole,
    /// It cannot be looked at.
    Unknown(String),
}

impl<'a> Table<'a> {
    /// What was found of a shard.
    pub(super) fn of(shard: &'a ShardInventory, zone: Tz) -> Self {
        match &shard.state {
            TableState::Partitioned { partitions, twins, .. } => Self::Partitioned(classify(partitions, zone), twins),
            TableState::NotPartitioned => Self::Whole,
            state => Self::Unknown(state.problem().unwrap_or_default()),
        }
    }

    /// Where the rows of one of its months are.
    pub(super) fn presence(&self, month: Month, span: (DateTime<Utc>, DateTime<Utc>)) -> Presence {
        let (classified, twins) = match self {
            Self::Partitioned(classified, twins) => (classified, twins),
            Self::Whole => return Presence::There { partitions: vec![None], is_certain: false },
            Self::Unknown(reason) => return Presence::Unknown(reason.clone()),
        };
        let lower = |place: usize| place.checked_sub(1).map(|below| &classified[below].partition.upper);
        let is_in = |(place, found): &(usize, &Classified)| holds(found, lower(*place), month, span);
        let having: Vec<_> = classified.iter().enumerate().filter(is_in).map(|(_, found)| found).collect();
        if having.is_empty() {
            return Presence::Gone;
        }
        if having.iter().any(|found| is_away(twins, found.partition)) {
            return Presence::Quarantined;
        }
        Presence::There {
            partitions: having.iter().map(|found| Some(found.partition.name.clone())).collect(),
            is_certain: having.iter().all(|found| matches!(found.kind, Kind::Month(_))),
        }
    }
}

/// The first month that has a partition of its own, or the last of an irregular first one.
pub(super) fn first_month(shard: &ShardInventory, zone: Tz) -> Option<Month> {
    let TableState::Partitioned { partitions, .. } = &shard.state else { return None };
    match partitions.first()?.upper {
        Boundary::Before(edge) => Some(months::last_below(edge, zone)),
        Boundary::MaxValue | Boundary::Unknown(_) => None,
    }
}

fn holds(
    found: &Classified,
    lower: Option<&Boundary>,
    month: Month,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> bool {
    match found.kind {
        // The oldest one swallows what is older, too: but that is not those months.
        Kind::Month(own) => own == month,
        Kind::Irregular { from: begins, before } => begins.is_none_or(|begins| begins < until) && from < before,
        Kind::MaxValue => match lower {
            Some(Boundary::Before(begins)) => *begins < until,
            _ => true,
        },
        Kind::Unknown => true,
    }
}

/// Are a partition's rows in a table of their own, or may they be?
fn is_away(twins: &[Twin], partition: &Partition) -> bool {
    let takes = |twin: &&Twin| matches!(twin.state, TwinState::Quarantined { .. } | TwinState::Prepared { .. });
    twins.iter().filter(takes).any(|twin| twin.partition.as_ref() == Some(&partition.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use payhist_types::ShardId;
    use payhist_types::inventory::{Carving, PartitionExpression};

    fn shard(uppers: &[&str]) -> ShardInventory {
        let partition = |(place, upper): (u32, &&str)| Partition {
            name: format!("p{place}"),
            ordinal: place,
            upper: upper.parse().map_or(Boundary::MaxValue, Boundary::Before),
            rows_estimate: 0,
            bytes: 0,
        };
        ShardInventory {
            shard: ShardId(0),
            table: "t".into(),
            state: TableState::Partitioned {
                expression: PartitionExpression::RangeColumnsDatetime { column: "created_at".into() },
                partitions: (1..).zip(uppers).map(partition).collect(),
                twins: Vec::new(),
                carving: Carving::default(),
            },
            restored: Vec::new(),
            max_value_rows: None,
            archived: Vec::new(),
        }
    }

    fn presence(shard: &ShardInventory, month: &str) -> Presence {
        let month = month.parse().unwrap();
        Table::of(shard, Tz::UTC).presence(month, months::bounds(month, Tz::UTC))
    }

    fn of(uppers: &[&str], month: &str) -> Presence {
        presence(&shard(uppers), month)
    }

    fn there(partitions: &[&str], is_certain: bool) -> Presence {
        Presence::There { partitions: partitions.iter().map(|name| Some((*name).to_owned())).collect(), is_certain }
    }

    #[test]
    fn a_month_before_the_first_partition_is_not_counted_there_although_late_rows_would_land_in_it() {
        let table = ["2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"];
        assert_eq!(of(&table, "2026-05"), there(&["p1"], true));
        assert_eq!(of(&table, "2026-06"), there(&["p2"], true));
        assert_eq!(of(&table, "2026-04"), Presence::Gone);
        assert_eq!(of(&table, "2026-07"), Presence::Gone);
    }

    #[test]
    fn a_month_without_a_partition_of_its_own_is_never_certain() {
        let dropped_between = ["2026-06-01T00:00:00Z", "2026-08-01T00:00:00Z"];
        assert_eq!(of(&dropped_between, "2026-06"), there(&["p2"], false));
        let years = ["2025-06-15T00:00:00Z", "MAX"];
        assert_eq!(of(&years, "2020-01"), there(&["p1"], false));
        assert_eq!(of(&years, "2025-06"), there(&["p1", "p2"], false));
        assert_eq!(of(&years, "2027-01"), there(&["p2"], false));
        let mut none = shard(&[]);
        none.state = TableState::NotPartitioned;
        let whole = Presence::There { partitions: vec![None], is_certain: false };
        assert_eq!(presence(&none, "1970-01"), whole);
        none.state = TableState::Missing;
        assert!(matches!(presence(&none, "1970-01"), Presence::Unknown(_)));
    }
}
