//! The steps of a simulation, by date.

use crate::components::{Columns, Table};
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
            <Table
                label="Simulated steps"
                caption="Simulated steps by date"
                class="folding"
                columns=Columns::default().words(["Date", "Step"]).figures(["Shards", "Rows, estimated", "Size"]).words(["Basis"])
            >
                {rows.collect_view()}
            </Table>
        </section>
    }
    .into_any()
}
