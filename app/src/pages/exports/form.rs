//! The form that begins an export. The browser takes the answer as a file and stays on the page.

use crate::api;
use crate::components::{Icon, IconName};
use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use payhist_types::export::{ExportFormat, REVEAL_REASON_CHARS_MAX};
use payhist_types::operator::Permission;
use payhist_types::payment::PaymentQuery;
use strum::IntoEnumIterator;

const fn about(format: ExportFormat) -> (&'static str, &'static str) {
    match format {
        ExportFormat::Csv => {
            ("CSV", "for spreadsheets; text that could be taken for a formula begins with an apostrophe")
        }
        ExportFormat::Ndjson => ("NDJSON", "one JSON object a line, every value as it is, for programs"),
        ExportFormat::Parquet => ("Parquet", "typed and compressed, for analysis; times in UTC"),
    }
}

/// Filled with what the address says, for those who may.
#[component]
pub(super) fn ExportForm(query: PaymentQuery, url: ParamsMap) -> impl IntoView {
    if !api::may(Permission::ExportPayments) {
        return ().into_any();
    }
    let asked = serde_json::to_value(&query).unwrap_or_default();
    let hidden = asked.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let value = value.as_str().filter(|value| !value.is_empty())?.to_owned();
        Some(view! { <input type="hidden" name=name.clone() value=value /> })
    });
    let chosen = url.get("format").and_then(|format| format.parse().ok()).unwrap_or(ExportFormat::Csv);
    let formats = ExportFormat::iter().map(|format| {
        let (name, words) = about(format);
        view! {
            <label class="choice">
                <input type="radio" name="format" value=format.to_string() checked=format == chosen />
                <span><strong>{name}</strong>" "<span class="quiet">{words}</span></span>
            </label>
        }
    });
    view! {
        // With a target the browser sends it by itself: the answer is a file and no page.
        <form method="post" action="/api/v1/exports" target="_self" class="card stack export-form">
            {hidden.collect_view()}
            <fieldset class="choices"><legend>"Format"</legend>{formats.collect_view()}</fieldset>
            {api::may(Permission::RevealPersonalData).then(|| view! { <Personal url /> })}
            <div><button type="submit" class="primary"><Icon name=IconName::Export />"Export"</button></div>
        </form>
    }
    .into_any()
}

#[component]
fn Personal(url: ParamsMap) -> impl IntoView {
    let clear = url.get("personal").is_some_and(|personal| personal == "clear");
    view! {
        <fieldset class="choices">
            <legend>"Names and e-mail addresses"</legend>
            <label class="choice">
                <input type="radio" name="personal" value="masked" checked=!clear />
                <span><strong>"Masked"</strong>" "<span class="quiet">"as in the list"</span></span>
            </label>
            <label class="choice">
                <input type="radio" name="personal" value="clear" checked=clear />
                <span><strong>"In clear"</strong>" "<span class="quiet">"the audit log keeps who, what and why"</span></span>
            </label>
            <div class="field">
                <label for="export-reason">"Why in clear"</label>
                <input id="export-reason" name="reason" value=url.get("reason") maxlength=REVEAL_REASON_CHARS_MAX.to_string() autocomplete="off" />
            </div>
        </fieldset>
    }
}
