//! What the search box found. One meaning leads straight to it; otherwise the page says what was looked for, and where.

use super::query::{ListState, shards_in_words};
use crate::components::{Columns, ErrorView, Notice, Table, Tone};
use crate::language::tr;
use crate::{api, links};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::search::{Candidate, SearchAnswer, SearchKind};

/// Looks for a text, and leads on.
#[component]
pub(super) fn Search(history: String, text: String) -> impl IntoView {
    let answer = api::search(history, text);
    view! {
        <Title text=tr!("Search") />
        {Suspend::new(async move {
            match answer.await {
                Ok(answer) => {
                    if let Some(only) = answer.only() {
                        leptos_axum::redirect(&place_of(only));
                    }
                    view! { <Answer answer /> }.into_any()
                }
                Err(api::Error(error)) => view! { <h1>{tr!("Search")}</h1><ErrorView error /> }.into_any(),
            }
        })}
    }
}

#[component]
fn Answer(answer: SearchAnswer) -> impl IntoView {
    let SearchAnswer { history, text, candidates, email_withheld } = answer;
    let found = candidates.iter().filter(|candidate| candidate.found).count();
    let title = match found {
        0 => tr!("“{}” was not found", text),
        1 => tr!("“{}” was found, and some shards did not answer", text),
        found => tr!("“{}” means {} things", text, found),
    };
    view! {
        <div class="page-head"><h1>{title}</h1></div>
        <section class="card">
            <h2>{tr!("Looked for in the history {}, exactly as it is written", history)}</h2>
            <Table
                label=tr!("What the text may mean")
                caption=tr!("What the text may mean")
                class="folding"
                columns=Columns::default().words([tr!("As a"), tr!("There is"), tr!("Read")])
            >
                {candidates.into_iter().map(row).collect_view()}
            </Table>
        </section>
        {email_withheld.then(|| view! { <Notice tone=Tone::Neutral title=tr!("E-mail addresses are looked up only by those who may see personal data.") /> })}
        {(found == 0).then(|| view! {
            <p class="quiet">{tr!("Months older than the retention are no longer in the database.")}" "<a href=links::with_history("/payments", &history)>{tr!("All payments")}</a></p>
        })}
    }
}

fn row(candidate: Candidate) -> impl IntoView {
    let href = place_of(&candidate);
    let Candidate { kind, found, shards, missing, query } = candidate;
    let there_is = match (found, missing.is_empty()) {
        (true, _) => {
            let user = (kind == SearchKind::Email).then(|| format!(" {}", query.user));
            view! { <a href=href>{shown(kind)}{user}</a> }.into_any()
        }
        (false, true) => view! { <span class="quiet">{tr!("none")}</span> }.into_any(),
        (false, false) => view! { <span>{tr!("none on the shards that answered")}</span> }.into_any(),
    };
    let read = if shards.is_empty() { tr!("nothing: no shard can have it") } else { shards_in_words(&shards) };
    let lost = missing.iter().map(|lost| tr!(", no answer from shard {} on {}", lost.shard, lost.source));
    view! { <tr><th scope="row">{name(kind)}</th><td>{there_is}</td><td class="whole" data-name=tr!("read")>{read}{lost.collect::<String>()}</td></tr> }
}

/// The page that shows what was found.
fn place_of(candidate: &Candidate) -> String {
    match candidate.kind {
        SearchKind::Payment => {
            links::with_history(&format!("/payments/{}", candidate.query.id), &candidate.query.history)
        }
        _ => ListState::of(candidate.query.clone()).address(),
    }
}

fn name(kind: SearchKind) -> String {
    match kind {
        SearchKind::Payment => tr!("payment id"),
        SearchKind::User => tr!("user id"),
        SearchKind::Order => tr!("order id"),
        SearchKind::Reference => tr!("provider reference"),
        SearchKind::Email => tr!("e-mail address"),
    }
}

fn shown(kind: SearchKind) -> String {
    match kind {
        SearchKind::Payment => tr!("the payment"),
        SearchKind::User => tr!("the user's payments"),
        SearchKind::Order => tr!("the order's payments"),
        SearchKind::Reference => tr!("the payments with this reference"),
        SearchKind::Email => tr!("the payments of user"),
    }
}
