//! One month of a history on every shard: where its rows are, what keeps it, its archives, and the way back.

use super::partitions::{RestoreForm, held, held_rows};
use crate::components::{Badge, Columns, Copy, Icon, IconName, Table, Time, Tone, loaded, part_of_path};
use crate::{api, format, links};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::Month;
use payhist_types::archive::{Archive, ArchiveState};
use payhist_types::operator::Permission;
use payhist_types::partition::{MapCell, MapRow, MonthState, PartitionMap};
use std::collections::BTreeSet;

/// The page.
#[component]
pub(crate) fn MonthPage() -> impl IntoView {
    let (history, month) = (part_of_path("history"), part_of_path("month"));
    let back = links::with_history("/partitions", &history);
    let archives = api::archives(history.clone(), month.clone());
    let words = format!("{month} of {history}");
    view! {
        <Title text=words.clone() />
        <div class="page-head"><h1>{words}</h1><a class="button" href=back><Icon name=IconName::Back />"Partition map"</a></div>
        {loaded(api::partition_map(history), move |map| match month.parse() {
            Ok(month) => view! { <Shards map month /> }.into_any(),
            Err(_) => ().into_any(), // the other answer says what is wrong with it
        })}
        {loaded(archives, |archives| view! { <Archives archives /> })}
    }
}

/// What each shard has of the month.
#[component]
fn Shards(map: PartitionMap, month: Month) -> impl IntoView {
    let Some(place) = map.months.iter().position(|other| *other == month) else {
        return view! {
            <section class="card stack">
                <h2>"On the shards"</h2>
                <p class="quiet">"No shard has this month: it was dropped, or never made."</p>
            </section>
        }
        .into_any();
    };
    let cells: Vec<(&MapRow, Option<&MapCell>)> = map.rows.iter().map(|row| (row, row.cells.get(place))).collect();
    let known = || cells.iter().filter_map(|(_, cell)| *cell);
    let holds: BTreeSet<u64> = known().flat_map(|cell| &cell.holds).copied().collect();
    let of_rows: BTreeSet<u64> = known().flat_map(|cell| &cell.held_rows).copied().collect();
    let is_quarantined = known().any(|cell| cell.state == MonthState::Quarantined);
    let may_restore = is_quarantined && api::may(Permission::ManagePartitions);
    let rows = cells.iter().map(|(row, cell)| shard_view(row, *cell, map.current)).collect_view();
    view! {
        <section class="card stack">
            <h2>"On the shards"</h2>
            <Table
                label="Shards"
                caption="The month on each shard"
                class="folding"
                columns=Columns::default().words(["Shard", "Table", "State", "Partition"]).figures(["Rows, estimated", "Size"])
            >
                {rows}
            </Table>
            {(!holds.is_empty()).then(|| view! { <p>"The month is "{held(&holds, &map.history)}"."</p> })}
            {(!of_rows.is_empty()).then(|| view! {
                <p>"The month has "{held_rows(&of_rows, &map.history)}": they are carved out before it goes."</p>
            })}
            {may_restore.then(|| view! { <RestoreForm history=map.history.clone() month /> })}
        </section>
    }
    .into_any()
}

fn shard_view(row: &MapRow, cell: Option<&MapCell>, current: Month) -> impl IntoView + use<> {
    let what = match (&row.problem, cell) {
        (None, Some(cell)) => cell_view(cell, current).into_any(),
        (problem, _) => {
            let text = problem.clone().unwrap_or_else(|| "not read".to_owned());
            view! { <td colspan="4" class="whole"><Badge tone=Tone::Critical text /></td> }.into_any()
        }
    };
    view! {
        <tr>
            <th scope="row" data-name="shard">{row.shard.to_string()}</th>
            <td class="mono whole">{row.table.clone()}" on "{row.source.clone()}</td>
            {what}
        </tr>
    }
}

fn cell_view(cell: &MapCell, current: Month) -> impl IntoView + use<> {
    let (tone, word) = match cell.state {
        MonthState::Missing if cell.month > current => (Tone::Warning, "not made yet".to_owned()),
        MonthState::Missing | MonthState::Irregular => (Tone::Critical, cell.state.to_string()),
        MonthState::Expiring | MonthState::Quarantined => (Tone::Warning, cell.state.to_string()),
        MonthState::Open => (Tone::Active, cell.state.to_string()),
        MonthState::Future | MonthState::Closed | MonthState::Restored => (Tone::Neutral, cell.state.to_string()),
    };
    view! {
        <td><Badge tone text=word /></td>
        <td class="mono" data-name=cell.partition.as_ref().map(|_| "partition")>{cell.partition.clone()}</td>
        <td class="number" data-name="rows">"≈ "{format::count(cell.rows_estimate)}</td>
        <td class="number">{format::bytes(cell.bytes)}</td>
    }
}

/// Its archives, with where each is.
#[component]
fn Archives(archives: Vec<Archive>) -> impl IntoView {
    let Some((history, month)) = archives.first().map(|archive| (archive.history.clone(), archive.month)) else {
        return view! { <section class="card stack"><h2>"Archives"</h2><p class="quiet">"None was written."</p></section> }
            .into_any();
    };
    let rows = archives.into_iter().map(|archive| {
        let (tone, word) = match archive.state {
            ArchiveState::Verified => (Tone::Good, "verified"),
            ArchiveState::Stale => (Tone::Warning, "stale: rows came or went after it"),
            ArchiveState::Writing => (Tone::Neutral, "being written"),
            ArchiveState::Deleting => (Tone::Warning, "being deleted"),
            ArchiveState::Deleted => (Tone::Neutral, "deleted"),
        };
        view! {
            <tr>
                <th scope="row" data-name="shard">{archive.shard.to_string()}</th>
                <td><Badge tone text=word /></td>
                <td class="number" data-name="rows">{format::count(archive.rows)}</td>
                <td class="number">{format::bytes(archive.bytes)}</td>
                <td data-name="begun"><Time at=archive.created_at /></td>
                <td class="whole">{archive.target}": "<Copy value=archive.key /></td>
            </tr>
        }
    });
    view! {
        <section class="card stack">
            <h2>"Archives"</h2>
            <Table
                label="Archives"
                caption="Archives of the month"
                class="folding"
                columns=Columns::default().words(["Shard", "State"]).figures(["Rows", "Size"]).words(["Begun", "Where"])
            >
                {rows.collect_view()}
            </Table>
            <p class="quiet">
                "Read back: "<code>{format!("payhist archive verify --month {month}")}</code>
                ". Into tables of their own: "<code>{format!("payhist archive restore {history} {month}")}</code>"."
            </p>
        </section>
    }
    .into_any()
}
