//! The filter: a GET form, so that it works without JavaScript. What is wrong is said beside its field.

use super::query::address;
use crate::components::{StatusBadge, status_word};
use chrono::{Datelike, Days, NaiveDate};
use leptos::prelude::*;
use payhist_types::error::FieldError;
use payhist_types::payment::{PaymentQuery, PaymentStatus};
use strum::IntoEnumIterator;

/// The fields of the form, by their names in the URL.
pub(super) const FIELDS: [&str; 12] =
    ["user", "order", "id", "from", "to", "status", "reference", "provider", "method", "currency", "min", "max"];

/// The form, filled with what was typed. `today` is the business day, unknown when nothing could be read.
#[component]
pub(super) fn Filters(query: PaymentQuery, wrong: Vec<FieldError>, today: Option<NaiveDate>) -> impl IntoView {
    let cleared = address(&PaymentQuery {
        history: query.history.clone(),
        limit: query.limit.clone(),
        ..PaymentQuery::default()
    });
    let hidden = [("history", query.history.clone()), ("limit", query.limit.clone())];
    let hidden = hidden
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect_view();
    view! {
        <form method="get" action="/payments">
            <div class="card payment-filters">
                {hidden}
                <div class="filters">
                    {field("user", "User id", "", &query.user, &wrong)}
                    {field("order", "Order id", "", &query.order, &wrong)}
                    {field("id", "Payment id", "", &query.id, &wrong)}
                    {field("from", "From", "2026-11-01T09:30", &query.from, &wrong)}
                    {field("to", "To, that day included", "2026-11-30", &query.to, &wrong)}
                </div>
                {statuses(&query.status, &wrong)}
                {more(&query, &wrong)}
                <div class="filter-end">
                    {today.map(|today| presets(&query, today))}
                    <div class="filter-buttons">
                        <a href=cleared>"Clear"</a>
                        <button type="submit" class="primary">"Show payments"</button>
                    </div>
                </div>
            </div>
        </form>
    }
}

/// What is asked for less often: folded away, unless it is in use.
fn more(query: &PaymentQuery, wrong: &[FieldError]) -> impl IntoView + use<> {
    let fields = [
        ("reference", "Provider reference", "", &query.reference),
        ("provider", "Provider", "stripe", &query.provider),
        ("method", "Method", "card", &query.method),
        ("currency", "Currency", "EUR", &query.currency),
        ("min", "Least amount", "12.50", &query.min),
        ("max", "Greatest amount", "99.99", &query.max),
    ];
    let open = fields.iter().any(|(_, _, _, typed)| !typed.is_empty());
    let fields = fields.map(|(name, label, hint, typed)| field(name, label, hint, typed, wrong));
    view! {
        <details class="more-filters" open=open>
            <summary>"Reference, provider, method, amount"</summary>
            <div class="filters">{fields.into_iter().collect_view()}</div>
        </details>
    }
}

fn field(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    typed: &str,
    wrong: &[FieldError],
) -> impl IntoView + use<> {
    let problem = problem_of(name, wrong);
    let (id, problem_id) = (format!("filter-{name}"), format!("filter-{name}-problem"));
    let described_by = problem.is_some().then(|| problem_id.clone());
    let typed = typed.to_owned();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                name=name
                value=typed
                placeholder=hint
                autocomplete="off"
                spellcheck="false"
                aria-invalid=problem.is_some().then_some("true")
                aria-describedby=described_by
            />
            {problem.map(|problem| view! { <p class="field-error" id=problem_id>{problem}</p> })}
        </div>
    }
}

fn problem_of(name: &str, wrong: &[FieldError]) -> Option<String> {
    wrong.iter().find(|error| error.field == name).map(|error| error.message.clone())
}

fn statuses(chosen: &str, wrong: &[FieldError]) -> impl IntoView + use<> {
    let chosen: Vec<_> = chosen.split(',').map(str::to_ascii_uppercase).collect();
    let boxes = PaymentStatus::iter().map(|status| {
        let value = status.to_string();
        let ticked = chosen.contains(&value);
        view! {
            <label>
                <input type="checkbox" name="status" value=value checked=ticked aria-label=status_word(status) />
                <StatusBadge status />
            </label>
        }
    });
    let problem = problem_of("status", wrong).map(|problem| view! { <p class="field-error">{problem}</p> });
    view! { <fieldset class="statuses"><legend>"Status, any when none is ticked"</legend>{boxes.collect_view()}{problem}</fieldset> }
}

fn presets(query: &PaymentQuery, today: NaiveDate) -> impl IntoView + use<> {
    let before = |days| today.checked_sub_days(Days::new(days)).unwrap_or(today).to_string();
    let until = today.to_string();
    let ranges = [
        ("Today", until.clone(), until.clone()),
        ("7 days", before(6), until.clone()),
        ("30 days", before(29), until.clone()),
        ("This month", today.with_day(1).unwrap_or(today).to_string(), until),
        ("All time", String::new(), String::new()),
    ];
    let links = ranges.map(|(word, from, to)| {
        let current = (query.from == from && query.to == to).then_some("true");
        let href = address(&PaymentQuery { from, to, cursor: String::new(), ..query.clone() });
        view! { <a href=href aria-current=current>{word}</a> }
    });
    view! { <nav class="presets" aria-label="Time range">{links.into_iter().collect_view()}</nav> }
}
