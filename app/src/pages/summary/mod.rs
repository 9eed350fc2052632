//! Summary: how many payments, how much and how many failed, over time and by provider, method and currency.

mod charts;
mod form;
mod groups;
mod notes;
mod tables;

use crate::api;
use crate::components::{ErrorView, Time};
use crate::language::tr;
use charts::Charts;
use form::{Asked, Form};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use notes::Notes;
use payhist_types::summary::{Summary, SummaryBy};
use tables::GroupTable;

/// The page.
#[component]
pub(crate) fn SummaryPage() -> impl IntoView {
    let asked = Asked::of(&use_query_map().get_untracked());
    let summary = api::summary(asked.query());
    view! {
        <Title text=tr!("Summary") />
        <div class="page-head"><h1>{tr!("Summary")}</h1><a class="button" href=asked.payments()>{tr!("List of payments")}</a></div>
        {Suspend::new(async move { show(asked, summary.await) })}
    }
}

fn show(asked: Asked, summary: api::Result<Summary>) -> AnyView {
    match summary {
        Ok(summary) => {
            view! { <Form asked=asked.clone() summary=Some(summary.clone()) /><Content asked summary /> }.into_any()
        }
        Err(api::Error(error)) => view! { <Form asked summary=None /><ErrorView error /> }.into_any(),
    }
}

#[component]
fn Content(asked: Asked, summary: Summary) -> impl IntoView {
    let by = |by| groups::by_key(summary.by(by));
    let (providers, methods) = (by(SummaryBy::Provider), by(SummaryBy::Method));
    let (zone, read_at, counted) = (summary.zone.clone(), summary.read_at, notes::counted(&summary));
    view! {
        <Notes summary=summary.clone() again=asked.address() />
        <Charts asked summary />
        <div class="summary-tables">
            <GroupTable title=tr!("By provider") head=tr!("Provider") groups=providers />
            <GroupTable title=tr!("By method") head=tr!("Method") groups=methods />
        </div>
        <p class="quiet">
            {tr!("Failure rate: failed of all payments that are decided, which are neither requested, pending nor authorised. Paid: the amounts of payments whose status is Paid now; amounts of different currencies are never added.")}" "
            {counted}{tr!("Read at ")}<Time at=read_at />". "{tr!("Months, days and times are in {}.", zone)}
        </p>
    }
}
