//! The latest rotation runs.

use crate::components::{Badge, Columns, Table, Time, Tone};
use crate::{format, links};
use leptos::prelude::*;
use payhist_types::run::{RotationRun, RunOutcome};

/// How loud the end of a run is.
pub(in crate::pages) const fn outcome_tone(outcome: RunOutcome) -> Tone {
    match outcome {
        RunOutcome::Running => Tone::Active,
        RunOutcome::Done => Tone::Good,
        RunOutcome::Partial => Tone::Warning,
        RunOutcome::Failed => Tone::Critical,
    }
}

/// How long it took, or that it goes on.
pub(in crate::pages) fn duration(run: &RotationRun) -> String {
    run.finished_at.map_or_else(
        || "not finished".to_owned(),
        |end| format::millis((end - run.started_at).num_milliseconds().unsigned_abs()),
    )
}

/// The table, newest first.
#[component]
pub(super) fn RunsTable(runs: Vec<RotationRun>) -> impl IntoView {
    if runs.is_empty() {
        return view! { <p class="quiet">"No plan has been applied yet."</p> }.into_any();
    }
    let rows = runs.into_iter().map(|run| {
        let href = links::with_history(&format!("/partitions/runs/{}", run.id), &run.history);
        let took = duration(&run);
        view! {
            <tr>
                <td><a href=href>"Run "{run.id}</a></td>
                <td><Badge tone=outcome_tone(run.outcome) text=run.outcome.to_string() /></td>
                <td data-name="by">{run.trigger}</td>
                <td class="whole" data-name="started"><Time at=run.started_at /></td>
                <td class="number" data-name=run.finished_at.map(|_| "took")>{took}</td>
                <td class="mono" data-name="plan" title=run.plan_hash.clone()>{run.plan_hash.chars().take(12).collect::<String>()}</td>
            </tr>
        }
    });
    view! {
        <Table
            label="Recent runs"
            caption="Rotation runs, newest first"
            class="folding"
            columns=Columns::default().words(["Run", "Outcome", "Started by", "Started"]).figures(["Took"]).words(["Plan"])
        >
            {rows.collect_view()}
        </Table>
    }
    .into_any()
}
