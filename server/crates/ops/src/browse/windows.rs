//! Which stretches of time to read, one after the other, so that a page touches no more partitions than it needs.
//!
//! The edges are those of the partitions; a walk begins with one month and doubles, so that a rare filter costs
//! logarithmically many rounds and not one per month. One user's walk has two rounds: whoever pays often has a page in the
//! latest months, which are in the server's memory, and whoever pays rarely has few rows, which a key leads to.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use payhist_storage::payments::Keyset;
use payhist_types::inventory::{Boundary, Inventory, TableState};

/// A stretch `[from, until)`.
pub(crate) type Window = (DateTime<Utc>, DateTime<Utc>);

/// Most months read in one round.
const MONTHS_PER_ROUND_MAX: usize = 16;

/// Months of the first round of one user's walk.
const LATEST_MONTHS: usize = 3;

/// Before every payment: payment ids count from here.
pub(crate) const TIME_MIN: DateTime<Utc> = DateTime::UNIX_EPOCH;
/// After every payment: the last second that DATETIME can hold.
pub(crate) const TIME_MAX: DateTime<Utc> = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day.and_time(NaiveTime::MIN).and_utc(),
    None => DateTime::UNIX_EPOCH,
};

/// Distinct partition edges of all shards, oldest first.
pub(crate) fn edges(inventory: &Inventory) -> Vec<DateTime<Utc>> {
    let mut edges: Vec<_> = inventory
        .shards
        .iter()
        .filter_map(|shard| match &shard.state {
            TableState::Partitioned { partitions, .. } => Some(partitions),
            _ => None,
        })
        .flatten()
        .filter_map(|partition| match partition.upper {
            Boundary::Before(edge) => Some(edge),
            _ => None,
        })
        .collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// The months of `[from, until)`, oldest first.
pub(crate) fn months(
    inventory: &Inventory,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<Window> {
    // Partitions that lie wholly ahead are empty or nearly so: they are read together with the running month.
    let past = edges(inventory).into_iter().filter(|edge| *edge <= now);
    let mut cuts: Vec<_> = past.filter(|edge| from < *edge && *edge < until).collect();
    cuts.insert(0, from);
    cuts.push(until);
    cuts.windows(2).map(|pair| (pair[0], pair[1])).filter(|(from, until)| from < until).collect()
}

/// The windows of a walk by time over `[from, until)`, in the order in which to read them.
pub(crate) fn walk(
    inventory: &Inventory,
    keyset: Keyset,
    of_one_user: bool,
    (from, until): Window,
    now: DateTime<Utc>,
) -> Vec<Window> {
    let (from, until, newest_first) = match keyset {
        Keyset::First(_) => (from, until, true),
        // One more microsecond than the key, since the key's own instant may hold older ids.
        Keyset::After(_, key) => (from, until.min(key.created_at + chrono::TimeDelta::microseconds(1)), true),
        Keyset::Before(_, key) => (from.max(key.created_at), until, false),
    };
    let mut months = months(inventory, from, until, now);
    if newest_first {
        months.reverse();
    }
    let mut windows = Vec::new();
    let (mut rest, mut take) = (months.as_slice(), if of_one_user { LATEST_MONTHS } else { 1 });
    while !rest.is_empty() {
        let (now, later) = rest.split_at(take.min(rest.len()));
        let (first, last) = (now[0], now[now.len() - 1]);
        windows.push((first.0.min(last.0), first.1.max(last.1)));
        (rest, take) = (later, if of_one_user { later.len() } else { (take * 2).min(MONTHS_PER_ROUND_MAX) });
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use payhist_storage::payments::Key;
    use payhist_types::inventory::{Carving, Partition, PartitionExpression, ShardInventory};
    use payhist_types::{PaymentId, ShardId};

    fn month(year: i32, month: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).unwrap()
    }

    fn inventory() -> Inventory {
        let partitions = (1..=12)
            .map(|m| Partition {
                name: format!("p2026{m:02}"),
                ordinal: m,
                upper: Boundary::Before(if m == 12 { month(2027, 1) } else { month(2026, m + 1) }),
                rows_estimate: 0,
                bytes: 0,
            })
            .collect();
        let expression = PartitionExpression::RangeColumnsDatetime { column: "created_at".into() };
        let state = TableState::Partitioned { expression, partitions, twins: Vec::new(), carving: Carving::default() };
        let shards = vec![ShardInventory {
            shard: ShardId(0),
            table: "t".into(),
            state,
            restored: Vec::new(),
            max_value_rows: None,
            archived: Vec::new(),
        }];
        Inventory { history: "payments".parse().unwrap(), shards, holds: None, read_at: month(2026, 10) }
    }

    #[test]
    fn the_newest_page_begins_with_the_running_month_and_what_lies_ahead() {
        let windows = walk(&inventory(), Keyset::NEWEST, false, (TIME_MIN, TIME_MAX), month(2026, 10));
        assert_eq!(windows[0], (month(2026, 10), TIME_MAX));
        assert_eq!(windows[1], (month(2026, 8), month(2026, 10)));
        assert_eq!(windows.last().unwrap().0, TIME_MIN);
    }

    #[test]
    fn one_user_is_read_in_two_rounds_at_most() {
        let walk = |from| walk(&inventory(), Keyset::NEWEST, true, (from, TIME_MAX), month(2026, 10));
        assert_eq!(walk(TIME_MIN), [(month(2026, 8), TIME_MAX), (TIME_MIN, month(2026, 8))]);
        assert_eq!(walk(month(2026, 9)), [(month(2026, 9), TIME_MAX)]);
    }

    #[test]
    fn windows_tile_the_range_without_gap_or_overlap_both_ways() {
        let key = Key {
            amount: None,
            created_at: month(2026, 5) + chrono::TimeDelta::days(3),
            payment_id: PaymentId::from_raw(1),
        };
        let year = (month(2026, 1), TIME_MAX);
        for of_one_user in [false, true] {
            let older = walk(&inventory(), Keyset::older_than(key), of_one_user, year, month(2026, 10));
            assert_eq!(older[0].1, key.created_at + chrono::TimeDelta::microseconds(1));
            assert_eq!(older.last().unwrap().0, year.0);
            assert!(older.windows(2).all(|pair| pair[0].0 == pair[1].1), "{older:?}");
            let newer = walk(&inventory(), Keyset::newer_than(key), of_one_user, year, month(2026, 10));
            assert_eq!((newer[0].0, newer.last().unwrap().1), (key.created_at, TIME_MAX));
            assert!(newer.windows(2).all(|pair| pair[0].1 == pair[1].0), "{newer:?}");
        }
    }
}
