//! Seeing that no month goes elsewhere while it is exported.
//!
//! A month that is moved into quarantine, restored or dropped leaves an empty partition or none, and reading that is no
//! error. Invariant: whatever of a stretch's partitions and their twins has changed since the export was begun, fails it.
//! New partitions above all others are no change: nothing of the old ones is in them.

use crate::browse::windows::Window;
use crate::{Ops, OpsError, catalogue, zone};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_plan::months;
use payhist_storage::histories::History;
use payhist_storage::restored;
use payhist_types::ShardId;
use payhist_types::inventory::{Boundary, Inventory, Partition, Restored, ShardInventory, TableState, TwinState};
use std::mem::{Discriminant, discriminant};

/// What the catalogue and payhist's own records said at one moment.
pub(super) struct Catalogued {
    pub(super) inventory: Inventory,
    zone: Tz,
    restored: Vec<(ShardId, Restored)>,
}

/// What must stay as it is while a stretch is read.
#[derive(PartialEq, Eq)]
struct Look<'a> {
    state: Discriminant<TableState>,
    partitions: Vec<(&'a str, &'a Boundary)>,
    twins: Vec<(&'a str, Discriminant<TwinState>)>,
}

impl Catalogued {
    pub(super) async fn read(ops: &Ops, history: &History) -> Result<Self, OpsError> {
        let zone = zone::parse(&history.spec.policy.zone)?;
        let inventory = catalogue::read(ops, history).await?;
        let mut connection = ops.control().acquire("export.restored").await?;
        let restored = restored::current(&mut connection, history.id, ops.now()).await?;
        Ok(Self { inventory, zone, restored })
    }

    /// Can these shards be read whole?
    ///
    /// # Errors
    /// [`OpsError::Incomplete`] naming those that cannot, and months of which nobody knows where they are.
    pub(super) fn is_readable(&self, shards: &[ShardId], window: Window) -> Result<(), OpsError> {
        let asked = self.inventory.shards.iter().filter(|shard| shards.contains(&shard.shard));
        let wrong: Vec<_> =
            asked.filter_map(|shard| Some(format!("shard {}: {}", shard.shard, unreadable(shard, window)?))).collect();
        if wrong.is_empty() { Ok(()) } else { Err(OpsError::Incomplete(wrong.join("; "))) }
    }

    /// What has happened to a stretch of these shards between this and a later look; `None`: nothing.
    pub(super) fn change(&self, later: &Self, shards: &[ShardId], window: Window) -> Option<String> {
        let (from, until) = window;
        let back = later.restored.iter().any(|known| {
            let (start, end) = months::bounds(known.1.month, self.zone);
            shards.contains(&known.0) && start < until && from < end && !self.restored.contains(known)
        });
        if back {
            return Some("a month was restored from quarantine meanwhile".to_owned());
        }
        shards.iter().find_map(|shard| {
            let of = |side: &'_ Self| side.inventory.shards.iter().position(|found| found.shard == *shard);
            let (Some(before), Some(after)) = (of(self), of(later)) else {
                return Some(format!("shard {shard} is in the catalogue no more"));
            };
            let (before, after) = (&self.inventory.shards[before], &later.inventory.shards[after]);
            if let Some(problem) = unreadable(after, window) {
                return Some(format!("shard {shard}: {problem}"));
            }
            let newest = newest_edge(before);
            let changed = look(before, window, newest) != look(after, window, newest);
            changed.then(|| format!("partitions of {} were moved, dropped or changed meanwhile", before.table))
        })
    }
}

/// Why a shard's stretch cannot be read whole, if so.
fn unreadable(shard: &ShardInventory, (from, _): Window) -> Option<String> {
    match &shard.state {
        TableState::Partitioned { twins, .. } => {
            // Prepared: its rows are in the partition or, if a process was killed in between, already in the twin.
            let moving = twins.iter().find(|twin| {
                matches!(twin.state, TwinState::Prepared { .. }) && twin.before.is_none_or(|before| from < before)
            });
            moving.map(|twin| {
                format!("a month is just being moved into quarantine ({}): try again when that is done", twin.name)
            })
        }
        TableState::NotPartitioned => None,
        state => state.problem().map(|problem| problem.trim_end_matches('.').to_owned()),
    }
}

fn newest_edge(shard: &ShardInventory) -> Option<DateTime<Utc>> {
    partitions(shard).iter().filter_map(|partition| edge(&partition.upper)).max()
}

fn partitions(shard: &ShardInventory) -> &[Partition] {
    match &shard.state {
        TableState::Partitioned { partitions, .. } => partitions,
        _ => &[],
    }
}

fn edge(upper: &Boundary) -> Option<DateTime<Utc>> {
    if let Boundary::Before(edge) = upper { Some(*edge) } else { None }
}

fn look(shard: &ShardInventory, (from, until): Window, newest: Option<DateTime<Utc>>) -> Look<'_> {
    let (mut lower, mut kept) = (None, Vec::new());
    for Partition { name, upper, .. } in partitions(shard) {
        let upper_edge = edge(upper);
        let beyond = lower.is_some_and(|lower| lower >= until) || upper_edge.is_some_and(|upper| upper <= from);
        let added = upper_edge.zip(newest).is_some_and(|(upper, newest)| upper > newest);
        if !beyond && !added {
            kept.push((name.as_str(), upper));
        }
        lower = upper_edge.or(lower);
    }
    let twins = match &shard.state {
        TableState::Partitioned { twins, .. } => twins.as_slice(),
        _ => &[],
    };
    let twins = twins.iter().filter(|twin| twin.before.is_none_or(|before| from < before));
    Look {
        state: discriminant(&shard.state),
        partitions: kept,
        twins: twins.map(|twin| (twin.name.as_str(), discriminant(&twin.state))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use payhist_types::inventory::{Carving, PartitionExpression, Twin};

    fn month(month: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, month, 1, 0, 0, 0).unwrap()
    }

    fn catalogued(months: std::ops::RangeInclusive<u32>, twins: Vec<Twin>) -> Catalogued {
        let partitions = months
            .map(|at| Partition {
                name: format!("p2026{at:02}"),
                ordinal: at,
                upper: Boundary::Before(month(at + 1)),
                rows_estimate: u64::from(at),
                bytes: 1,
            })
            .collect();
        let expression = PartitionExpression::RangeColumnsDatetime { column: "created_at".into() };
        let state = TableState::Partitioned { expression, partitions, twins, carving: Carving::default() };
        let shard = ShardInventory {
            shard: ShardId(0),
            table: "t".into(),
            state,
            restored: Vec::new(),
            max_value_rows: None,
            archived: Vec::new(),
        };
        let inventory =
            Inventory { history: "payments".parse().unwrap(), shards: vec![shard], holds: None, read_at: month(10) };
        Catalogued { inventory, zone: Tz::UTC, restored: Vec::new() }
    }

    fn twin(at: u32, state: TwinState) -> Twin {
        Twin {
            name: format!("t_{at}"),
            partition: Some(format!("p2026{at:02}")),
            before: Some(month(at + 1)),
            state,
            same_columns: true,
            rows_estimate: 0,
            bytes: 0,
        }
    }

    #[test]
    fn what_is_added_above_is_no_change_and_what_goes_is_one_where_it_was() {
        let (may, june) = ((month(5), month(6)), (month(6), month(7)));
        let change = |before: &Catalogued, after: &Catalogued, window| before.change(after, &[ShardId(0)], window);
        let all = catalogued(4..=8, Vec::new());
        assert_eq!(change(&all, &catalogued(4..=9, Vec::new()), (month(8), month(11))), None);
        let dropped = catalogued(6..=8, Vec::new());
        assert!(change(&all, &dropped, may).is_some());
        assert_eq!(change(&all, &dropped, (month(7), month(8))), None);
        for state in [TwinState::Unfinished { rows: None }, TwinState::Quarantined { late_rows: None }] {
            let moved = catalogued(4..=8, vec![twin(5, state.clone())]);
            assert!(change(&all, &moved, may).is_some() && change(&moved, &all, may).is_some(), "{state:?}");
            assert_eq!(change(&all, &moved, june), None);
            assert_eq!(change(&moved, &moved, may), None);
        }
    }

    #[test]
    fn a_month_that_may_be_in_two_places_is_not_read() {
        let prepared = catalogued(4..=8, vec![twin(5, TwinState::Prepared { rows: None })]);
        assert!(prepared.is_readable(&[ShardId(0)], (month(5), month(6))).is_err());
        assert!(prepared.change(&prepared, &[ShardId(0)], (month(4), month(6))).is_some());
        assert!(prepared.is_readable(&[ShardId(0)], (month(6), month(7))).is_ok());
        assert!(prepared.is_readable(&[ShardId(1)], (month(5), month(6))).is_ok(), "another shard's month");
    }

    #[test]
    fn a_month_that_went_and_came_back_has_changed() {
        let all = catalogued(4..=8, Vec::new());
        let mut back = catalogued(4..=8, Vec::new());
        back.restored.push((ShardId(0), Restored { month: "2026-05".parse().unwrap(), until: month(12) }));
        assert!(all.change(&back, &[ShardId(0)], (month(5), month(6))).is_some());
        assert_eq!(all.change(&back, &[ShardId(0)], (month(6), month(7))), None, "another month");
        assert_eq!(back.change(&all, &[ShardId(0)], (month(5), month(6))), None, "its time is merely over");
    }
}
