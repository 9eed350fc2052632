//! Bars over time, drawn by the server, and behind them their figures as a table. Widths are percentages, so that the text
//! keeps its size.
//!
//! Invariant: what is not known is no bar of height zero: it is drawn with a dashed edge, and named in the table.

use super::{Columns, Table};
use crate::language::tr;
use leptos::prelude::*;

/// Height of the plot between its base and its top, in pixels.
const PLOT_HEIGHT: u64 = 152;
/// Room above the plot for the top label.
const TOP: u64 = 12;
/// Height with the labels below.
const HEIGHT: u64 = 192;
/// Most lines above the base.
const LINES_MAX: u64 = 4;
/// Most labels below: more would run into each other. Where there is less room, every second one is left out.
const LABELS_MAX: usize = 14;

/// How far a bar may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// As far as can be.
    Whole,
    /// It lacks something.
    Partly,
    /// Not at all.
    Not,
}

/// A bar: a figure is its height, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// What it is of, in full.
    pub(crate) name: String,
    /// The same below the bar.
    pub(crate) label: String,
    /// Its figure.
    pub(crate) value: Option<(u64, String)>,
    /// The part of it that is drawn over it.
    pub(crate) part: Option<(u64, String)>,
    /// May it be trusted?
    pub(crate) known: Known,
    /// Where it comes from, or what it lacks.
    pub(crate) note: Option<String>,
}

/// The chart and, behind it, its figures.
#[component]
pub(crate) fn BarChart(
    /// Its heading.
    #[prop(into)]
    title: String,
    /// What the figures count, e.g. `payments`.
    #[prop(into)]
    unit: String,
    /// What a bar is of, e.g. `Day`.
    #[prop(into)]
    head: String,
    /// What the bars' parts are.
    #[prop(optional, into)]
    part: Option<String>,
    /// How the axis writes a figure.
    axis: fn(u64) -> String,
    /// Its bars, oldest first.
    bars: Vec<Bar>,
) -> impl IntoView {
    let step = step_for(bars.iter().filter_map(|bar| Some(bar.value.as_ref()?.0)).max().unwrap_or(0));
    let top = step * LINES_MAX;
    let lines = (0..=LINES_MAX).map(|line| (line * step, y(line * step, top)));
    let labels = lines
        .clone()
        .map(|(value, y)| view! { <text x="36" y=y + 4 text-anchor="end">{axis(value)}</text> })
        .collect_view();
    let lines = lines.map(|(_, y)| view! { <line class="grid-line" x1="0" x2="100%" y1=y y2=y></line> }).collect_view();
    let width = 100.0 / f64::from(u32::try_from(bars.len().max(1)).unwrap_or(1));
    let every = bars.len().div_ceil(LABELS_MAX).max(1);
    let drawn = bars
        .iter()
        .enumerate()
        .zip(0_u32..)
        .map(|((index, bar), place)| {
            let newer = bars.len() - 1 - index; // the newest always has its label
            let label =
                newer.is_multiple_of(every).then_some(if newer.is_multiple_of(2 * every) { "" } else { "minor" });
            draw(bar, &unit, part.as_deref(), label, f64::from(place) * width, width, top)
        })
        .collect_view();
    let legend = part.as_ref().map(|part| {
        view! {
            <span class="legend">{tr!("All {}", unit)}</span>
            <span class="legend failed">{tr!("Of these, {}", part)}</span>
        }
    });
    let unknown = bars.iter().any(|bar| bar.known != Known::Whole);
    let unknown = unknown.then(|| view! { <span class="legend unknown">{tr!("Not known in full")}</span> });
    let in_unit = part.is_none().then(|| view! { <span class="quiet">{unit.clone()}</span> });
    view! {
        <figure class="chart">
            <figcaption><h2>{title.clone()}</h2>{in_unit}{legend}{unknown}</figcaption>
            <div class="plot">
                <svg class="axis" width="44" height=HEIGHT aria-hidden="true">{labels}</svg>
                <svg class="bars" width="100%" height=HEIGHT role="img" aria-label=tr!("{}; the table below has the figures", title)>
                    {lines}
                    {drawn}
                </svg>
            </div>
            <details>
                <summary>{tr!("The figures")}</summary>
                {figures(title.clone(), head, &unit, part.as_deref(), &bars)}
            </details>
        </figure>
    }
}

fn draw(
    bar: &Bar,
    unit: &str,
    part: Option<&str>,
    label: Option<&'static str>,
    left: f64,
    width: f64,
    top: u64,
) -> impl IntoView + use<> {
    let base = y(0, top);
    let x = format!("{:.2}%", left + width * 0.15);
    let bar_width = format!("{:.2}%", width * 0.7);
    let rect = |class: &'static str, value: u64| {
        let at = y(value, top);
        view! { <rect class=class x=x.clone() y=at width=bar_width.clone() height=base - at></rect> }
    };
    let whole = bar
        .value
        .as_ref()
        .map(|(value, _)| rect(if bar.known == Known::Partly { "bar partly" } else { "bar" }, *value));
    let over = bar.part.as_ref().map(|(value, _)| rect("bar failed", *value));
    let unknown = (bar.value.is_none() && bar.known == Known::Not).then(|| rect("bar unknown", top));
    let label = label.map(|class| {
        let middle = format!("{:.2}%", left + width / 2.0);
        view! { <text class=class x=middle y=base + 18 text-anchor="middle">{bar.label.clone()}</text> }
    });
    view! {
        <g>
            <title>{in_words(bar, unit, part)}</title>
            <rect class="hit" x=format!("{left:.2}%") y="0" width=format!("{width:.2}%") height=base></rect>
            {unknown}
            {whole}
            {over}
            {label}
        </g>
    }
}

/// What whoever hovers reads.
fn in_words(bar: &Bar, unit: &str, part: Option<&str>) -> String {
    let mut said = match &bar.value {
        Some((_, value)) => tr!("{}: {} {}", bar.name, value, unit),
        None if bar.known == Known::Not => tr!("{}: not known", bar.name),
        None => tr!("{}: none", bar.name),
    };
    if let (Some((_, value)), Some(part)) = (&bar.part, part) {
        said += &tr!(", {} of them {}", value, part);
    }
    if let Some(note) = &bar.note {
        said += &format!(" ({note})");
    }
    said
}

/// Where a value is drawn.
fn y(value: u64, top: u64) -> u64 {
    TOP + PLOT_HEIGHT
        - u64::try_from(u128::from(value) * u128::from(PLOT_HEIGHT) / u128::from(top)).unwrap_or(PLOT_HEIGHT)
}

/// The distance of the lines: 1, 2 or 5 times a power of ten, so that at most [`LINES_MAX`] of them hold `max`.
fn step_for(max: u64) -> u64 {
    let steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit| 10_u64.pow(power).saturating_mul(digit)));
    let holds = |step: &u64| step.checked_mul(LINES_MAX).is_some_and(|top| top >= max);
    steps.into_iter().find(holds).unwrap_or(u64::MAX / LINES_MAX)
}

fn figures(title: String, head: String, unit: &str, part: Option<&str>, bars: &[Bar]) -> impl IntoView + use<> {
    let noted = bars.iter().any(|bar| bar.note.is_some());
    let written = |value: &Option<(u64, String)>, known: Known| match value {
        Some((_, value)) => value.clone(),
        None if known == Known::Not => tr!("not known"),
        None => "–".to_owned(),
    };
    let rows = bars
        .iter()
        .rev()
        .map(|bar| {
            let parts = part.map(|_| view! { <td class="number">{written(&bar.part, bar.known)}</td> });
            let note = noted.then(|| view! { <td class="note">{bar.note.clone()}</td> });
            view! {
                <tr>
                    <th scope="row">{bar.name.clone()}</th>
                    <td class="number">{written(&bar.value, bar.known)}</td>
                    {parts}
                    {note}
                </tr>
            }
        })
        .collect_view();
    let mut unit = unit.to_owned();
    if let Some(first) = unit.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let columns = Columns::default()
        .words([head])
        .figures([unit])
        .figures(part.map(|part| tr!("Of these, {}", part)))
        .words(noted.then(|| tr!("Counted")));
    view! { <Table label=title.clone() caption=title columns>{rows}</Table> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_fits_below_the_top_line() {
        for (max, step) in [(0, 1), (4, 1), (5, 2), (37, 10), (1_234, 500), (80_000, 20_000)] {
            assert_eq!(step_for(max), step, "{max}");
            assert!(y(max, step * LINES_MAX) >= TOP);
        }
        let greatest = u64::MAX - 3;
        assert!(y(greatest, step_for(greatest) * LINES_MAX) >= TOP);
    }

    #[test]
    fn what_is_not_known_is_said_and_is_no_zero() {
        let bar = |value: Option<u64>, known| Bar {
            name: "2026-10".to_owned(),
            label: String::new(),
            value: value.map(|value| (value, value.to_string())),
            part: value.map(|_| (1, "1".to_owned())),
            known,
            note: (known == Known::Partly).then(|| "shard 3: no answer".to_owned()),
        };
        assert_eq!(in_words(&bar(None, Known::Not), "payments", Some("failed")), "2026-10: not known");
        assert_eq!(in_words(&bar(None, Known::Whole), "payments", None), "2026-10: none");
        assert_eq!(
            in_words(&bar(Some(7), Known::Partly), "payments", Some("failed")),
            "2026-10: 7 payments, 1 of them failed (shard 3: no answer)"
        );
    }
}
