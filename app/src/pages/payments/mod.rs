//! The list of payments: filter, results, and what was read to answer.

mod filters;
mod query;
mod results;

use crate::api;
use crate::components::ErrorView;
use filters::{FIELDS, Filters};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;
use payhist_types::payment::{PaymentPage, PaymentQuery};
use results::Results;

/// The list of payments.
#[component]
pub(crate) fn PaymentsPage() -> impl IntoView {
    let url = use_query_map();
    let query = Memo::new(move |_| query::query_of(&url.read()));
    let detour = Memo::new(move |_| query::detour(&url.read()));
    // The answer carries its question, so that the form never shows another one's.
    let page = Resource::new(move || query.get(), |query| async move { (query.clone(), api::payments(query).await) });
    let replace = || NavigateOptions { replace: true, ..NavigateOptions::default() };
    view! {
        <Title text="Payments" />
        {move || detour.get().map(|path| view! { <Redirect path options=replace() /> })}
        <div class="page-head"><h1>"Payments"</h1></div>
        <Transition fallback=|| view! { <div class="skeleton" aria-label="Loading"></div> }>
            {move || Suspend::new(async move {
                let (query, page) = page.await;
                show(query, page)
            })}
        </Transition>
    }
}

fn show(query: PaymentQuery, page: api::Result<PaymentPage>) -> AnyView {
    match page {
        Ok(page) => {
            let today = Some(page.read_at.date_naive());
            view! { <Filters query=query.clone() wrong=Vec::new() today /><Results query page /> }.into_any()
        }
        Err(api::Error(mut error)) => {
            let (beside, above) =
                std::mem::take(&mut error.fields).into_iter().partition(|wrong| FIELDS.contains(&wrong.field.as_str()));
            error.fields = above;
            view! { <Filters query wrong=beside today=None /><ErrorView error /> }.into_any()
        }
    }
}
