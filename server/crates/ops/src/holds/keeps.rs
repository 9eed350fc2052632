//! What a hold keeps, as the partition map has it.

use payhist_plan::routing::shard_of;
use payhist_types::history::Route;
use payhist_types::holds::{HoldScope, Keeps};
use payhist_types::partition::{MapCell, MapRow, PartitionMap};
use std::collections::BTreeSet;

/// The months of which the hold keeps something, with their rows. A user's are those of the user's shard, an order's
/// those of all: which rows are theirs is not counted.
pub(super) fn keeps(scope: &HoldScope, route: &Route, map: &PartitionMap) -> Keeps {
    let on_shard = |row: &&MapRow| match scope {
        HoldScope::User { user } => shard_of(route, *user) == row.shard,
        _ => true,
    };
    let of_month = |cell: &&MapCell| match scope {
        HoldScope::Month { month } => cell.month == *month,
        _ => true,
    };
    let rows = map.rows.iter().filter(on_shard).flat_map(|row| &row.cells);
    let kept: Vec<_> = rows.filter(|cell| cell.partition.is_some()).filter(of_month).collect();
    let months: BTreeSet<_> = kept.iter().map(|cell| cell.month).collect();
    Keeps {
        months: u32::try_from(months.len()).unwrap_or(u32::MAX),
        rows_estimate: kept.iter().map(|cell| cell.rows_estimate).sum(),
        bytes: kept.iter().map(|cell| cell.bytes).sum(),
    }
}
