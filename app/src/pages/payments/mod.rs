//! The list of payments: filter, results, and what was read to answer.

mod filters;
mod query;
mod results;
mod search;
mod views;

use crate::components::{ErrorView, Icon, IconName};
use crate::language::tr;
use crate::{api, links};
use filters::{FIELDS, Filters};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use payhist_types::operator::Permission;
use payhist_types::payment::PaymentPage;
use results::Results;
use search::Search;
use views::views;

pub(super) use query::{ListState, in_words, months_in_words, shards_in_words};

/// The list of payments.
#[component]
pub(crate) fn PaymentsPage() -> impl IntoView {
    let url = use_query_map().get_untracked();
    if let Some(text) = query::searched(&url) {
        return view! { <Search history=ListState::of_url(&url).query.history text /> }.into_any();
    }
    if let Some(short) = query::detour(&url) {
        leptos_axum::redirect(&short);
        return ().into_any();
    }
    let state = ListState::of_url(&url);
    let page = api::payments(state.query.clone());
    let saved = api::views();
    let summary = links::with_history("/payments/summary", &state.query.history);
    view! {
        <Title text=tr!("Payments") />
        <div class="page-head">
            <h1>{tr!("Payments")}</h1>
            <a class="button" href=summary>{tr!("Summary")}</a>
            {export_link(&state)}
        </div>
        {Suspend::new(async move {
            // A list is shown without its views rather than not at all.
            let (saved, page) = futures::join!(saved, page);
            let views = views(saved.unwrap_or_default(), &state);
            view! { {views}{show(state, page)} }
        })}
    }
    .into_any()
}

/// To the page that exports what the filter lets through.
fn export_link(state: &ListState) -> impl IntoView + use<> {
    let href = state.to_export();
    api::may(Permission::ExportPayments)
        .then(|| view! { <a class="button" href=href><Icon name=IconName::Export />{tr!("Export")}</a> })
}

fn show(state: ListState, page: api::Result<PaymentPage>) -> AnyView {
    match page {
        Ok(page) => view! { <Filters state=state.clone() wrong=Vec::new() /><Results state page /> }.into_any(),
        Err(api::Error(mut error)) => {
            let (beside, above) =
                std::mem::take(&mut error.fields).into_iter().partition(|wrong| FIELDS.contains(&wrong.field.as_str()));
            error.fields = above;
            view! { <Filters state wrong=beside /><ErrorView error /> }.into_any()
        }
    }
}
