//! Times, amounts and ids.

use super::{Icon, IconName};
use crate::format;
use chrono::{DateTime, FixedOffset};
use leptos::prelude::*;
use payhist_types::money::Money;

/// A time in the business zone, with UTC on hover.
#[component]
pub(crate) fn Time(at: DateTime<FixedOffset>) -> impl IntoView {
    view! { <time datetime=at.to_rfc3339() title=format::utc(&at)>{format::time(&at)}</time> }
}

/// An id in monospace with a button that copies it. Without JavaScript the button is not shown.
#[component]
pub(crate) fn Copy(#[prop(into)] value: String) -> impl IntoView {
    let copied = RwSignal::new(false);
    #[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser copies"))]
    let text = value.clone();
    let label = format!("Copy {value}");
    let copy = move |_| {
        #[cfg(feature = "hydrate")]
        {
            let _promise = window().navigator().clipboard().write_text(&text);
            copied.set(true);
        }
    };
    view! {
        <span class="copy">
            <code>{value}</code>
            <button type="button" class="copy-button needs-js" aria-label=label on:click=copy>
                {move || if copied.get() { view! { <Icon name=IconName::Check /> } } else { view! { <Icon name=IconName::Copy /> } }}
            </button>
        </span>
    }
}

/// An amount and its currency, grouped for the eye.
#[component]
pub(crate) fn Amount(money: Money) -> impl IntoView {
    view! { <span class="money">{money.grouped()}" "<span class="currency">{money.currency().to_string()}</span></span> }
}
