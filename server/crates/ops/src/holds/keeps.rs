//! What a hold keeps: single rows, counted, or whole months, as the partition map has them.

use super::KeptRows;
use payhist_types::holds::{Hold, HoldScope, Keeps, MonthsKept};
use payhist_types::partition::{MapCell, PartitionMap};
use std::collections::BTreeSet;

/// What a hold keeps that has not ended.
pub(super) fn keeps(hold: &Hold, map: &PartitionMap, rows: &KeptRows) -> Option<Keeps> {
    if hold.scope.rows().is_some() {
        return rows.of(hold.id).map(Keeps::Rows);
    }
    let of_month = |cell: &&MapCell| match &hold.scope {
        HoldScope::Month { month } => cell.month == *month,
        _ => true,
    };
    let cells = map.rows.iter().flat_map(|row| &row.cells);
    let kept: Vec<_> = cells.filter(|cell| cell.partition.is_some()).filter(of_month).collect();
    let months: BTreeSet<_> = kept.iter().map(|cell| cell.month).collect();
    Some(Keeps::Months(MonthsKept {
        months: u32::try_from(months.len()).unwrap_or(u32::MAX),
        rows_estimate: kept.iter().map(|cell| cell.rows_estimate).sum(),
        bytes: kept.iter().map(|cell| cell.bytes).sum(),
    }))
}
