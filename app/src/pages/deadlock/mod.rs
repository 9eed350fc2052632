//! One captured deadlock.

mod graph;
mod transaction;

use crate::api;
use crate::components::{Copy, Icon, IconName, Notice, Time, Tone, loaded, part_of_path};
use graph::WaitGraph;
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::database::Deadlock;
use payhist_types::deadlock::DeadlockReport;
use transaction::TransactionBox;

/// The page.
#[component]
pub(crate) fn DeadlockPage() -> impl IntoView {
    let id = part_of_path("id");
    view! {
        <Title text=format!("Deadlock {id}") />
        <div class="page-head">
            <h1>"Deadlock "{id.clone()}</h1>
            <a class="button" href="/database"><Icon name=IconName::Back />"Database"</a>
        </div>
        {loaded(api::deadlock(id), |deadlock| view! {
            <section class="card stack">
                <h2>"What happened"</h2>
                <DeadlockView deadlock />
            </section>
        })}
    }
}

/// A deadlock in full: facts, graph, transactions, and the server's own text.
#[component]
pub(super) fn DeadlockView(deadlock: Deadlock) -> impl IntoView {
    let Deadlock { summary, report, text } = deadlock;
    view! {
        <dl class="facts facts-row">
            <div><dt>"When"</dt><dd><Time at=summary.occurred_at /></dd></div>
            <div><dt>"Source"</dt><dd class="mono">{summary.source}</dd></div>
            <div><dt>"Tables"</dt><dd class="mono">{summary.tables.join(", ")}</dd></div>
            <div><dt>"Group"</dt><dd><Copy value=summary.signature /></dd></div>
        </dl>
        {match report {
            Some(report) => view! { <Report report /> }.into_any(),
            None => view! {
                <Notice tone=Tone::Warning title="The server's report could not be read by machine. Its text is below." />
            }
            .into_any(),
        }}
        <details>
            <summary>"The server's own report"</summary>
            <pre class="raw">{text}</pre>
        </details>
    }
}

#[component]
fn Report(report: DeadlockReport) -> impl IntoView {
    let victim = report.victim;
    let truncated = report.truncated.then(|| {
        view! { <Notice tone=Tone::Warning title="The report was cut off by the server before it names its victim." /> }
    });
    let graph = view! { <WaitGraph report=report.clone() /> };
    let boxes = report.transactions.into_iter().enumerate().map(|(place, transaction)| {
        view! { <TransactionBox transaction is_victim={victim == Some(place)} /> }
    });
    view! {
        {truncated}
        {graph}
        <div class="grid-2 deadlock">{boxes.collect_view()}</div>
    }
}
