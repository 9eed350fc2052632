//! Exports: those that were made, and the page that begins one.

mod begin;
mod form;
mod table;

pub(crate) use begin::ExportPage;

use crate::components::{Live, failure_of, history_of_url, loaded};
use crate::{api, links};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::export::ExportState;
use table::ExportTable;

/// Between two looks at exports that are being made.
const FOLLOW_SECS: u32 = 2;
/// For browsers without JavaScript only: others would reload as well.
const RELOAD: &str = r#"<meta http-equiv="refresh" content="3">"#;

/// Every export of a history.
#[component]
pub(crate) fn ExportsPage() -> impl IntoView {
    let history = history_of_url();
    let payments = links::with_history("/payments", &history);
    view! {
        <Title text="Exports" />
        <div class="page-head"><h1>"Exports"</h1><a class="button" href=payments>"Payments"</a></div>
        {failure_of::<api::CancelExport>()}
        {loaded(api::exports(history.clone()), move |exports| {
            let running = exports.iter().any(|export| export.state == ExportState::Running);
            view! {
                {running.then(|| view! { <noscript inner_html=RELOAD></noscript> })}
                <p class="quiet">"A file is whole only when it is called complete here, and its size and SHA-256 are those of its manifest. Files are not kept by payhist."</p>
                <Live id="exports" secs=running.then_some(FOLLOW_SECS)>
                    <ExportTable exports history />
                </Live>
            }
        })}
    }
}
