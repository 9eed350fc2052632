//! Payments per day as bars, drawn by the server. Widths are percentages, so that the text keeps its size.

use super::days::Day;
use crate::format;
use leptos::prelude::*;

/// Height of the plot between its base and its top, in pixels.
const PLOT_HEIGHT: u64 = 152;
/// Room above the plot for the top label.
const TOP: u64 = 12;
/// Height with the labels of the days.
const HEIGHT: u64 = 192;
/// Most lines above the base.
const LINES_MAX: u64 = 4;

/// The chart and, behind it, its figures as a table.
#[component]
pub(super) fn DaysChart(days: Vec<Day>) -> impl IntoView {
    let step = step_for(days.iter().map(|day| day.count).max().unwrap_or(0));
    let top = step * LINES_MAX;
    let lines = (0..=LINES_MAX).map(|line| (line * step, y(line * step, top)));
    let labels = lines
        .clone()
        .map(|(value, y)| view! { <text x="36" y=y + 4 text-anchor="end">{format::count(value)}</text> })
        .collect_view();
    let lines = lines.map(|(_, y)| view! { <line class="grid-line" x1="0" x2="100%" y1=y y2=y></line> }).collect_view();
    let width = 100.0 / f64::from(u32::try_from(days.len().max(1)).unwrap_or(1));
    let bars =
        days.iter().zip(0_u32..).map(|(day, place)| bar(day, f64::from(place) * width, width, top)).collect_view();
    view! {
        <figure class="chart">
            <figcaption>
                <h2>"Payments per day"</h2>
                <span class="legend">"All payments"</span>
                <span class="legend failed">"Of these, failed"</span>
            </figcaption>
            <div class="plot">
                <svg class="axis" width="44" height=HEIGHT aria-hidden="true">{labels}</svg>
                <svg class="bars" width="100%" height=HEIGHT role="img" aria-label="Payments per day over 14 days; the table below has the figures">
                    {lines}
                    {bars}
                </svg>
            </div>
            <details>
                <summary>"The figures"</summary>
                {figures(&days)}
            </details>
        </figure>
    }
}

fn bar(day: &Day, left: f64, width: f64, top: u64) -> impl IntoView + use<> {
    let (all, failed) = (y(day.count, top), y(day.failed, top));
    let base = y(0, top);
    let x = format!("{:.2}%", left + width * 0.15);
    let bar_width = format!("{:.2}%", width * 0.7);
    let middle = format!("{:.2}%", left + width / 2.0);
    let so_far = if day.is_today { " so far" } else { "" };
    let title = format!(
        "{}{so_far}: {} payments, {} of them failed",
        day.date,
        format::count(day.count),
        format::count(day.failed)
    );
    let label = if day.is_today { "today".to_owned() } else { day.date.format("%m-%d").to_string() };
    view! {
        <g>
            <title>{title}</title>
            <rect class="hit" x=format!("{left:.2}%") y="0" width=format!("{width:.2}%") height=base></rect>
            <rect class="bar" x=x.clone() y=all width=bar_width.clone() height=base - all rx="2"></rect>
            <rect class="bar failed" x=x y=failed width=bar_width height=base - failed></rect>
            <text x=middle y=base + 18 text-anchor="middle">{label}</text>
        </g>
    }
}

/// Where a value is drawn.
fn y(value: u64, top: u64) -> u64 {
    TOP + PLOT_HEIGHT - value * PLOT_HEIGHT / top
}

/// The distance of the lines: 1, 2 or 5 times a power of ten, so that at most [`LINES_MAX`] of them hold `max`.
fn step_for(max: u64) -> u64 {
    let steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    steps.into_iter().find(|step| step * LINES_MAX >= max).unwrap_or(u64::MAX / LINES_MAX)
}

fn figures(days: &[Day]) -> impl IntoView + use<> {
    let rows = days
        .iter()
        .rev()
        .map(|day| {
            view! {
                <tr>
                    <th scope="row">{day.date.to_string()}{day.is_today.then_some(" so far")}</th>
                    <td class="number">{format::count(day.count)}</td>
                    <td class="number">{format::count(day.failed)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Payments per day">
            <table>
                <caption class="visually-hidden">"Payments per day"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Day"</th>
                        <th scope="col" class="number">"Payments"</th>
                        <th scope="col" class="number">"Failed"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
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
    }
}
