//! One transaction of a deadlock: who, what, which locks.

use crate::components::{Badge, IconName, Tone};
use leptos::prelude::*;
use payhist_types::deadlock::{DeadlockTransaction, LockSpan, RecordLock};

const fn span_words(span: LockSpan) -> &'static str {
    match span {
        LockSpan::NextKey => "record and the gap before it",
        LockSpan::Record => "record",
        LockSpan::Gap => "gap",
        LockSpan::InsertIntention => "insert into a gap",
        LockSpan::Table => "whole table",
    }
}

/// `payments.shard_1`, then `partition p202611 · index PRIMARY · X · record`
fn lock_view(lock: &RecordLock) -> impl IntoView + use<> {
    let mut words = Vec::new();
    words.extend(lock.partition.iter().map(|partition| format!("partition {partition}")));
    words.extend(lock.index.iter().map(|index| format!("index {index}")));
    words.push(lock.mode.clone());
    words.push(span_words(lock.span).to_owned());
    view! { <code>{format!("{}.{}", lock.schema, lock.table)}</code><div>{words.join(" · ")}</div> }
}

/// Its box. What the report does not say is left out.
#[component]
pub(super) fn TransactionBox(transaction: DeadlockTransaction, is_victim: bool) -> impl IntoView {
    let DeadlockTransaction { number, trx_id, connection_id, active_secs, user, host, query, holds, waits_for } =
        transaction;
    let who = user.map(|user| host.map_or_else(|| user.clone(), |host| format!("{user}@{host}")));
    let fate = if is_victim {
        view! { <Badge tone=Tone::Critical text="rolled back" icon=IconName::Drop /> }.into_any()
    } else {
        view! { <Badge tone=Tone::Neutral text="went on" icon=IconName::Check /> }.into_any()
    };
    let fact = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <div><dt>{name}</dt><dd class="mono">{value}</dd></div> })
    };
    let held = holds.iter().map(|lock| view! { <li>{lock_view(lock)}</li> }).collect_view();
    let held = if holds.is_empty() {
        view! { <span class="quiet">"the report does not say"</span> }.into_any()
    } else {
        view! { <ul class="locks">{held}</ul> }.into_any()
    };
    view! {
        <article class=if is_victim { "transaction victim" } else { "transaction" }>
            <h3>"Transaction "{number}{fate}</h3>
            <pre class="sql">{query.unwrap_or_else(|| "The report does not name its statement.".to_owned())}</pre>
            <dl class="facts">
                {waits_for.map(|lock| view! { <div><dt>"Waits for"</dt><dd>{lock_view(&lock)}</dd></div> })}
                <div><dt>"Holds"</dt><dd>{held}</dd></div>
                {fact("Open for", active_secs.map(|secs| format!("{secs} s")))}
                {fact("Connection", connection_id.map(|id| id.to_string()))}
                {fact("User", who)}
                {fact("Engine's id", Some(trx_id))}
            </dl>
        </article>
    }
}
