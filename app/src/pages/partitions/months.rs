//! The map as a plain table: one row a month, newest first, with its anomalies named.

use crate::components::{Columns, Icon, IconName, Table};
use crate::{api, format, links};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::Month;
use payhist_types::partition::{MapCell, MapRow, MonthState, PartitionMap};
use std::collections::BTreeSet;

/// One month over all shards.
struct MonthSum {
    month: Month,
    states: String,
    quarantined: bool,
    holds: BTreeSet<u64>,
    held_rows: BTreeSet<u64>,
    shards: usize,
    rows: u64,
    bytes: u64,
    anomalies: String,
}

/// Estimated rows and bytes of all partitions that are a month.
pub(super) fn totals(map: &PartitionMap) -> (u64, u64) {
    let sums = sums(map);
    (sums.iter().map(|sum| sum.rows).sum(), sums.iter().map(|sum| sum.bytes).sum())
}

fn sums(map: &PartitionMap) -> Vec<MonthSum> {
    let readable: Vec<&MapRow> = map.rows.iter().filter(|row| row.problem.is_none()).collect();
    map.months
        .iter()
        .enumerate()
        .rev()
        .map(|(place, month)| {
            let cells = readable.iter().filter_map(|row| Some((*row, row.cells.get(place)?)));
            sum(*month, map.current, &cells.collect::<Vec<_>>())
        })
        .collect()
}

fn sum(month: Month, current: Month, cells: &[(&MapRow, &MapCell)]) -> MonthSum {
    let mut states: Vec<String> = Vec::new();
    for (_, cell) in cells {
        let state = format!("{}{}", cell.state, if cell.archived { " and archived" } else { "" });
        if !states.contains(&state) {
            states.push(state);
        }
    }
    // An irregular partition stands in several months: counted in one of them it would mislead.
    let regular = cells
        .iter()
        .map(|(_, cell)| cell)
        .filter(|cell| !matches!(cell.state, MonthState::Missing | MonthState::Irregular));
    let anomalies = cells.iter().filter_map(|(row, cell)| match (cell.state, &cell.partition) {
        (MonthState::Irregular, Some(partition)) => Some(format!(
            "shard {}: {partition} is no month, its {} rows are not counted",
            row.shard, cell.rows_estimate
        )),
        (MonthState::Missing, _) if month > current => Some(format!("shard {}: not made yet", row.shard)),
        (MonthState::Missing, _) => Some(format!("shard {}: missing", row.shard)),
        _ => None,
    });
    MonthSum {
        month,
        states: states.join(", "),
        quarantined: cells.iter().any(|(_, cell)| cell.state == MonthState::Quarantined),
        holds: cells.iter().flat_map(|(_, cell)| &cell.holds).copied().collect(),
        held_rows: cells.iter().flat_map(|(_, cell)| &cell.held_rows).copied().collect(),
        shards: regular.clone().count(),
        rows: regular.clone().map(|cell| cell.rows_estimate).sum(),
        bytes: regular.map(|cell| cell.bytes).sum(),
        anomalies: anomalies.collect::<Vec<_>>().join("; "),
    }
}

/// The table.
#[component]
pub(super) fn MonthsTable(map: PartitionMap, may: bool) -> impl IntoView {
    let shards = map.rows.len();
    let page = |month| links::of_month(month, &map.history);
    let rows = sums(&map)
        .into_iter()
        .map(|sum| {
            view! {
                <tr>
                    <th scope="row" class="mono"><a href=page(sum.month)>{sum.month.to_string()}</a></th>
                    <td>
                        {sum.states}
                        {(!sum.holds.is_empty()).then(|| view! { ", "{held(&sum.holds, &map.history)} })}
                        {(!sum.held_rows.is_empty()).then(|| view! { ", "{held_rows(&sum.held_rows, &map.history)} })}
                        {(may && sum.quarantined).then(|| view! { <RestoreForm history=map.history.clone() month=sum.month /> })}
                    </td>
                    <td class="number" data-name="shards">{format!("{} of {shards}", sum.shards)}</td>
                    <td class="number" data-name="rows">"≈ "{format::count(sum.rows)}</td>
                    <td class="number">{format::bytes(sum.bytes)}</td>
                    <td>{sum.anomalies}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            label="Months"
            caption="Months, newest first"
            class="folding"
            columns=Columns::default().words(["Month", "State"]).figures(["Shards", "Rows, estimated", "Size"]).words(["Anomalies"])
        >
            {rows}
        </Table>
    }
}

/// Which holds keep a month, with the way to them.
pub(crate) fn held(holds: &BTreeSet<u64>, history: &str) -> impl IntoView + use<> {
    link("held by hold", holds, history)
}

/// Which holds keep rows of a month, with the way to them.
pub(crate) fn held_rows(holds: &BTreeSet<u64>, history: &str) -> impl IntoView + use<> {
    link("held rows of hold", holds, history)
}

fn link(words: &'static str, holds: &BTreeSet<u64>, history: &str) -> impl IntoView + use<> {
    let numbers: Vec<_> = holds.iter().map(ToString::to_string).collect();
    let href = links::with_history("/holds", history);
    view! { <a href=href>{words}" "{numbers.join(", ")}</a> }
}

/// Puts a quarantined month back, with the rows that came late.
#[component]
pub(crate) fn RestoreForm(history: String, month: Month) -> impl IntoView {
    view! {
        <form method="post" action=api::RestoreMonth::PATH class="inline-form">
            <input type="hidden" name="history" value=history />
            <input type="hidden" name="month" value=month.to_string() />
            <button type="submit"><Icon name=IconName::Back />{format!("Restore {month}")}</button>
        </form>
    }
}
