//! The charts: payments, failure rate and, of one currency, what was paid.

use super::form::Asked;
use super::groups::{Group, amount, by_key};
use super::notes::origin;
use super::tables::GroupTable;
use crate::components::{Bar, BarChart, Known};
use crate::format;
use crate::language::tr;
use chrono::{Days, NaiveDate};
use leptos::prelude::*;
use payhist_types::Month;
use payhist_types::summary::{Coverage, Summary, SummaryBy};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::BTreeMap;

/// A month or a day: what is known of it, and its payments if there are any.
struct Point {
    name: String,
    label: String,
    known: Known,
    note: String,
    group: Option<Group>,
}

/// One chart beside the other.
#[component]
pub(super) fn Charts(asked: Asked, summary: Summary) -> impl IntoView {
    let is_by_day = asked.is_by_day();
    let points = points(&summary, is_by_day);
    let head = if is_by_day { tr!("Day") } else { tr!("Month") };
    let (count_title, rate_title, paid_title) = if is_by_day {
        (tr!("Payments per day"), tr!("Failure rate per day"), tr!("Paid per day"))
    } else {
        (tr!("Payments per month"), tr!("Failure rate per month"), tr!("Paid per month"))
    };
    let counts =
        points.iter().map(|point| point.bar(|group| (group.count, format::count(group.count)), true)).collect();
    let rates = points.iter().map(Point::rate).collect();
    let currency = summary.currency.clone().or_else(|| only(&summary.currencies));
    let paid = currency.map(|currency| {
        let bars = points.iter().map(|point| point.paid(&currency)).collect();
        view! { <section class="card"><BarChart title=paid_title unit=currency head=head.clone() axis=format::short bars /></section> }
    });
    let currencies = paid.is_none().then(|| {
        let groups = by_key(summary.by(SummaryBy::Currency));
        view! { <GroupTable title=tr!("By currency") head=tr!("Currency") groups choose=asked /> }
    });
    view! {
        <section class="card"><BarChart title=count_title unit=tr!("payments") head=head.clone() part=tr!("failed") axis=format::short bars=counts /></section>
        <div class="summary-charts">
            <section class="card"><BarChart title=rate_title unit=tr!("% of the decided") head axis=percent bars=rates /></section>
            {paid}
            {currencies}
        </div>
    }
}

fn only(currencies: &[String]) -> Option<String> {
    match currencies {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// Hundredths of a percent as the axis writes them.
fn percent(hundredths: u64) -> String {
    match hundredths % 100 {
        0 => format!("{} %", hundredths / 100),
        rest => format!("{}.{rest:02} %", hundredths / 100),
    }
}

impl Point {
    fn bar(&self, value: impl Fn(&Group) -> (u64, String), has_part: bool) -> Bar {
        let none = Group::default();
        // Known, and nothing was paid: that is a zero. Of what is not known there is no figure.
        let group = self.group.as_ref().or_else(|| (self.known != Known::Not).then_some(&none));
        Bar {
            name: self.name.clone(),
            label: self.label.clone(),
            value: group.map(value),
            part: group.filter(|_| has_part).map(|group| (group.failed, format::count(group.failed))),
            known: self.known,
            note: Some(self.note.clone()),
        }
    }

    fn rate(&self) -> Bar {
        let rate = self.group.as_ref().and_then(Group::failure_percent);
        let drawn = rate.and_then(|rate| Some(((rate * Decimal::ONE_HUNDRED).to_u64()?, format!("{rate}"))));
        Bar { value: drawn, ..self.bar(|_| (0, String::new()), false) }
    }

    fn paid(&self, currency: &str) -> Bar {
        let paid = |group: &Group| {
            let found = group.paid.iter().find(|(code, _)| code == currency);
            let paid = found.map_or(Decimal::ZERO, |(_, paid)| *paid);
            (paid.trunc().to_u64().unwrap_or(0), amount(paid, currency))
        };
        self.bar(paid, false)
    }
}

/// Every month or day of the range, oldest first: one without payments is a zero, and one that is not known is not.
fn points(summary: &Summary, is_by_day: bool) -> Vec<Point> {
    let by = if is_by_day { SummaryBy::Day } else { SummaryBy::Month };
    let mut groups: BTreeMap<_, _> =
        by_key(summary.by(by)).into_iter().map(|group| (group.key.clone().unwrap_or_default(), group)).collect();
    let today = summary.read_at.date_naive();
    let mut points = Vec::new();
    for coverage in &summary.months {
        let known = known(coverage);
        let note = origin(coverage);
        let mut point = |key: String, label: String, so_far: bool| {
            let group = groups.remove(&key).filter(|_| known != Known::Not);
            let name = if so_far { tr!("{} so far", key) } else { key };
            points.push(Point { name, label, known, note: note.clone(), group });
        };
        let month = coverage.month;
        if is_by_day {
            for day in days_of(month).filter(|day| month != summary.current || *day <= today) {
                point(day.to_string(), day.format("%m-%d").to_string(), day == today);
            }
        } else {
            point(month.to_string(), month.to_string()[2..].to_owned(), month == summary.current);
        }
    }
    points
}

fn days_of(month: Month) -> impl Iterator<Item = NaiveDate> {
    let days = (0..31).filter_map(move |day| month.first_day().checked_add_days(Days::new(day)));
    days.take_while(move |day| Month::of_date(*day) == Ok(month))
}

fn known(coverage: &Coverage) -> Known {
    if coverage.is_partial() {
        Known::Partly
    } else if coverage.is_known() {
        Known::Whole
    } else {
        Known::Not
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_their_days_and_percents_their_decimals() {
        let days = |month: &str| days_of(month.parse().unwrap()).count();
        assert_eq!((days("2026-11"), days("2026-12"), days("2028-02")), (30, 31, 29));
        assert_eq!([percent(500), percent(250), percent(5)], ["5 %", "2.50 %", "0.05 %"]);
    }
}
