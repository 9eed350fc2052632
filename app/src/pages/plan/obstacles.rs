//! Who is in the plan's way at this moment.

use super::words::plural;
use crate::components::{Badge, Columns, Table, Time, Tone};
use crate::pages::database::Missing;
use leptos::prelude::*;
use payhist_types::obstacles::{LockHolder, Obstacles};
use payhist_types::plan::RotationPlan;
use std::collections::BTreeSet;

/// Who holds locks on tables that the plan would change.
#[component]
pub(super) fn InTheWay(obstacles: Obstacles, plan: RotationPlan) -> impl IntoView {
    let changed: BTreeSet<_> = plan.active_steps().map(|step| step.table.as_str()).collect();
    if changed.is_empty() {
        return ().into_any();
    }
    let Obstacles { read_at, holders, unavailable, .. } = obstacles;
    let holders: Vec<_> = holders.into_iter().filter(|holder| changed.contains(holder.table.as_str())).collect();
    let free = holders.is_empty() && unavailable.is_empty();
    view! {
        <section class="card stack">
            <h2>"In the way now"</h2>
            {free.then(|| view! { <p><Badge tone=Tone::Good text="Nobody holds a lock on these tables" /></p> })}
            {(!holders.is_empty()).then(|| view! { <Holders holders /> })}
            {unavailable.into_iter().map(|panel| view! { <Missing panel /> }).collect_view()}
            <p class="quiet">"Asked at "<Time at=read_at />". Reload to ask again."</p>
        </section>
    }
    .into_any()
}

#[component]
fn Holders(holders: Vec<LockHolder>) -> impl IntoView {
    let rows = holders.into_iter().map(|holder| {
        let LockHolder { source, table, connection, user, host, secs, statement } = holder;
        let secs = plural(usize::try_from(secs).unwrap_or(usize::MAX), "second");
        view! {
            <tr>
                <td class="mono whole">{table}" on "{source}</td>
                <td data-name="held by">"connection "{connection}<br /><span class="quiet">{user}"@"{host}</span></td>
                <td data-name="for">{secs}</td>
                <td class="whole">{match statement {
                    Some(statement) => view! { <code>{statement}</code> }.into_any(),
                    None => view! { "idle in its transaction" }.into_any(),
                }}</td>
            </tr>
        }
    });
    view! {
        <Table
            label="Who holds locks"
            caption="Sessions that hold locks on tables of the plan"
            class="wrapping folding"
            columns=Columns::default().words(["Table", "Held by", "For", "Doing"])
        >
            {rows.collect_view()}
        </Table>
    }
}
