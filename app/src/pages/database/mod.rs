//! Pools, servers, and the deadlocks that were captured.

mod histogram;
mod pools;
mod servers;

use super::deadlock::DeadlockView;
use crate::api;
use crate::components::{Badge, Columns, Live, Notice, Table, Time, Tone, loaded};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::database::{DatabaseView, DeadlockSummary, Unavailable};
use pools::Pools;
use servers::Servers;

/// Between two looks at the figures, in browsers with JavaScript.
const FOLLOW_SECS: u32 = 5;

/// The page.
#[component]
pub(crate) fn DatabasePage() -> impl IntoView {
    view! {
        <Title text="Database" />
        <div class="page-head"><h1>"Database"</h1></div>
        {loaded(api::database(), |view| view! { <Live id="database" secs=Some(FOLLOW_SECS)><Contents view /></Live> })}
    }
}

#[component]
fn Contents(view: DatabaseView) -> impl IntoView {
    let DatabaseView { zone, read_at, pools, servers, deadlocks_24h, deadlocks, latest, unavailable } = view;
    let latest = latest.map(|deadlock| {
        view! {
            <section class="card stack">
                <h2>"Latest deadlock"</h2>
                <DeadlockView deadlock />
            </section>
        }
    });
    view! {
        <p class="quiet">"Read "<Time at=read_at />" "{zone}". Pools are those of this instance."</p>
        {unavailable.into_iter().map(|panel| view! { <Missing panel /> }).collect_view()}
        <section class="stack"><h2>"Connection pools"</h2><Pools pools /></section>
        <section class="card"><h2>"Servers"</h2><Servers servers /></section>
        <section class="card">
            <h2>"Deadlocks captured"</h2>
            <Deadlocks deadlocks in_24h=deadlocks_24h />
        </section>
        {latest}
    }
}

/// Figures that could not be read, and what would mend it.
#[component]
pub(in crate::pages) fn Missing(panel: Unavailable) -> impl IntoView {
    let title = format!("{}: no {}", panel.source, panel.what);
    view! {
        <Notice tone=Tone::Warning title>
            <p>{panel.reason}</p>
            {panel.remedy.map(|remedy| view! { <pre class="sql">{remedy}</pre> })}
        </Notice>
    }
}

#[component]
fn Deadlocks(deadlocks: Vec<DeadlockSummary>, in_24h: u64) -> impl IntoView {
    if deadlocks.is_empty() {
        return view! { <p><Badge tone=Tone::Good text="No deadlock has been captured" /></p> }.into_any();
    }
    let tone = if in_24h == 0 { Tone::Good } else { Tone::Warning };
    let rows = deadlocks.into_iter().map(|deadlock| {
        view! {
            <tr id=format!("deadlock-{}", deadlock.id)>
                <td><a href=format!("/database/deadlocks/{}", deadlock.id)>"Deadlock "{deadlock.id}</a></td>
                <td><Time at=deadlock.occurred_at /></td>
                <td>{deadlock.source}</td>
                <td class="mono">{deadlock.tables.join(", ")}</td>
                <td class="number">{deadlock.transactions}</td>
                <td class="mono" title=deadlock.signature.clone()>{deadlock.signature.chars().take(12).collect::<String>()}</td>
            </tr>
        }
    });
    view! {
        <p class="deadlocks-count"><Badge tone text=format!("{in_24h} in the last 24 hours") /></p>
        <Table
            label="Deadlocks"
            caption="Captured deadlocks, newest first"
            columns=Columns::default().words(["Deadlock", "When", "Source", "Tables"]).figures(["Transactions"]).words(["Group"])
        >
            {rows.collect_view()}
        </Table>
    }
    .into_any()
}
