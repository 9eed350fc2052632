//! What a hold keeps, as the partition map has it.

use payhist_types::holds::{HoldScope, Keeps};
use payhist_types::partition::{MapCell, PartitionMap};
use std::collections::BTreeSet;

/// The months that the hold keeps, with their rows; `None`: it keeps single rows, which are not counted.
pub(super) fn keeps(scope: &HoldScope, map: &PartitionMap) -> Option<Keeps> {
    if scope.rows().is_some() {
        return None;
    }
    let of_month = |cell: &&MapCell| match scope {
        HoldScope::Month { month } => cell.month == *month,
        _ => true,
    };
    let rows = map.rows.iter().flat_map(|row| &row.cells);
    let kept: Vec<_> = rows.filter(|cell| cell.partition.is_some()).filter(of_month).collect();
    let months: BTreeSet<_> = kept.iter().map(|cell| cell.month).collect();
    Some(Keeps {
        months: u32::try_from(months.len()).unwrap_or(u32::MAX),
        rows_estimate: kept.iter().map(|cell| cell.rows_estimate).sum(),
        bytes: kept.iter().map(|cell| cell.bytes).sum(),
    })
}
