//! The shard × month map: an HTML table, so that it needs no script to be read, by eye or by ear.
//!
//! A cell's fill is its rows on a logarithmic scale, its edge its state; vertical lines are the retention and the
//! running month.

use crate::components::{Badge, Tone};
use crate::{format, links};
use leptos::prelude::*;
use payhist_types::Month;
use payhist_types::holds::NotCounted;
use payhist_types::partition::{MapCell, MapRow, MonthState, PartitionMap};

/// Shades of a filled cell: each stands for twice the rows of the one before.
const SHADES: u32 = 5;

/// What a column is to the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Expired,
    Kept,
    Now,
    Ahead,
}

impl Zone {
    const fn words(self) -> &'static str {
        match self {
            Self::Expired => "past retention",
            Self::Kept => "kept",
            Self::Now => "now",
            Self::Ahead => "ahead",
        }
    }

    fn of(month: Month, current: Month, retained_from: Option<Month>) -> Self {
        match month.cmp(&current) {
            std::cmp::Ordering::Greater => Self::Ahead,
            std::cmp::Ordering::Equal => Self::Now,
            std::cmp::Ordering::Less if retained_from.is_some_and(|kept| month < kept) => Self::Expired,
            std::cmp::Ordering::Less => Self::Kept,
        }
    }
}

/// The map with its legend.
#[component]
pub(super) fn MapTable(map: PartitionMap) -> impl IntoView {
    let zone = |month: &Month| Zone::of(*month, map.current, map.retained_from);
    // The line is drawn before the first column of each zone but the first.
    let lines: Vec<&'static str> = map
        .months
        .iter()
        .enumerate()
        .map(|(place, month)| match (zone(month), place.checked_sub(1).map(|before| zone(&map.months[before]))) {
            (Zone::Kept, Some(Zone::Expired)) => "line-retention",
            (Zone::Now, _) => "line-now",
            (Zone::Ahead, Some(Zone::Now)) => "line-ahead",
            _ => "",
        })
        .collect();
    let zones = spans(map.months.iter().map(zone)).into_iter().map(|(zone, width)| {
        view! { <th scope="colgroup" colspan=width class=format!("zone-{}", zone.words().replace(' ', "-"))>{zone.words()}</th> }
    });
    let years = spans(map.months.iter().map(|month| month.year()))
        .into_iter()
        .map(|(year, width)| view! { <th scope="colgroup" colspan=width>{year}</th> });
    let months = map.months.iter().zip(&lines).map(|(month, line)| {
        let page = links::of_month(*month, &map.history);
        view! { <th scope="col" class=*line><a href=page title=month.to_string()>{format!("{:02}", month.month())}</a></th> }
    });
    let most = map.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.rows_estimate).max().unwrap_or(0);
    let rows = map.rows.iter().map(|row| row_view(row, map.current, &lines, most));
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Partition map">
            <table class="map">
                <caption class="visually-hidden">"Partitions of each shard by month; figures are estimated rows"</caption>
                <thead>
                    <tr class="map-zones"><td></td>{zones.collect_view()}</tr>
                    <tr class="map-years"><td></td>{years.collect_view()}</tr>
                    <tr class="map-months"><th scope="col">"Shard"</th>{months.collect_view()}</tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        <Legend most />
        {not_counted(&map).map(|words| view! { <p class="quiet">"Held rows "{words}". A mark may be missing there."</p> }).collect_view()}
    }
}

/// Where marks of held rows may be missing, but for shards whose row says that nothing of them is known.
fn not_counted(map: &PartitionMap) -> impl Iterator<Item = String> + use<> {
    let unread = |lost: &NotCounted| map.rows.iter().any(|row| row.shard == lost.shard && row.problem.is_some());
    let lost: Vec<_> = map.held_rows_not_counted.iter().filter(|lost| !unread(lost)).cloned().collect();
    NotCounted::words(&lost).into_iter()
}

fn row_view(row: &MapRow, current: Month, lines: &[&'static str], most: u64) -> impl IntoView + use<> {
    let cells = match &row.problem {
        Some(problem) => view! {
            <td colspan=lines.len() class="map-problem"><Badge tone=Tone::Critical text=problem.clone() /></td>
        }
        .into_any(),
        None => row
            .cells
            .iter()
            .zip(lines)
            .map(|(cell, line)| cell_view(cell, current, line, most))
            .collect_view()
            .into_any(),
    };
    let place = format!("{} on {}", row.table, row.source);
    view! { <tr><th scope="row" title=place>{row.shard.to_string()}</th>{cells}</tr> }
}

fn cell_view(cell: &MapCell, current: Month, line: &'static str, most: u64) -> impl IntoView + use<> {
    let (class, text) = match cell.state {
        MonthState::Missing if cell.month > current => ("due", "due".to_owned()),
        MonthState::Missing => ("missing", "none!".to_owned()),
        MonthState::Irregular => ("irregular", format!("{}!", short(cell.rows_estimate))),
        MonthState::Future if cell.rows_estimate == 0 => ("future", "·".to_owned()),
        MonthState::Future => ("future", short(cell.rows_estimate)),
        MonthState::Open => ("open", short(cell.rows_estimate)),
        MonthState::Closed => ("closed", short(cell.rows_estimate)),
        MonthState::Expiring => ("expiring", short(cell.rows_estimate)),
        MonthState::Quarantined => ("quarantined", format!("{}q", short(cell.rows_estimate))),
        MonthState::Restored => ("restored", format!("{}r", short(cell.rows_estimate))),
    };
    let (text, held) = if cell.holds.is_empty() { (text, "") } else { (format!("{text}h"), "held") };
    let class = format!("cell {class} {held} shade-{} {line}", shade(cell.rows_estimate, most));
    let mark = (!cell.held_rows.is_empty())
        .then(|| view! { <span class="mark-held-rows"><span class="visually-hidden">" held rows"</span></span> });
    view! { <td class=class title=cell_words(cell, current)>{text}{mark}</td> }
}

/// The cell in full, for those who hover.
fn cell_words(cell: &MapCell, current: Month) -> String {
    let Some(partition) = &cell.partition else {
        let absent =
            if cell.month > current { "not made yet" } else { "missing: no partition covers exactly this month" };
        return format!("{} · {absent}", cell.month);
    };
    let whole = cell.holds.iter().map(|hold| format!(" · held by hold {hold}"));
    let rows = cell.held_rows.iter().map(|hold| format!(" · held rows of hold {hold}"));
    let holds: Vec<_> = whole.chain(rows).collect();
    format!(
        "{} · {partition} · {} · ≈ {} rows · {}{}",
        cell.month,
        cell.state,
        format::count(cell.rows_estimate),
        format::bytes(cell.bytes),
        holds.concat()
    )
}

/// 0 for an empty cell, [`SHADES`] for those with at least half of the most rows, one less for each halving.
fn shade(rows: u64, most: u64) -> u32 {
    if rows == 0 {
        return 0;
    }
    SHADES.saturating_sub((most / rows).max(1).ilog2()).max(1)
}

/// `950`, `1.2k`, `34k`, `5.6M`: as much as a cell holds.
fn short(rows: u64) -> String {
    let scaled = |unit: u64, letter: char| {
        let tenths = rows / (unit / 10);
        if tenths < 100 {
            format!("{}.{}{letter}", tenths / 10, tenths % 10)
        } else {
            format!("{}{letter}", tenths / 10)
        }
    };
    match rows {
        0..1_000 => rows.to_string(),
        1_000..1_000_000 => scaled(1_000, 'k'),
        1_000_000..1_000_000_000 => scaled(1_000_000, 'M'),
        _ => scaled(1_000_000_000, 'G'),
    }
}

/// Equal neighbours, and how many there are of each.
fn spans<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<(T, usize)> {
    let mut spans: Vec<(T, usize)> = Vec::new();
    for item in items {
        match spans.last_mut() {
            Some((last, width)) if *last == item => *width += 1,
            _ => spans.push((item, 1)),
        }
    }
    spans
}

#[component]
fn Legend(most: u64) -> impl IntoView {
    let states = [
        ("closed", "", "closed: past, kept"),
        ("open", "", "open: the running month"),
        ("future", "·", "future: made ahead"),
        ("due", "due", "not made yet"),
        ("expiring", "", "expiring: past retention"),
        ("quarantined", "9q", "quarantined: out of its table, may be restored until its final drop"),
        ("restored", "9r", "restored: back from quarantine, left alone for a while"),
        ("held", "9h", "held: a legal hold keeps it from being dropped"),
        ("irregular", "9!", "irregular: not one month, never dropped"),
        ("missing", "none!", "missing: no partition"),
    ];
    let swatch = |class: &str| format!("swatch cell {class}");
    let shades = (most > 0).then(|| view! {
        <li>
            {(1..=SHADES).map(|shade| view! { <span class=swatch(&format!("closed shade-{shade}"))></span> }).collect_view()}
            "estimated rows: each shade twice the one before, the darkest from "{format::count(most / 2)}
        </li>
    });
    view! {
        <ul class="map-legend">
            {states
                .map(|(class, sample, words)| view! { <li><span class=swatch(class)>{sample}</span>{words}</li> })
                .collect_view()}
            <li>
                <span class=swatch("closed")>"9"<span class="mark-held-rows"></span></span>
                "held rows: a legal hold keeps rows of a user or an order in it; they are carved out before it goes"
            </li>
            {shades}
        </ul>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_halving_of_the_rows_is_one_shade_lighter() {
        assert_eq!([0, 1, 6, 12, 25, 51, 100].map(|rows| shade(rows, 100)), [0, 1, 1, 2, 3, 5, 5]);
    }

    #[test]
    fn rows_are_cut_short_never_rounded_up() {
        let shown = [0, 999, 1_999, 34_999, 999_999, 5_600_000].map(short);
        assert_eq!(shown, ["0", "999", "1.9k", "34k", "999k", "5.6M"]);
    }

    #[test]
    fn the_running_month_is_its_own_zone() {
        let month = |text: &str| text.parse::<Month>().unwrap();
        let zone = |text| Zone::of(month(text), month("2026-11"), Some(month("2026-09")));
        let zones = ["2026-08", "2026-09", "2026-10", "2026-11", "2026-12"].map(zone);
        assert_eq!(zones, [Zone::Expired, Zone::Kept, Zone::Kept, Zone::Now, Zone::Ahead]);
        assert_eq!(spans(zones.into_iter()).len(), 4);
        assert_eq!(Zone::of(month("1997-01"), month("2026-11"), None), Zone::Kept);
    }
}
