//! Before an export: what it will hold, in which format, and whether personal fields are masked. The address is that of
//! the list with the same filter, and says what was refused when the form came back.

use super::form::ExportForm;
use super::table::ExportTable;
use super::{as_it_was, what};
use crate::components::{ErrorView, Live, Notice, Tone, failure_of, loaded};
use crate::language::tr;
use crate::pages::payments::{ListState, months_in_words, shards_in_words};
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
        <Title text=tr!("Export payments") />
        <div class="page-head"><h1>{tr!("Export payments")}</h1><a class="button" href=all.clone()>{tr!("All exports")}</a></div>
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
                    view! { <ErrorView error /><p><a href=back>{tr!("Back to the list")}</a></p> }.into_any()
                }
            }
        })}
        {loaded(api::exports(history.clone()), move |mut exports| {
            exports.truncate(NEWEST);
            view! {
                <section class="card stack">
                    <h2>{tr!("Newest exports")}</h2>
                    <Live id="newest-exports" secs=Some(LOOK_SECS)><ExportTable exports history /></Live>
                    <noscript><p><a href=all>{tr!("See how far they are")}</a></p></noscript>
                </section>
            }
        })}
    }
}

/// What the form was refused for; what is wrong with the filter the page finds out by itself.
fn refusal(refused: &str) -> impl IntoView + use<> {
    let words = match refused {
        "reason" => tr!("Not exported: say why personal fields are needed in clear, in at most 500 characters."),
        "format" => tr!("Not exported: choose a format."),
        "forbidden" => tr!("Not exported: your role may not."),
        "too_many" => tr!("Not exported: two exports are being made already. Wait for one of them, or cancel it."),
        "unavailable" | "refused" => {
            tr!("Not exported: something could not be read. What it was stands below, if it was begun.")
        }
        "internal" => tr!("Not exported: payhist has a defect; the log has the cause."),
        _ => return None,
    };
    Some(view! { <Notice tone=Tone::Critical title=words /> })
}

#[component]
fn Facts(query: PaymentQuery, preview: ExportPreview) -> impl IntoView {
    let ExportPreview { history, zone, scope, rows_estimate } = preview;
    let asked = what(&as_it_was(&query, &scope));
    let back = ListState::of(query).address();
    let (shards, months) = (shards_in_words(&scope.shards), months_in_words(scope.months));
    let months = if scope.months.is_none() && scope.reads > 0 { tr!("all months") } else { months };
    let quarantined: Vec<_> = scope.quarantined.iter().map(ToString::to_string).collect();
    view! {
        <dl class="card facts facts-row">
            <div class="wide"><dt>{tr!("What")}</dt><dd>{asked}<p><a href=back>{tr!("Change the filter")}</a></p></dd></div>
            <div><dt>{tr!("History")}</dt><dd class="mono">{history}</dd></div>
            <div><dt>{tr!("Where")}</dt><dd>{shards}", "{months}</dd></div>
            <div><dt>{tr!("Rows there, before the filter")}</dt><dd>"≈ "{format::count(rows_estimate)}</dd></div>
            <div><dt>{tr!("Time zone")}</dt><dd>{zone}</dd></div>
        </dl>
        {(!quarantined.is_empty()).then(|| view! {
            <Notice tone=Tone::Warning title=tr!("Without what is in quarantine: {}", quarantined.join(", "))>
                <p>{tr!("What is in quarantine is in no list and no export, until its month is restored.")}</p>
            </Notice>
        })}
        {(!api::may(Permission::ExportPayments)).then(|| view! {
            <p class="quiet">{tr!("Your role may look at exports; operators, compliance and administrators can make them.")}</p>
        })}
    }
}
