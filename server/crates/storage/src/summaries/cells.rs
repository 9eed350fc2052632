//! What is kept of a month: its cells, as compact text.
//!
//! Invariant: a word (status, provider, method, currency) is written once; cells name it by its place.

use crate::error::StorageError;
use chrono::NaiveDate;
use payhist_types::payment::PaymentStatus;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The payments of one status, provider, method and currency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonthKey {
    /// The status.
    pub status: PaymentStatus,
    /// The provider, where there is one.
    pub provider: Option<String>,
    /// The method, where there is one.
    pub method: Option<String>,
    /// Currency code.
    pub currency: String,
}

/// The payments of one day, status and currency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayKey {
    /// The day in the business zone.
    pub day: NaiveDate,
    /// The status.
    pub status: PaymentStatus,
    /// Currency code.
    pub currency: String,
}

/// How many, and what their amounts add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Payments.
    pub count: u64,
    /// Sum of their amounts.
    pub amount: Decimal,
}

impl Sum {
    fn add(&mut self, other: Self) -> Result<(), StorageError> {
        let both = self.count.checked_add(other.count).zip(self.amount.checked_add(other.amount));
        let (count, amount) =
            both.ok_or_else(|| StorageError::Inconsistent("amounts add up to more digits than there are".to_owned()))?;
        *self = Self { count, amount };
        Ok(())
    }
}

/// The figures of a month of a shard, or of a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Of the whole.
    pub whole: BTreeMap<MonthKey, Sum>,
    /// By day.
    pub days: BTreeMap<DayKey, Sum>,
}

impl Tally {
    /// Adds the payments of one day.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when a sum has too many digits.
    pub fn add(&mut self, day: NaiveDate, key: MonthKey, sum: Sum) -> Result<(), StorageError> {
        let of_day = DayKey { day, status: key.status, currency: key.currency.clone() };
        self.days.entry(of_day).or_default().add(sum)?;
        self.whole.entry(key).or_default().add(sum)
    }
}

/// Cells as they are stored: places of words, then count and amount.
#[derive(Debug, Serialize, Deserialize)]
struct Written<C> {
    words: Vec<String>,
    cells: Vec<C>,
}

type WholeCell = (u32, Option<u32>, Option<u32>, u32, u64, Decimal);
type DayCell = (NaiveDate, u32, u32, u64, Decimal);

#[derive(Default)]
struct Words(BTreeMap<String, u32>);

impl Words {
    fn place(&mut self, word: &str) -> u32 {
        if let Some(place) = self.0.get(word) {
            return *place;
        }
        let place = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(word.to_owned(), place);
        place
    }

    fn by_place(self) -> Vec<String> {
        let mut words: Vec<_> = self.0.into_iter().collect();
        words.sort_by_key(|(_, place)| *place);
        words.into_iter().map(|(word, _)| word).collect()
    }
}

/// The whole month's cells as text.
pub(super) fn write_whole(whole: &BTreeMap<MonthKey, Sum>) -> Result<String, StorageError> {
    let mut words = Words::default();
    let mut cell = |(key, sum): (&MonthKey, &Sum)| -> WholeCell {
        let MonthKey { status, provider, method, currency } = key;
        let status = words.place(status.into());
        let provider = provider.as_deref().map(|word| words.place(word));
        let method = method.as_deref().map(|word| words.place(word));
        (status, provider, method, words.place(currency), sum.count, sum.amount)
    };
    let cells = whole.iter().map(&mut cell).collect();
    to_text(&Written::<WholeCell> { words: words.by_place(), cells })
}

/// The days' cells as text.
pub(super) fn write_days(days: &BTreeMap<DayKey, Sum>) -> Result<String, StorageError> {
    let mut words = Words::default();
    let mut cell = |(key, sum): (&DayKey, &Sum)| -> DayCell {
        (key.day, words.place((&key.status).into()), words.place(&key.currency), sum.count, sum.amount)
    };
    let cells = days.iter().map(&mut cell).collect();
    to_text(&Written::<DayCell> { words: words.by_place(), cells })
}

/// Back from text.
pub(super) fn read_whole(text: &str) -> Result<BTreeMap<MonthKey, Sum>, StorageError> {
    let Written::<WholeCell> { words, cells } = from_text(text)?;
    let cell = |(status, provider, method, currency, count, amount): WholeCell| {
        let optional = |place: Option<u32>| place.map(|place| word(&words, place)).transpose();
        let key = MonthKey {
            status: status_of(&words, status)?,
            provider: optional(provider)?,
            method: optional(method)?,
            currency: word(&words, currency)?,
        };
        Ok((key, Sum { count, amount }))
    };
    cells.into_iter().map(cell).collect()
}

/// Back from text.
pub(super) fn read_days(text: &str) -> Result<BTreeMap<DayKey, Sum>, StorageError> {
    let Written::<DayCell> { words, cells } = from_text(text)?;
    let cell = |(day, status, currency, count, amount): DayCell| {
        let key = DayKey { day, status: status_of(&words, status)?, currency: word(&words, currency)? };
        Ok((key, Sum { count, amount }))
    };
    cells.into_iter().map(cell).collect()
}

fn to_text<C: Serialize>(written: &Written<C>) -> Result<String, StorageError> {
    serde_json::to_string(written).map_err(|error| StorageError::Inconsistent(format!("a summary: {error}")))
}

fn from_text<C: for<'de> Deserialize<'de>>(text: &str) -> Result<Written<C>, StorageError> {
    serde_json::from_str(text).map_err(|error| StorageError::Inconsistent(format!("a kept summary: {error}")))
}

fn word(words: &[String], place: u32) -> Result<String, StorageError> {
    let found = usize::try_from(place).ok().and_then(|place| words.get(place));
    found.cloned().ok_or_else(|| StorageError::Inconsistent(format!("a kept summary has no word {place}")))
}

fn status_of(words: &[String], place: u32) -> Result<PaymentStatus, StorageError> {
    let word = word(words, place)?;
    word.parse().map_err(|_| StorageError::Inconsistent(format!("a kept summary has the unknown status {word:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_from_their_text_as_they_were() {
        let mut tally = Tally::default();
        let key = |status, provider: Option<&str>| MonthKey {
            status,
            provider: provider.map(str::to_owned),
            method: Some("card".to_owned()),
            currency: "EUR".to_owned(),
        };
        let day = |day| NaiveDate::from_ymd_opt(2026, 10, day).unwrap();
        let sum = |count, units| Sum { count, amount: Decimal::new(units, 4) };
        tally.add(day(1), key(PaymentStatus::Paid, Some("PAID")), sum(2, 123_456)).unwrap();
        tally.add(day(2), key(PaymentStatus::Paid, Some("PAID")), sum(1, -1)).unwrap();
        tally.add(day(31), key(PaymentStatus::Failed, None), sum(1, 9_999_999_999_999_999)).unwrap();
        assert_eq!(tally.whole.len(), 2);
        let whole = write_whole(&tally.whole).unwrap();
        assert_eq!(read_whole(&whole).unwrap(), tally.whole, "{whole}");
        let days = write_days(&tally.days).unwrap();
        assert_eq!(read_days(&days).unwrap(), tally.days, "{days}");
        assert!(read_whole("{\"words\":[],\"cells\":[[0,null,null,0,1,\"1\"]]}").is_err(), "no such word");
    }
}
