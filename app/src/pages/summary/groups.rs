//! Rows of one key and several currencies as one: payments are added up, amounts stay apart.

use payhist_types::Money;
use payhist_types::summary::{Figures, SummaryRow};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The payments of one key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Group {
    pub(super) key: Option<String>,
    pub(super) count: u64,
    pub(super) failed: u64,
    pub(super) decided: u64,
    /// What was paid, by currency code.
    pub(super) paid: Vec<(String, Decimal)>,
}

impl Group {
    /// Failed of all that are decided; `None` while none is.
    pub(super) fn failure_percent(&self) -> Option<Decimal> {
        let Self { count, failed, decided, .. } = *self;
        Figures { count, failed, decided, ..Figures::default() }.failure_percent()
    }
}

/// One group a key, in the rows' order.
pub(super) fn by_key(rows: &[SummaryRow]) -> Vec<Group> {
    let mut places = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let place = *places.entry(&row.key).or_insert_with(|| {
            groups.push(Group { key: row.key.clone(), ..Group::default() });
            groups.len() - 1
        });
        let group = &mut groups[place];
        group.count += row.figures.count;
        group.failed += row.figures.failed;
        group.decided += row.figures.decided;
        group.paid.push((row.currency.clone(), row.figures.paid));
    }
    groups
}

/// An amount with its currency's digits and grouping; as it is when it is beyond what a payment may have.
pub(super) fn amount(amount: Decimal, currency: &str) -> String {
    let money = currency.parse().and_then(|currency| Money::new(amount, currency));
    money.map_or_else(|_| amount.normalize().to_string(), Money::grouped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use payhist_types::payment::PaymentStatus;

    #[test]
    fn payments_of_all_currencies_are_counted_together_and_their_amounts_are_not() {
        let row = |key: &str, currency: &str, status, count| {
            let figures = Figures::of(status, count, Decimal::TEN);
            SummaryRow { key: Some(key.into()), currency: currency.into(), figures, failure_percent: None }
        };
        let rows = [
            row("acme", "EUR", PaymentStatus::Paid, 3),
            row("acme", "KRW", PaymentStatus::Failed, 1),
            row("globex", "EUR", PaymentStatus::Pending, 5),
        ];
        let groups = by_key(&rows);
        assert_eq!((groups.len(), groups[0].count, groups[0].failed), (2, 4, 1));
        assert_eq!(groups[0].failure_percent().unwrap().to_string(), "25.00");
        assert_eq!(groups[0].paid, [("EUR".to_owned(), Decimal::TEN), ("KRW".to_owned(), Decimal::ZERO)]);
        assert_eq!(groups[1].failure_percent(), None);
    }
}
