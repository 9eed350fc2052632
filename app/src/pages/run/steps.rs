//! The steps of a run and how each ended.

use crate::components::{Badge, Columns, IconName, Table, Tone};
use crate::format;
use leptos::prelude::*;
use payhist_types::run::{RunStep, StepOutcome};

const fn appearance(outcome: StepOutcome) -> (Tone, &'static str, IconName) {
    match outcome {
        StepOutcome::Pending => (Tone::Neutral, "pending", IconName::Clock),
        StepOutcome::Intended => (Tone::Active, "running", IconName::Running),
        StepOutcome::Done => (Tone::Good, "done", IconName::Check),
        StepOutcome::AlreadyDone => (Tone::Good, "already done", IconName::Check),
        StepOutcome::Blocked => (Tone::Neutral, "blocked", IconName::Blocked),
        StepOutcome::Skipped => (Tone::Warning, "skipped", IconName::Skipped),
        StepOutcome::Failed => (Tone::Critical, "failed", IconName::Critical),
    }
}

/// The table, in the order of the plan.
#[component]
pub(super) fn RunSteps(steps: Vec<RunStep>) -> impl IntoView {
    let rows = steps.into_iter().map(|step| {
        let (tone, word, icon) = appearance(step.outcome);
        view! {
            <tr>
                <td class="mono whole">{step.table}</td>
                <td>{step.action}</td>
                <td><Badge tone text=word icon /></td>
                <td class="number" data-name="tries">{step.attempts}</td>
                <td class="number" data-name=step.wait_ms.map(|_| "wait")>{step.wait_ms.map(format::millis)}</td>
                <td class="number" data-name=step.duration_ms.map(|_| "took")>{step.duration_ms.map(format::millis)}</td>
                <td class="number" data-name=step.rows.map(|_| "rows")>{step.rows.map(format::count)}</td>
                <td class="run-detail whole">
                    {step.detail.map(|detail| view! { <p>{detail}</p> })}
                    <details><summary>"SQL"</summary><pre class="sql">{step.sql}</pre></details>
                </td>
            </tr>
        }
    });
    view! {
        <section class="card">
            <h2>"Steps"</h2>
            <Table
                label="Steps"
                caption="Steps of the run, in the order of its plan"
                class="folding"
                columns=Columns::default().words(["Table", "Step", "Outcome"]).figures(["Tries", "Wait", "Took", "Rows"]).words(["Detail"])
            >
                {rows.collect_view()}
            </Table>
        </section>
    }
}
