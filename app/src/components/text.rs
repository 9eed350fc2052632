//! Times, amounts and ids.

use super::{Icon, IconName};
use crate::format;
use crate::language::tr;
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
    view! {
        <span class="copy">
            <code>{value.clone()}</code>
            <button type="button" class="copy-button needs-js" aria-label=tr!("Copy {}", value) data-copy=value>
                <Icon name=IconName::Copy />
                <Icon name=IconName::Check />
            </button>
        </span>
    }
}

/// An amount and its currency, grouped for the eye.
#[component]
pub(crate) fn Amount(money: Money) -> impl IntoView {
    view! { <span class="money">{money.grouped()}" "<span class="currency">{money.currency().to_string()}</span></span> }
}
