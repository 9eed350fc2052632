//! The form that begins an export. The browser takes the answer as a file and stays on the page.

use crate::api;
use crate::components::{Icon, IconName};
use crate::language::tr;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use payhist_types::export::{ExportFormat, REVEAL_REASON_CHARS_MAX};
use payhist_types::operator::Permission;
use payhist_types::payment::PaymentQuery;
use strum::IntoEnumIterator;

/// As people write it.
pub(super) const fn name(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "CSV",
        ExportFormat::Ndjson => "NDJSON",
        ExportFormat::Parquet => "Parquet",
    }
}

fn about(format: ExportFormat) -> String {
    match format {
        ExportFormat::Csv => tr!("for spreadsheets; text that could be taken for a formula begins with an apostrophe"),
        ExportFormat::Ndjson => tr!("one JSON object a line, every value as it is, for programs"),
        ExportFormat::Parquet => tr!("typed and compressed, for analysis; times in UTC"),
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
        view! {
            <label class="choice">
                <input type="radio" name="format" value=format.to_string() checked=format == chosen />
                <span><strong>{name(format)}</strong>" "<span class="quiet">{about(format)}</span></span>
            </label>
        }
    });
    view! {
        // With a target the browser sends it by itself: the answer is a file and no page.
        <form method="post" action="/api/v1/exports" target="_self" class="card stack export-form">
            {hidden.collect_view()}
            <fieldset class="choices"><legend>{tr!("Format")}</legend>{formats.collect_view()}</fieldset>
            {api::may(Permission::RevealPersonalData).then(|| view! { <Personal url /> })}
            <div><button type="submit" class="primary"><Icon name=IconName::Export />{tr!("Export")}</button></div>
        </form>
    }
    .into_any()
}

#[component]
fn Personal(url: ParamsMap) -> impl IntoView {
    let clear = url.get("personal").is_some_and(|personal| personal == "clear");
    view! {
        <fieldset class="choices">
            <legend>{tr!("Names and e-mail addresses")}</legend>
            <label class="choice">
                <input type="radio" name="personal" value="masked" checked=!clear />
                <span><strong>{tr!("Masked")}</strong>" "<span class="quiet">{tr!("as in the list")}</span></span>
            </label>
            <label class="choice">
                <input type="radio" name="personal" value="clear" checked=clear />
                <span><strong>{tr!("In clear")}</strong>" "<span class="quiet">{tr!("the audit log keeps who, what and why")}</span></span>
            </label>
            <div class="field">
                <label for="export-reason">{tr!("Why in clear")}</label>
                <input id="export-reason" name="reason" value=url.get("reason") maxlength=REVEAL_REASON_CHARS_MAX.to_string() autocomplete="off" />
            </div>
        </fieldset>
    }
}
