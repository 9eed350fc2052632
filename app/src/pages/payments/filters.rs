//! The filter: a GET form, so that it works without JavaScript. What is wrong is said beside its field.

use super::query::ListState;
use crate::components::{Kept, PaymentColumn, StatusBadge, status_word};
use crate::language::tr;
use leptos::prelude::*;
use payhist_types::error::FieldError;
use payhist_types::payment::{PaymentQuery, PaymentStatus};
use strum::IntoEnumIterator;

/// The fields of the form, by their names in the URL.
pub(super) const FIELDS: [&str; 13] = [
    "user",
    "order",
    "id",
    "from",
    "to",
    "status",
    "reference",
    "provider",
    "method",
    "currency",
    "min",
    "max",
    "sort",
];

/// The form, filled with what was typed.
#[component]
pub(super) fn Filters(state: ListState, wrong: Vec<FieldError>) -> impl IntoView {
    let query = state.query.clone();
    let cleared = state.with(|query| {
        let (history, limit) = (query.history.clone(), query.limit.clone());
        *query = PaymentQuery { history, limit, ..PaymentQuery::default() };
    });
    let hidden = [("history", query.history.clone()), ("limit", query.limit.clone())];
    let hidden = hidden
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect_view();
    view! {
        <form method="get" action="/payments" autocomplete="off" spellcheck="false">
            <div class="card payment-filters">
                {hidden}
                <div class="filters">
                    {field("user", tr!("User id"), "", &query.user, &wrong)}
                    {field("order", tr!("Order id"), "", &query.order, &wrong)}
                    {field("id", tr!("Payment id"), "", &query.id, &wrong)}
                    {field("from", tr!("From"), "2026-11-01T09:30", &query.from, &wrong)}
                    {field("to", tr!("To, that day included"), "2026-11-30", &query.to, &wrong)}
                </div>
                {statuses(&query.status, &wrong)}
                <div class="filter-folds">{more(&query, &wrong)}{shown(&state)}</div>
                <div class="filter-end">
                    {presets(&state)}
                    <div class="filter-buttons">
                        <a href=cleared.address()>{tr!("Clear")}</a>
                        <button type="submit" class="primary">{tr!("Show payments")}</button>
                    </div>
                </div>
            </div>
        </form>
    }
}

/// What is asked for less often: folded away, unless it is in use.
fn more(query: &PaymentQuery, wrong: &[FieldError]) -> AnyView {
    static UNUSED: Kept = Kept::new();
    let fields = [
        ("reference", tr!("Provider reference"), "", &query.reference),
        ("provider", tr!("Provider"), "stripe", &query.provider),
        ("method", tr!("Method"), "card", &query.method),
        ("currency", tr!("Currency"), "EUR", &query.currency),
        ("min", tr!("Least amount"), "12.50", &query.min),
        ("max", tr!("Greatest amount"), "99.99", &query.max),
    ];
    let open = !query.sort.is_empty() || fields.iter().any(|(_, _, _, typed)| !typed.is_empty());
    let fold = || {
        let sort = sort(&query.sort, wrong);
        let fields = fields.map(|(name, label, hint, typed)| field(name, label, hint, typed, wrong));
        view! {
            <details class="more-filters" open=open>
                <summary>{tr!("Reference, provider, method, amount, order of the list")}</summary>
                <div class="filters">{fields.into_iter().collect_view()}{sort}</div>
            </details>
        }
    };
    if open { fold().into_any() } else { UNUSED.show(fold).into_any() }
}

fn field(
    name: &'static str,
    label: String,
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
                aria-invalid=problem.is_some().then_some("true")
                aria-describedby=described_by
            />
            {problem.map(|problem| view! { <p class="field-error" id=problem_id>{problem}</p> })}
        </div>
    }
}

fn sort(chosen: &str, wrong: &[FieldError]) -> impl IntoView + use<> {
    let orders = [("", tr!("Newest first")), ("largest", tr!("Largest first")), ("smallest", tr!("Smallest first"))];
    let options = orders.map(|(value, word)| view! { <option value=value selected=value == chosen>{word}</option> });
    let problem = problem_of("sort", wrong);
    view! {
        <div class="field">
            <label for="filter-sort">{tr!("Order of the list")}</label>
            <select
                id="filter-sort"
                name="sort"
                aria-invalid=problem.is_some().then_some("true")
                aria-describedby=problem.is_some().then_some("filter-sort-problem")
            >
                {options.into_iter().collect_view()}
            </select>
            {problem.map(|problem| view! { <p class="field-error" id="filter-sort-problem">{problem}</p> })}
        </div>
    }
}

fn problem_of(name: &str, wrong: &[FieldError]) -> Option<String> {
    wrong.iter().find(|error| error.field == name).map(|error| error.message.clone())
}

fn statuses(chosen: &str, wrong: &[FieldError]) -> AnyView {
    static NONE_CHOSEN: Kept = Kept::new();
    if chosen.is_empty() {
        return NONE_CHOSEN.show(|| status_boxes("", &[])).into_any();
    }
    status_boxes(chosen, wrong).into_any()
}

fn status_boxes(chosen: &str, wrong: &[FieldError]) -> impl IntoView + use<> {
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
    view! { <fieldset class="statuses"><legend>{tr!("Status, any when none is ticked")}</legend>{boxes.collect_view()}{problem}</fieldset> }
}

fn presets(state: &ListState) -> impl IntoView + use<> {
    let ranges = [
        (tr!("Today"), "today", "today"),
        (tr!("Yesterday"), "today-1", "today-1"),
        (tr!("7 days"), "today-6", "today"),
        (tr!("30 days"), "today-29", "today"),
        (tr!("This month"), "month", "month"),
        (tr!("Last month"), "month-1", "month-1"),
        (tr!("All time"), "", ""),
    ];
    let links = ranges.map(|(word, from, to)| {
        let current = (state.query.from == from && state.query.to == to).then_some("true");
        let range = state.with(|query| {
            (query.from, query.to) = (from.to_owned(), to.to_owned());
            query.cursor.clear();
        });
        view! { <a href=range.address() aria-current=current>{word}</a> }
    });
    view! { <nav class="presets" aria-label=tr!("Time range")>{links.into_iter().collect_view()}</nav> }
}

/// Columns and density: how the list is shown.
fn shown(state: &ListState) -> AnyView {
    static AS_USUAL: Kept = Kept::new();
    if state.columns.is_empty() && !state.is_compact() {
        return AS_USUAL.show(|| shown_as(&ListState::default())).into_any();
    }
    shown_as(state).into_any()
}

fn shown_as(state: &ListState) -> impl IntoView + use<> {
    let columns = state.columns();
    let boxes = PaymentColumn::iter().map(|column| {
        let (ticked, fixed) = (columns.contains(&column), column == PaymentColumn::Payment);
        view! {
            <label>
                <input type="checkbox" name="columns" value=column.to_string() checked=ticked disabled=fixed />
                {column.heading()}
            </label>
        }
    });
    let open = !state.columns.is_empty() || state.is_compact();
    view! {
        <details class="more-filters" open=open>
            <summary>{tr!("Columns and density")}</summary>
            <fieldset class="statuses"><legend>{tr!("Columns")}</legend>{boxes.collect_view()}</fieldset>
            <label class="check"><input type="checkbox" name="density" value="compact" checked=state.is_compact() />{tr!("More rows on the screen")}</label>
        </details>
    }
}
