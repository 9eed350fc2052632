//! Exports: those that were made, and the page that begins one.

mod begin;
mod form;
mod table;

pub(crate) use begin::ExportPage;

use crate::components::{Live, failure_of, history_of_url, loaded};
use crate::language::tr;
use crate::pages::payments::in_words;
use crate::{api, links};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::export::{ExportScope, ExportState};
use payhist_types::payment::PaymentQuery;
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
        <Title text=tr!("Exports") />
        <div class="page-head"><h1>{tr!("Exports")}</h1><a class="button" href=payments>{tr!("Payments")}</a></div>
        {failure_of::<api::CancelExport>()}
        {loaded(api::exports(history.clone()), move |exports| {
            let running = exports.iter().any(|export| export.state == ExportState::Running);
            view! {
                {running.then(|| view! { <noscript inner_html=RELOAD></noscript> })}
                <p class="quiet">{tr!("A file is whole only when it is called complete here, and its size and SHA-256 are those of its manifest. Files are not kept by payhist.")}</p>
                <Live id="exports" secs=running.then_some(FOLLOW_SECS)>
                    <ExportTable exports history />
                </Live>
            }
        })}
    }
}

/// The payments of a query in words.
fn what(query: &PaymentQuery) -> String {
    let words = in_words(query);
    if words.is_empty() { tr!("All payments") } else { format!("{}{words}", tr!("Payments")) }
}

/// What was asked, with the range that moving words like `today` meant then: in days where it begins and ends with one.
fn as_it_was(query: &PaymentQuery, scope: &ExportScope) -> PaymentQuery {
    let written = |at: Option<DateTime<FixedOffset>>, day: fn(NaiveDate) -> NaiveDate| {
        let form = |at: DateTime<FixedOffset>| match at.time() {
            NaiveTime::MIN => day(at.date_naive()).to_string(),
            _ => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
        };
        at.map(form).unwrap_or_default()
    };
    let (from, to) = (written(scope.from, |day| day), written(scope.until, |day| day.pred_opt().unwrap_or(day)));
    PaymentQuery { from, to, ..query.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_export_was_of_stays_when_the_day_is_over() {
        let at = |text: &str| Some(text.parse().unwrap());
        let range = |from, until| {
            let scope =
                ExportScope { from, until, shards: Vec::new(), months: None, quarantined: Vec::new(), reads: 0 };
            what(&as_it_was(&PaymentQuery { from: "month-1".into(), ..PaymentQuery::default() }, &scope))
        };
        let (october, november) = (at("2026-10-01T00:00:00+09:00"), at("2026-11-01T00:00:00+09:00"));
        assert_eq!(range(october, november), "Payments from 2026-10-01 to 2026-10-31");
        assert_eq!(range(october, at("2026-10-01T09:30:00+09:00")), "Payments from 2026-10-01 to 2026-10-01T09:30:00");
        assert_eq!(range(None, None), "All payments");
    }
}
