//! What the URL asks for, and the form that asks for something else: by GET, so that it works without JavaScript.

use crate::language::tr;
use crate::links;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use payhist_types::Month;
use payhist_types::summary::{Summary, SummaryQuery};

const PATH: &str = "/payments/summary";

/// What the URL asks for, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    history: String,
    from: String,
    to: String,
    by: String,
    currency: String,
}

impl Asked {
    pub(super) fn of(url: &ParamsMap) -> Self {
        let get = |name| url.get(name).unwrap_or_default();
        Self { history: get("history"), from: get("from"), to: get("to"), by: get("by"), currency: get("currency") }
    }

    /// By day, and not by month?
    pub(super) fn is_by_day(&self) -> bool {
        self.by == "day"
    }

    /// Everything that the page shows.
    pub(super) fn query(&self) -> SummaryQuery {
        let Self { history, from, to, currency, .. } = self.clone();
        let time = if self.is_by_day() { "day" } else { "month" };
        SummaryQuery { history, from, to, by: format!("{time},provider,method,currency"), currency }
    }

    /// The address of this very page.
    pub(super) fn address(&self) -> String {
        let fields = [("from", &self.from), ("to", &self.to), ("by", &self.by), ("currency", &self.currency)];
        let typed = fields.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = typed.map(|(name, value)| format!("{name}={}", links::encode(value))).collect();
        let path = if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", query.join("&")) };
        links::with_history(&path, &links::encode(&self.history))
    }

    /// The same in one currency.
    pub(super) fn in_currency(&self, code: &str) -> String {
        Self { currency: code.to_owned(), ..self.clone() }.address()
    }

    /// The list of payments of the same history.
    pub(super) fn payments(&self) -> String {
        links::with_history("/payments", &links::encode(&self.history))
    }
}

/// The form and the usual ranges. Without a summary nothing is known but what was typed.
#[component]
pub(super) fn Form(asked: Asked, summary: Option<Summary>) -> impl IntoView {
    let hidden = (!asked.history.is_empty())
        .then(|| view! { <input type="hidden" name="history" value=asked.history.clone() /> });
    let shown = |typed: &str, known: Option<Month>| match known {
        Some(month) if typed.is_empty() => month.to_string(),
        _ => typed.to_owned(),
    };
    let from = shown(&asked.from, summary.as_ref().map(|summary| summary.from));
    let to = shown(&asked.to, summary.as_ref().map(|summary| summary.to));
    let chosen = asked.currency.to_ascii_uppercase();
    let mut currencies = summary.as_ref().map(|summary| summary.currencies.clone()).unwrap_or_default();
    if !chosen.is_empty() && !currencies.contains(&chosen) {
        currencies.push(chosen.clone());
    }
    let currencies = currencies
        .into_iter()
        .map(|code| view! { <option value=code.clone() selected=code == chosen>{code.clone()}</option> })
        .collect_view();
    let current = summary.as_ref().map(|summary| summary.current);
    view! {
        <form method="get" action=PATH>
            <div class="card payment-filters">
                {hidden}
                <div class="filters">
                    <div class="field">
                        <label for="from">{tr!("From month")}</label>
                        <input id="from" name="from" value=from placeholder="2026-01" autocomplete="off" spellcheck="false" />
                    </div>
                    <div class="field">
                        <label for="to">{tr!("To, that month included")}</label>
                        <input id="to" name="to" value=to placeholder="2026-11" autocomplete="off" spellcheck="false" />
                    </div>
                    <div class="field">
                        <label for="by">{tr!("Over time")}</label>
                        <select id="by" name="by">
                            <option value="month">{tr!("by month")}</option>
                            <option value="day" selected=asked.is_by_day()>{tr!("by day")}</option>
                        </select>
                    </div>
                    <div class="field">
                        <label for="currency">{tr!("Currency")}</label>
                        <select id="currency" name="currency"><option value="">{tr!("all")}</option>{currencies}</select>
                    </div>
                </div>
                <div class="filter-end">
                    {current.map(|current| presets(&asked, current))}
                    <div class="filter-buttons"><button type="submit" class="primary">{tr!("Show")}</button></div>
                </div>
            </div>
        </form>
    }
}

fn presets(asked: &Asked, current: Month) -> impl IntoView + use<> {
    let back = |months| current.plus(1 - months).unwrap_or(Month::MIN).to_string();
    let ranges = [
        (tr!("This month by day"), back(1), "day"),
        (tr!("3 months by day"), back(3), "day"),
        (tr!("12 months"), back(12), "month"),
        (tr!("24 months"), String::new(), "month"),
    ];
    let links = ranges.map(|(word, from, by)| {
        let by = by.to_owned();
        let is_it = asked.from == from && (asked.to.is_empty() || asked.to == current.to_string());
        let is_by = asked.is_by_day() == (by == "day");
        let href = Asked { from, to: String::new(), by, ..asked.clone() }.address();
        view! { <a href=href aria-current=(is_it && is_by).then_some("true")>{word}</a> }
    });
    view! { <nav class="presets" aria-label=tr!("Usual ranges")>{links.into_iter().collect_view()}</nav> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_carries_what_was_asked_and_nothing_else() {
        let asked = Asked { history: "cdnow".into(), to: "2026 &".into(), by: "day".into(), ..Asked::default() };
        assert_eq!(asked.address(), "/payments/summary?to=2026%20%26&by=day&history=cdnow");
        assert_eq!(Asked::default().address(), "/payments/summary");
        assert_eq!(asked.query().by, "day,provider,method,currency");
    }
}
