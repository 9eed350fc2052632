//! How the engine finds the row, asked for only when somebody wants to know.

use crate::components::ErrorView;
use crate::language::tr;
use crate::{api, links};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use payhist_types::PaymentId;
use payhist_types::payment::Explained;

pub(super) fn explained(id: PaymentId, history: &str) -> impl IntoView + use<> {
    if use_query_map().get_untracked().get("explain").is_none() {
        let href = links::with_history(&format!("/payments/{id}?explain=1"), history);
        return view! { <p><a href=href>{tr!("How the engine finds this row")}</a></p> }.into_any();
    }
    let answer = api::explain_payment(history.to_owned(), id.to_string());
    view! {
        <section class="card">
            <h2>{tr!("How the engine finds this row")}</h2>
            {Suspend::new(async move {
                match answer.await {
                    Ok(explained) => shown(explained).into_any(),
                    Err(api::Error(error)) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </section>
    }
    .into_any()
}

fn shown(explained: Explained) -> impl IntoView {
    let Explained { sql, partitions, key, access, rows, extra } = explained;
    let facts = [
        (tr!("Partitions"), partitions),
        (tr!("Key"), key),
        (tr!("Access"), access),
        (tr!("Rows, at most"), rows.to_string()),
        (tr!("Besides"), extra),
    ];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let facts = facts.map(|(name, value)| super::fact(name, view! { <code>{value}</code> }));
    view! {
        <dl class="facts">{facts.collect_view()}</dl>
        <pre class="raw" tabindex="0" role="region" aria-label=tr!("The statement")>{sql}</pre>
    }
}
