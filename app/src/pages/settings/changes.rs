//! How a policy came about: every version, who made it, and what it changed.

use crate::components::{Columns, Table, Time};
use leptos::prelude::*;
use payhist_types::history::Policy;
use payhist_types::policy_edit::{PolicyChange, PolicyEdit};

/// The latest versions, newest first.
#[component]
pub(super) fn Changes(changes: Vec<PolicyChange>) -> impl IntoView {
    let rows = changes.into_iter().map(|change| {
        view! {
            <tr>
                <th scope="row" class="number">{change.version}</th>
                <td><Time at=change.at />" "<span class="quiet">"by "{change.by}</span></td>
                <td>{differences(change.from.as_ref(), &change.to)}</td>
            </tr>
        }
    });
    view! {
        <section class="card">
            <h2>"Versions"</h2>
            <Table
                label="Versions of the policy"
                caption="Versions of the policy, newest first"
                class="wrapping"
                columns=Columns::default().figures(["Version"]).words(["Since", "Changed"])
            >
                {rows.collect_view()}
            </Table>
        </section>
    }
}

/// `retention: 12 → 60; windows: none → Sat 01:00-05:00`
fn differences(from: Option<&Policy>, to: &Policy) -> String {
    let Some(from) = from else { return "first version shown".to_owned() };
    let (from, to) = (PolicyEdit::of(from), PolicyEdit::of(to));
    let pairs = [
        ("months made ahead", from.premake_months, to.premake_months),
        ("months kept", from.retention, to.retention),
        ("days in quarantine", from.quarantine_days, to.quarantine_days),
        ("windows", from.windows, to.windows),
        ("bytes outside of windows", from.max_drop_bytes_outside_windows, to.max_drop_bytes_outside_windows),
        ("blockers", from.blockers, to.blockers),
        ("seconds replicas may be behind", from.replica_lag_max_secs, to.replica_lag_max_secs),
        ("archive", from.archive, to.archive),
        ("zone", from.zone, to.zone),
    ];
    let word = |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| "none".to_owned());
    let changed = pairs.into_iter().filter(|(_, from, to)| from != to);
    changed.map(|(name, from, to)| format!("{name}: {} → {}", word(from), word(to))).collect::<Vec<_>>().join("; ")
}
