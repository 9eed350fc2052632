//! The steps of a simulation, by date.

use crate::format;
use leptos::prelude::*;
use payhist_types::simulation::SimulatedStep;

/// The table.
#[component]
pub(super) fn Steps(steps: Vec<SimulatedStep>) -> impl IntoView {
    if steps.is_empty() {
        return view! { <p class="quiet">"Nothing would be done."</p> }.into_any();
    }
    let rows = steps.into_iter().map(|step| {
        let estimate = if step.extrapolated { "extrapolated" } else { "" };
        view! {
            <tr>
                <th scope="row" class="mono">{step.date.to_string()}</th>
                <td>{format!("{} {}", step.action, step.month)}</td>
                <td class="number" data-name="shards">{step.shards.len()}</td>
                <td class="number" data-name=(step.rows_estimate > 0).then_some("rows")>{(step.rows_estimate > 0).then(|| format!("≈ {}", format::count(step.rows_estimate)))}</td>
                <td class="number">{(step.bytes > 0).then(|| format::bytes(step.bytes))}</td>
                <td class="quiet">{estimate}</td>
            </tr>
        }
    });
    view! {
        <p class="quiet">
            "Rows and bytes are the engine's estimates. Where a month is not over yet they are extrapolated: the mean of the last twelve months that are, on each shard."
        </p>
        <section class="card">
            <h2>"Steps"</h2>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Simulated steps">
                <table class="folding">
                    <caption class="visually-hidden">"Simulated steps by date"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Date"</th>
                            <th scope="col">"Step"</th>
                            <th scope="col" class="number">"Shards"</th>
                            <th scope="col" class="number">"Rows, estimated"</th>
                            <th scope="col" class="number">"Size"</th>
                            <th scope="col">"Basis"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}
