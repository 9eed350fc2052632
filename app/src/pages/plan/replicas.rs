//! How far the replicas are behind.

use crate::components::{Badge, Time, Tone};
use chrono::{DateTime, FixedOffset};
use leptos::prelude::*;
use payhist_types::replicas::Replica;

/// The replicas of the history's sources, if there are any.
#[component]
pub(super) fn Replicas(replicas: Vec<Replica>, lag_max_secs: u32, read_at: DateTime<FixedOffset>) -> impl IntoView {
    if replicas.is_empty() {
        return ().into_any();
    }
    let rows = replicas.into_iter().map(|Replica { source, name, state }| {
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
            <div class="table-scroll" tabindex="0" role="region" aria-label="Replicas">
                <table class="wrapping folding">
                    <caption class="visually-hidden">"How far the replicas are behind"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Replica"</th>
                            <th scope="col">"Steps"</th>
                            <th scope="col">"It is"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
            <p class="quiet">
                "What drops or copies rows waits while one is more than "{lag_max_secs}" s behind, or its lag is unknown. Asked at "
                <Time at=read_at />"."
            </p>
        </section>
    }
    .into_any()
}
