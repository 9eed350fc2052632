//! The steps of a plan, by table, with their exact SQL.

use super::words::{VERBS, plural, verb_of};
use crate::components::{Badge, Columns, IconName, Table, Tone};
use crate::format;
use leptos::prelude::*;
use payhist_types::plan::Step;
use payhist_types::plan_words::guards;

/// All steps; the first table's are open.
#[component]
pub(super) fn Steps(steps: Vec<Step>) -> impl IntoView {
    if steps.is_empty() {
        return ().into_any();
    }
    let tables = steps.chunk_by(|one, next| one.table == next.table).enumerate();
    let tables = tables.map(|(place, steps)| view! { <TableSteps steps=steps.to_vec() open={place == 0} /> });
    view! {
        <section class="stack">
            <h2>"Steps, in the order that they run on each table"</h2>
            {tables.collect_view()}
        </section>
    }
    .into_any()
}

#[component]
fn TableSteps(steps: Vec<Step>, open: bool) -> impl IntoView {
    let table = steps.first().map(|step| step.table.clone()).unwrap_or_default();
    let name = format!("Steps on {table}");
    let rows = steps.iter().map(step_view).collect_view();
    view! {
        <details class="card plan-table" open=open>
            <summary><span class="mono">{table}</span>" "<span class="quiet">{counts(&steps)}</span></summary>
            <Table
                label=name.clone()
                caption=name
                class="folding"
                columns=Columns::default().words(["Step", "State"]).figures(["Rows, estimated", "Size"]).words(["SQL"])
            >
                {rows}
            </Table>
        </details>
    }
}

/// `3 adds, 6 drops: 3 will run, 6 blocked`
fn counts(steps: &[Step]) -> String {
    let of = |verb| steps.iter().filter(|step| verb_of(&step.action) == verb).count();
    let active = steps.iter().filter(|step| step.is_active()).count();
    let kinds = VERBS.map(|verb| (of(verb), if verb == "copy" { "carve-out" } else { verb }));
    let states = [(active, "will run"), (steps.len() - active, "blocked")];
    let kinds: Vec<_> = kinds.into_iter().filter(|kind| kind.0 > 0).map(|(count, word)| plural(count, word)).collect();
    let states: Vec<_> =
        states.into_iter().filter(|state| state.0 > 0).map(|(count, word)| format!("{count} {word}")).collect();
    format!("{}: {}", kinds.join(", "), states.join(", "))
}

fn step_view(step: &Step) -> impl IntoView + use<> {
    let (tone, word, icon) = match (step.is_active(), verb_of(&step.action)) {
        (false, _) => (Tone::Neutral, "blocked", IconName::Blocked),
        (true, "drop") => (Tone::Critical, "will drop", IconName::Drop),
        (true, "add") => (Tone::Good, "will add", IconName::Add),
        (true, "copy") => (Tone::Good, "will copy held rows", IconName::Hold),
        (true, "delete") => (Tone::Critical, "will delete rows held no more", IconName::Drop),
        (true, _) => (Tone::Warning, "will quarantine", IconName::Pause),
    };
    view! {
        <tr>
            <th scope="row">{format!("{} {}", step.action.verb(), step.action.month())}</th>
            <td class="plan-state">
                <Badge tone text=word icon />
                <span class="quiet">{guards(&step.blocked_by)}</span>
            </td>
            <td class="number" data-name=(step.rows_estimate > 0).then_some("rows")>{(step.rows_estimate > 0).then(|| format!("≈ {}", format::count(step.rows_estimate)))}</td>
            <td class="number">{(step.bytes > 0).then(|| format::bytes(step.bytes))}</td>
            <td class="plan-sql whole"><pre class="sql">{step.sql.join(";\n")}</pre></td>
        </tr>
    }
}
