//! How far the replicas are behind.

use crate::components::{Badge, Columns, Table, Time, Tone};
use chrono::{DateTime, FixedOffset};
use leptos::prelude::*;
use payhist_types::replicas::Replica;

/// The replicas of the history's sources, if there are any.
#[component]
pub(super) fn Replicas(replicas: Vec<Replica>, lag_max_secs: u32, read_at: DateTime<FixedOffset>) -> impl IntoView {
    if replicas.is_empty() {
        return ().into_any();
    }
    let rows = replicas.into_iter().map(move |Replica { source, name, state }| {
        let (tone, text) =
            if state.holds_back(lag_max_secs) { (Tone::Warning, "holds back") } else { (Tone::Good, "in time") };
        view! {
            <tr>
                <td class="mono whole">{name}" of "{source}</td>
                <td><Badge tone text /></td>
                <td>{state.to_string()}</td>
            </tr>
        }
    });
    view! {
        <section class="card stack">
            <h2>"Replicas"</h2>
            <Table
                label="Replicas"
                caption="How far the replicas are behind"
                class="wrapping folding"
                columns=Columns::default().words(["Replica", "Steps", "It is"])
            >
                {rows.collect_view()}
            </Table>
            <p class="quiet">
                "What drops or copies rows waits while one is more than "{lag_max_secs}" s behind, or its lag is unknown. Asked at "
                <Time at=read_at />"."
            </p>
        </section>
    }
    .into_any()
}
