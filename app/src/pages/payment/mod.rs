//! One payment: what it is, what happened to it, where it lives, and what is near it.

mod explain;
mod payer;
mod timeline;

use crate::components::{
    Amount, Copy, ErrorView, Icon, IconName, Notice, PaymentTable, StatusBadge, Time, Tone, history_of_url,
    part_of_path,
};
use crate::language::tr;
use crate::{api, links};
use explain::explained;
use leptos::prelude::*;
use leptos_meta::Title;
use payer::payer;
use payhist_types::error::{ApiError, ErrorKind};
use payhist_types::payment::{HeldBy, Location, Payment, PaymentDetail, PaymentRow};
use timeline::timeline;

/// The page of a payment.
#[component]
pub(crate) fn PaymentPage() -> impl IntoView {
    let (history, id) = (history_of_url(), part_of_path("id"));
    let detail = api::payment(history.clone(), id.clone());
    view! {
        <Title text=tr!("Payment {}", id) />
        <a class="crumb" href=links::with_history("/payments", &history)><Icon name=IconName::Back />{tr!("Payments")}</a>
        {Suspend::new(async move {
            match detail.await {
                Ok(detail) => view! { <Detail detail history /> }.into_any(),
                Err(api::Error(error)) => view! { <NotShown error /> }.into_any(),
            }
        })}
    }
}

#[component]
fn NotShown(error: ApiError) -> impl IntoView {
    if error.kind != ErrorKind::NotFound {
        return view! { <h1>{tr!("Payment")}</h1><ErrorView error /> }.into_any();
    }
    view! {
        <h1>{tr!("No such payment")}</h1>
        <div class="empty">
            <p><strong>{error.message}</strong></p>
            <p class="quiet">{tr!("The id may be mistyped or of another history, or its month is older than the retention and no longer in the database.")}</p>
            <a class="button" href="/payments">{tr!("Look among all payments")}</a>
        </div>
    }
    .into_any()
}

#[component]
fn Detail(detail: PaymentDetail, history: String) -> impl IntoView {
    let PaymentDetail {
        zone,
        payment,
        location,
        held_by,
        same_order,
        same_user,
        missing,
        revealed_until,
        timeline: lines,
        history: name,
    } = detail;
    let missing: Vec<_> = missing.iter().map(|lost| tr!("{} on {}", lost.shard, lost.source)).collect();
    let raw = serde_json::to_string_pretty(&payment).unwrap_or_default();
    view! {
        <div class="payment-head">
            <h1><span class="visually-hidden">{tr!("Payment of ")}</span><Amount money=payment.money /><StatusBadge status=payment.status /></h1>
            <Copy value=payment.payment_id.to_string() />
        </div>
        {(!missing.is_empty()).then(|| view! {
            <Notice
                tone=Tone::Warning
                title=tr!("Another payment may have this id: these shards did not answer: {}.", missing.join(", "))
            />
        })}
        {(!held_by.is_empty()).then(|| held(held_by, &history))}
        <div class="grid-2">
            <section class="card"><h2>{tr!("Payment")}</h2>{facts(&payment, &history)}</section>
            <div class="stack">
                <section class="card"><h2>{tr!("Payer")}</h2>{payer(&payment, revealed_until, &history)}</section>
                <section class="card"><h2>{tr!("Where it lives")}</h2>{place(location, &name)}</section>
            </div>
        </div>
        <section class="card"><h2>{tr!("What happened, and what will")}</h2>{timeline(lines)}</section>
        {others(tr!("Of the same order"), tr!("No other payment has this order."), same_order, &history)}
        {others(tr!("Of the same user, around this one"), tr!("The user has no other payments nearby."), same_user, &history)}
        {explained(payment.payment_id, &history)}
        <details>
            <summary>{tr!("The row as JSON")}</summary>
            <pre class="raw" tabindex="0" role="region" aria-label=tr!("The row as JSON")>{raw}</pre>
        </details>
        <p class="quiet">{tr!("Times are in {}.", zone)}</p>
    }
}

/// What a hold means for whoever looks at the payment.
fn held(held_by: Vec<HeldBy>, history: &str) -> impl IntoView + use<> {
    let href = links::with_history("/holds", history);
    let holds = held_by.into_iter().map(move |HeldBy { hold, case_number, until }| {
        let until = until.map_or_else(|| tr!("its release"), |until| until.format("%Y-%m-%d %H:%M").to_string());
        view! { <li><a href=href.clone()>{tr!("Hold {}", hold)}</a>{tr!(", case {}, until {}", case_number, until)}</li> }
    });
    view! {
        <Notice tone=Tone::Neutral title=tr!("A legal hold keeps this payment: it is not destroyed when its month goes.")>
            <ul>{holds.collect_view()}</ul>
        </Notice>
    }
}

/// A fact with its name; what is not known is said so.
fn fact(name: String, value: impl IntoView + 'static) -> impl IntoView {
    view! { <div><dt>{name}</dt><dd>{value}</dd></div> }
}

fn or_none(value: Option<&String>) -> AnyView {
    match value {
        Some(value) => view! { <Copy value=value.clone() /> }.into_any(),
        None => view! { <span class="quiet">{tr!("none")}</span> }.into_any(),
    }
}

fn facts(payment: &Payment, history: &str) -> impl IntoView + use<> {
    let user = links::of_user(payment.user_id, history);
    let order = links::of_order(&payment.order_id, history);
    let failure = payment.failure_code.clone().map(|code| fact(tr!("Failure code"), view! { <code>{code}</code> }));
    view! {
        <dl class="facts">
            {fact(tr!("Created"), view! { <Time at=payment.created_at /> })}
            {payment.updated_at.map(|at| fact(tr!("Last change"), view! { <Time at /> }))}
            {failure}
            {fact(tr!("User"), view! { <a class="mono" href=user>{payment.user_id.to_string()}</a> })}
            {fact(tr!("Order"), view! { <a class="mono" href=order>{payment.order_id.clone()}</a> })}
            {fact(tr!("Method"), payment.method.clone())}
            {fact(tr!("Provider"), payment.provider.clone())}
            {fact(tr!("Provider's reference"), or_none(payment.provider_tx_id.as_ref()))}
            {payment.version.map(|version| fact(tr!("Version"), version.to_string()))}
        </dl>
    }
}

/// The month leads to what becomes of it: archives, quarantine, holds.
fn place(location: Location, history: &str) -> impl IntoView + use<> {
    let Location { source, schema, table, partition, shard, month } = location;
    let of_month = links::of_month(month, history);
    let partition = partition.map_or_else(
        || view! { <span class="quiet">{tr!("not known: the catalogue names none for this time")}</span> }.into_any(),
        |partition| view! { <code>{partition}</code> }.into_any(),
    );
    view! {
        <dl class="facts">
            {fact(tr!("Source"), source)}
            {fact(tr!("Table"), view! { <code>{format!("{schema}.{table}")}</code> })}
            {fact(tr!("Partition"), partition)}
            {fact(tr!("Shard"), shard.to_string())}
            {fact(tr!("Month"), view! { <a href=of_month>{month.to_string()}</a> })}
        </dl>
    }
}

fn others(title: String, none: String, rows: Vec<PaymentRow>, history: &str) -> impl IntoView + use<> {
    let history = history.to_owned();
    let shown = if rows.is_empty() {
        view! { <p class="quiet">{none}</p> }.into_any()
    } else {
        view! { <PaymentTable rows history caption=title.clone() /> }.into_any()
    };
    view! { <section class="card payments-nearby"><h2>{title}</h2>{shown}</section> }
}
