//! The payer: masked, until somebody who may says why they need to see more.

use super::fact;
use crate::api;
use crate::components::{Icon, IconName};
use crate::language::tr;
use chrono::{DateTime, FixedOffset};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::operator::Permission;
use payhist_types::payment::Payment;

pub(super) fn payer(
    payment: &Payment,
    revealed_until: Option<DateTime<FixedOffset>>,
    history: &str,
) -> impl IntoView + use<> {
    let is_masked = revealed_until.is_none();
    let has_any = payment.payer_name.is_some() || payment.payer_email.is_some();
    let shown = |value: &Option<String>| match value.clone() {
        Some(value) => {
            view! { {value}{is_masked.then(|| view! { " "<span class="masked">{tr!("(masked)")}</span> })} }.into_any()
        }
        None => view! { <span class="quiet">{tr!("none")}</span> }.into_any(),
    };
    let below = match revealed_until {
        Some(until) => {
            let until = until.format("%H:%M").to_string();
            view! { <p class="quiet">{tr!("In clear for you until {}; the audit log says so.", until)}</p> }.into_any()
        }
        None if has_any && api::may(Permission::RevealPersonalData) => {
            view! { <RevealForm history=history.to_owned() id=payment.payment_id.to_string() /> }.into_any()
        }
        None => ().into_any(),
    };
    view! {
        <dl class="facts">
            {fact(tr!("Name"), shown(&payment.payer_name))}
            {fact(tr!("E-mail"), shown(&payment.payer_email))}
        </dl>
        {below}
    }
}

#[component]
fn RevealForm(history: String, id: String) -> impl IntoView {
    view! {
        <form method="post" action=api::RevealPayment::PATH class="reveal">
            <input type="hidden" name="history" value=history />
            <input type="hidden" name="id" value=id />
            <label class="visually-hidden" for="reason">{tr!("Why you need to see it")}</label>
            <input id="reason" name="reason" required maxlength="500" placeholder=tr!("Why you need to see it") autocomplete="off" />
            <button type="submit"><Icon name=IconName::Reveal />{tr!("Show in clear")}</button>
        </form>
    }
}
