//! Who waits for whom. An arrow is drawn only where the report proves it: the lock waited for lies on an index that
//! another transaction is said to hold.

use leptos::prelude::*;
use payhist_types::deadlock::{DeadlockReport, RecordLock};

const BOX_WIDTH: usize = 104;
const BOX_HEIGHT: usize = 36;
const GAP: usize = 72;
const TOP: usize = 36;

fn same_place(one: &RecordLock, other: &RecordLock) -> bool {
    (&one.schema, &one.table, &one.partition, &one.index)
        == (&other.schema, &other.table, &other.partition, &other.index)
}

/// Pairs of places: the first waits for the second.
fn waits(report: &DeadlockReport) -> Vec<(usize, usize)> {
    let mut waits = Vec::new();
    for (waiter, transaction) in report.transactions.iter().enumerate() {
        let Some(wanted) = &transaction.waits_for else { continue };
        for (holder, other) in report.transactions.iter().enumerate() {
            if holder != waiter && other.holds.iter().any(|held| same_place(held, wanted)) {
                waits.push((waiter, holder));
            }
        }
    }
    waits
}

/// The graph; nothing when the report proves no arrow.
#[component]
pub(super) fn WaitGraph(report: DeadlockReport) -> impl IntoView {
    let waits = waits(&report);
    if waits.is_empty() {
        return ().into_any();
    }
    let number = |place: usize| report.transactions[place].number;
    let said =
        waits.iter().map(|(from, to)| format!("{} waits for {}", number(*from), number(*to))).collect::<Vec<_>>();
    let label = format!("Transaction {}", said.join("; transaction "));
    let left = |place: usize| place * (BOX_WIDTH + GAP) + 1;
    let width = left(report.transactions.len() - 1) + BOX_WIDTH + 1;
    let (height, middle) = (2 * TOP + BOX_HEIGHT, TOP + BOX_HEIGHT / 2);
    // Arrows to the right bow upwards, those to the left downwards, so that a pair never overlaps.
    let arrows = waits.iter().map(|(from, to)| {
        let (x1, x2, bow) = if from < to {
            (left(*from) + BOX_WIDTH, left(*to), middle - TOP)
        } else {
            (left(*from), left(*to) + BOX_WIDTH, middle + TOP)
        };
        view! { <path class="arrow" d=format!("M{x1} {middle}Q{} {bow} {x2} {middle}", x1.midpoint(x2)) marker-end="url(#arrow)"></path> }
    });
    let boxes = report.transactions.iter().enumerate().map(|(place, transaction)| {
        let is_victim = report.victim == Some(place);
        let (x, centre) = (left(place), left(place) + BOX_WIDTH / 2);
        let cross = is_victim
            .then(|| format!("M{x} {TOP}l{BOX_WIDTH} {BOX_HEIGHT}M{x} {}l{BOX_WIDTH} -{BOX_HEIGHT}", TOP + BOX_HEIGHT));
        view! {
            <g class=if is_victim { "victim" } else { "survivor" }>
                <rect x=x y=TOP width=BOX_WIDTH height=BOX_HEIGHT rx="6"></rect>
                {cross.map(|cross| view! { <path class="cross" d=cross></path> })}
                <text x=centre y=middle + 4 text-anchor="middle">"Transaction "{transaction.number}</text>
            </g>
        }
    });
    view! {
        <div class="table-scroll wait-graph" tabindex="0" role="region" aria-label="Who waits for whom">
            <svg role="img" aria-label=label viewBox=format!("0 0 {width} {height}") width=width height=height>
                <defs>
                    <marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
                        <path class="head" d="M0 0l8 4-8 4z"></path>
                    </marker>
                </defs>
                {arrows.collect_view()}
                {boxes.collect_view()}
            </svg>
        </div>
        <p class="quiet">"Arrows lead from the one who waits to the one who holds; the transaction crossed out was rolled back."</p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use payhist_types::EngineKind;
    use payhist_types::deadlock::{DeadlockTransaction, LockSpan};

    fn lock(index: &str) -> RecordLock {
        RecordLock {
            schema: "payments".to_owned(),
            table: "shard_1".to_owned(),
            partition: None,
            index: Some(index.to_owned()),
            mode: "X".to_owned(),
            span: LockSpan::Record,
        }
    }

    fn transaction(number: u32, holds: &str, wants: &str) -> DeadlockTransaction {
        DeadlockTransaction {
            number,
            trx_id: String::new(),
            connection_id: None,
            active_secs: None,
            user: None,
            host: None,
            query: None,
            holds: vec![lock(holds)],
            waits_for: Some(lock(wants)),
        }
    }

    #[test]
    fn an_arrow_is_drawn_only_where_the_report_proves_it() {
        let mut report = DeadlockReport {
            occurred_at: chrono::DateTime::UNIX_EPOCH.naive_utc(),
            engine: EngineKind::MariaDb,
            transactions: vec![transaction(1, "a", "b"), transaction(2, "b", "a")],
            victim: Some(1),
            truncated: false,
            signature: String::new(),
        };
        assert_eq!(waits(&report), [(0, 1), (1, 0)]);
        report.transactions[1].holds.clear();
        assert_eq!(waits(&report), [(1, 0)], "what is not said is not guessed");
    }
}
