//! Sums of the days' totals: by day for the chart, by currency for the money.

use chrono::{Days, NaiveDate};
use payhist_types::Money;
use payhist_types::overview::DayTotal;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Days of the overview, today included.
pub(super) const DAYS: u64 = 14;

/// Payments of one day, all currencies together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub date: NaiveDate,
    pub count: u64,
    pub failed: u64,
    pub is_today: bool,
}

/// Payments of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct MoneyRow {
    pub currency: String,
    pub today: Decimal,
    pub all: Decimal,
    pub count: u64,
    pub failed: u64,
}

/// Every day up to today, oldest first: a day without payments is a zero, not a gap.
pub(super) fn by_day(totals: &[DayTotal], today: NaiveDate) -> Vec<Day> {
    (0..DAYS)
        .rev()
        .filter_map(|back| today.checked_sub_days(Days::new(back)))
        .map(|day| {
            let of_day = || totals.iter().filter(move |total| total.day == day);
            let (count, failed) = (of_day().map(|total| total.count).sum(), of_day().map(|total| total.failed).sum());
            Day { date: day, count, failed, is_today: day == today }
        })
        .collect()
}

/// One row a currency, by its code. Amounts of different currencies are never added.
pub(super) fn by_currency(totals: &[DayTotal], today: NaiveDate) -> Vec<MoneyRow> {
    let mut rows = BTreeMap::<&str, MoneyRow>::new();
    for total in totals {
        let row = rows
            .entry(&total.currency)
            .or_insert_with(|| MoneyRow { currency: total.currency.clone(), ..MoneyRow::default() });
        row.all += total.amount;
        row.count += total.count;
        row.failed += total.failed;
        if total.day == today {
            row.today += total.amount;
        }
    }
    rows.into_values().collect()
}

/// An amount with its currency's digits and grouping; as it is when it is beyond what a payment may have.
pub(super) fn amount(amount: Decimal, currency: &str) -> String {
    let money = currency.parse().and_then(|currency| Money::new(amount, currency));
    money.map_or_else(|_| amount.to_string(), Money::grouped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(day: u32, currency: &str, count: u64, failed: u64, amount: i64) -> DayTotal {
        let day = NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        DayTotal { day, currency: currency.to_owned(), count, failed, amount: Decimal::new(amount, 2) }
    }

    #[test]
    fn a_day_without_payments_is_a_zero_and_not_a_gap() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let days = by_day(&[total(23, "USD", 2, 1, 0), total(23, "EUR", 3, 0, 0), total(10, "USD", 7, 0, 0)], today);
        assert_eq!(days.len(), 14);
        assert_eq!((days[0].count, days[1].count, days[13].count, days[13].failed), (7, 0, 5, 1));
        assert!(days[13].is_today && !days[12].is_today);
    }

    #[test]
    fn currencies_are_never_added_to_each_other() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let rows = by_currency(
            &[total(23, "USD", 1, 0, 1_050), total(22, "USD", 1, 0, 200), total(23, "EUR", 1, 1, 99)],
            today,
        );
        let shown: Vec<_> =
            rows.iter().map(|row| (row.currency.as_str(), amount(row.today, "USD"), amount(row.all, "USD"))).collect();
        assert_eq!(shown, [("EUR", "0.99".into(), "0.99".into()), ("USD", "10.50".into(), "12.50".into())]);
    }
}
