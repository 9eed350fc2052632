//! Before an export: what it will hold, in which format, and whether personal fields are masked. The address is that of
//! the list with the same filter, and says what was refused when the form came back.

use super::form::ExportForm;
use super::table::ExportTable;
use crate::components::{ErrorView, Live, Notice, Tone, failure_of, loaded};
use crate::pages::payments::{ListState, in_words};
use crate::{api, format, links};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use payhist_types::export::ExportPreview;
use payhist_types::operator::Permission;
use payhist_types::payment::PaymentQuery;

/// Between two looks at the newest exports: the one that was just begun is among them.
const LOOK_SECS: u32 = 5;
/// How many of them.
const NEWEST: usize = 3;

/// The page.
#[component]
pub(crate) fn ExportPage() -> impl IntoView {
    let url = use_query_map().get_untracked();
    let query = PaymentQuery {
        cursor: String::new(),
        limit: String::new(),
        sort: String::new(),
        ..ListState::of_url(&url).query
    };
    let (history, refused) = (query.history.clone(), url.get("refused").unwrap_or_default());
    let all = links::with_history("/payments/exports", &history);
    let preview = api::export_preview(query.clone());
    view! {
        <Title text="Export payments" />
        <div class="page-head"><h1>"Export payments"</h1><a class="button" href=all.clone()>"All exports"</a></div>
        {refusal(&refused)}
        {failure_of::<api::CancelExport>()}
        {Suspend::new(async move {
            match preview.await {
                Ok(preview) => view! {
                    <Facts query=query.clone() preview />
                    <ExportForm query url />
                }.into_any(),
                Err(api::Error(error)) => {
                    let back = ListState::of(query).address();
                    view! { <ErrorView error /><p><a href=back>"Back to the list"</a></p> }.into_any()
                }
            }
        })}
        {loaded(api::exports(history.clone()), move |mut exports| {
            exports.truncate(NEWEST);
            view! {
                <section class="card stack">
                    <h2>"Newest exports"</h2>
                    <Live id="newest-exports" secs=Some(LOOK_SECS)><ExportTable exports history /></Live>
                    <noscript><p><a href=all>"See how far they are"</a></p></noscript>
                </section>
            }
        })}
    }
}

/// What the form was refused for; what is wrong with the filter the page finds out by itself.
fn refusal(refused: &str) -> impl IntoView + use<> {
    let words = match refused {
        "reason" => "Not exported: say why personal fields are needed in clear, in at most 500 characters.",
        "format" => "Not exported: choose a format.",
        "forbidden" => "Not exported: your role may not.",
        "too_many" => "Not exported: two exports are being made already. Wait for one of them, or cancel it.",
        "unavailable" | "refused" => {
            "Not exported: something could not be read. What it was stands below, if it was begun."
        }
        "internal" => "Not exported: payhist has a defect; the log has the cause.",
        _ => return None,
    };
    Some(view! { <Notice tone=Tone::Critical title=words /> })
}

#[component]
fn Facts(query: PaymentQuery, preview: ExportPreview) -> impl IntoView {
    let words = in_words(&query);
    let what = if words.is_empty() { "All payments".to_owned() } else { format!("Payments{words}") };
    let back = ListState::of(query).address();
    let ExportPreview { history, zone, scope, rows_estimate } = preview;
    let months = match scope.months {
        Some((first, last)) if first == last => first.to_string(),
        Some((first, last)) => format!("{first} to {last}"),
        None if scope.reads == 0 => "none".to_owned(),
        None => "all".to_owned(),
    };
    let shards = match scope.shards.as_slice() {
        [shard] => format!("shard {shard}"),
        shards => format!("{} shards", shards.len()),
    };
    let quarantined: Vec<_> = scope.quarantined.iter().map(ToString::to_string).collect();
    view! {
        <dl class="card facts facts-row">
            <div><dt>"What"</dt><dd>{what}<p><a href=back>"Change the filter"</a></p></dd></div>
            <div><dt>"History"</dt><dd class="mono">{history}</dd></div>
            <div><dt>"Where"</dt><dd>{shards}", "{months}</dd></div>
            <div><dt>"Rows there, before the filter"</dt><dd>"≈ "{format::count(rows_estimate)}</dd></div>
            <div><dt>"Times"</dt><dd>{zone}</dd></div>
        </dl>
        {(!quarantined.is_empty()).then(|| view! {
            <Notice tone=Tone::Warning title=format!("Without what is in quarantine: {}", quarantined.join(", "))>
                <p>"What is in quarantine is in no list and no export, until its month is restored."</p>
            </Notice>
        })}
        {(!api::may(Permission::ExportPayments)).then(|| view! {
            <p class="quiet">"Your role may look at exports; operators, compliance and administrators can make them."</p>
        })}
    }
}
