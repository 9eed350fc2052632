//! How long acquires waited: bars on the server's own buckets, with the figures behind them.

use crate::components::{Columns, Table};
use crate::format;
use leptos::prelude::*;
use payhist_types::database::WaitBucket;

const HEIGHT: u64 = 80;
const BAR: usize = 20;
const STEP: usize = 22;
/// Room for the words below the bars.
const FOOT: u64 = 16;

/// `≤ 1 ms`; the open last bucket is named by the one before it.
fn edge(waits: &[WaitBucket], place: usize) -> String {
    match (waits[place].upto_us, place.checked_sub(1).and_then(|before| waits[before].upto_us)) {
        (Some(upto), _) => format!("≤ {}", format::micros(upto)),
        (None, Some(before)) => format!("> {}", format::micros(before)),
        (None, None) => "any".to_owned(),
    }
}

/// Bars are scaled by the square root, so that a rare long wait is seen beside a million short ones.
fn height(count: u64, most: u64) -> u64 {
    if count == 0 { 0 } else { ((count.saturating_mul(HEIGHT * HEIGHT) / most.max(1)).isqrt()).max(2) }
}

/// The histogram of one pool.
#[component]
pub(super) fn Histogram(pool: String, waits: Vec<WaitBucket>) -> impl IntoView {
    let all: u64 = waits.iter().map(|bucket| bucket.count).sum();
    if all == 0 {
        return view! { <p class="quiet">"No connection has been acquired yet."</p> }.into_any();
    }
    let most = waits.iter().map(|bucket| bucket.count).max().unwrap_or(0);
    let edges: Vec<String> = (0..waits.len()).map(|place| edge(&waits, place)).collect();
    let bars = waits.iter().zip(&edges).enumerate().map(|(place, (bucket, edge))| {
        let (x, height) = (place * STEP, height(bucket.count, most));
        view! {
            <g>
                <rect class="hit" x=x y="0" width=STEP height=HEIGHT></rect>
                <rect class="bar" x=x + (STEP - BAR) / 2 y=HEIGHT - height width=BAR height=height></rect>
                <title>{format!("{edge}: {}", format::count(bucket.count))}</title>
            </g>
        }
    });
    let width = waits.len() * STEP;
    let ends = (edges.first().cloned(), edges.last().cloned());
    let rows = waits
        .iter()
        .zip(&edges)
        .map(|(bucket, edge)| {
            view! { <tr><th scope="row">{edge.clone()}</th><td class="number">{format::count(bucket.count)}</td></tr> }
        })
        .collect_view();
    let label = format!("Waits for a connection of pool {pool}");
    view! {
        <figure class="chart">
            <figcaption class="quiet">"Wait for a connection, acquires per bucket since start (square-root scale)"</figcaption>
            <svg role="img" aria-label=label.clone() viewBox=format!("0 0 {width} {}", HEIGHT + FOOT) width=width height=HEIGHT + FOOT>
                {bars.collect_view()}
                <line class="grid-line" x1="0" y1=HEIGHT x2=width y2=HEIGHT></line>
                <text x="0" y=HEIGHT + FOOT - 3>{ends.0}</text>
                <text x=width y=HEIGHT + FOOT - 3 text-anchor="end">{ends.1}</text>
            </svg>
            <details>
                <summary>"Figures"</summary>
                <Table
                    label=format!("{label}, figures")
                    caption=label.clone()
                    columns=Columns::default().words(["Waited"]).figures(["Acquires"])
                >
                    {rows}
                </Table>
            </details>
        </figure>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_long_wait_is_still_seen() {
        assert_eq!((height(0, 1_000_000), height(1, 1_000_000), height(1_000_000, 1_000_000)), (0, 2, HEIGHT));
    }

    #[test]
    fn the_open_bucket_is_named_by_the_one_before() {
        let waits = [WaitBucket { upto_us: Some(1_000), count: 3 }, WaitBucket { upto_us: None, count: 1 }];
        assert_eq!((edge(&waits, 0), edge(&waits, 1)), ("≤ 1 ms".to_owned(), "> 1 ms".to_owned()));
    }
}
