//! The months that a table lacks before rows of a given time span can go into partitions of their own.
//!
//! Invariant: what is added below or above joins the table without a gap, so it may begin or end beyond the time span.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use payhist_types::Month;
use payhist_types::inventory::Boundary;

use crate::classify::{Classified, Kind};
use crate::months;

/// The months that a table lacks, each list ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonthsNeeded {
    /// Older than the first partition's month, without a gap to it: split off the first partition by REORGANIZE.
    pub below: Vec<Month>,
    /// Without a gap from the last partition on: ADD them.
    pub above: Vec<Month>,
    /// Months whose rows fall, in whole or in part, into a partition that is no month. They are not mended here.
    pub inside_gap: Vec<Month>,
}

/// Why the months that a table lacks cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MonthsNeededError {
    /// The table has no partitions.
    #[error("the table has no partitions")]
    NoPartitions,
    /// An edge cannot be read, or is not above the one before it.
    #[error("the edges of partition {partition} cannot be read")]
    UnknownBoundary {
        /// The partition.
        partition: String,
    },
    /// A MAXVALUE partition stands where months would have to go.
    #[error("the MAXVALUE partition {partition} stands where {first} would go")]
    MaxValuePresent {
        /// The partition.
        partition: String,
        /// The first month that has no place.
        first: Month,
    },
}

/// The months needed for rows from `first` to `last`, both included; none if `last` is before `first`.
///
/// # Errors
/// [`MonthsNeededError`]: an edge is unreadable, or a MAXVALUE partition is in the way.
pub fn months_needed(
    table: &[Classified],
    first: Month,
    last: Month,
    zone: Tz,
) -> Result<MonthsNeeded, MonthsNeededError> {
    let oldest = table.first().ok_or(MonthsNeededError::NoPartitions)?;
    if last < first {
        return Ok(MonthsNeeded::default());
    }
    let mut edge = None;
    let mut inside_gap = BTreeSet::new();
    for classified in table {
        let unknown = || MonthsNeededError::UnknownBoundary { partition: classified.partition.name.clone() };
        match (classified.kind, &classified.partition.upper) {
            (Kind::Unknown, _) => return Err(unknown()),
            (_, Boundary::Before(upper)) if edge.replace(*upper).is_some_and(|before| before >= *upper) => {
                return Err(unknown());
            }
            _ => {}
        }
        if let Kind::Irregular { from, before } = classified.kind {
            let begins = from.map_or(first, |from| months::month_of(from, zone)).max(first);
            inside_gap.extend(Month::range(begins, months::last_below(before, zone).min(last)));
        }
    }
    let below = match oldest.kind {
        Kind::Month(month) => Month::range(first, month).filter(|below| *below < month).collect(),
        Kind::Irregular { .. } | Kind::MaxValue | Kind::Unknown => Vec::new(),
    };
    let begins = edge.map_or(first, |edge| months::month_of(edge, zone));
    let covered = edge.is_some_and(|edge| edge >= months::end(last, zone));
    let above: Vec<_> = if covered { Vec::new() } else { Month::range(begins, last).collect() };
    match (table.iter().find(|classified| classified.kind == Kind::MaxValue), above.first()) {
        (Some(max), Some(first)) => {
            Err(MonthsNeededError::MaxValuePresent { partition: max.partition.name.clone(), first: *first })
        }
        _ => Ok(MonthsNeeded { below, above, inside_gap: inside_gap.into_iter().collect() }),
    }
}
