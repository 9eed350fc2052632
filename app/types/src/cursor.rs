//! The keyset cursor: where a page of payments begins and which way it goes.
//!
//! Its text form is opaque to users, safe in a URL, and canonical: one cursor, one text. Invariant: the creation
//! time is kept to the microsecond, like the DATETIME(6) column that it is compared with.

use std::{fmt, str::FromStr};

use chrono::{DateTime, SubsecRound, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::PaymentId;
use crate::money::{Currency, Money};

/// Which way a page goes from its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Towards older payments: the next page of a list that shows the newest first.
    Older,
    /// Towards newer payments: back again.
    Newer,
}

/// The key of the row that a page starts after, and the direction: `(created_at, payment_id)`, in a list by amount led by
/// that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    amount: Option<Decimal>,
    created_at: DateTime<Utc>,
    payment_id: PaymentId,
    direction: Direction,
}

/// The text is not a cursor that payhist made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a page cursor; start again from the first page")]
pub struct CursorError(String);

/// Hexadecimal digits of each of the two numbers in the text form.
const HEX_DIGITS: usize = 16;

impl Cursor {
    /// A cursor at a row's key; the time is cut to the microsecond.
    pub fn new(created_at: DateTime<Utc>, payment_id: PaymentId, direction: Direction) -> Self {
        Self { amount: None, created_at: created_at.trunc_subsecs(6), payment_id, direction }
    }

    /// The same in a list by amount.
    #[must_use]
    pub fn at_amount(self, amount: Decimal) -> Self {
        Self { amount: Some(amount.normalize()), ..self }
    }

    /// The row's amount, in a list by amount.
    pub const fn amount(self) -> Option<Decimal> {
        self.amount
    }

    /// The row's creation time, to the microsecond.
    pub const fn created_at(self) -> DateTime<Utc> {
        self.created_at
    }

    /// The row's id.
    pub const fn payment_id(self) -> PaymentId {
        self.payment_id
    }

    /// Which way the page goes.
    pub const fn direction(self) -> Direction {
        self.direction
    }
}

/// `o` or `n`, the microseconds since 1970 and the payment id, each as 16 lower-case hexadecimal digits; in a list by amount
/// `_` and the amount.
impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Older => 'o',
            Direction::Newer => 'n',
        };
        write!(formatter, "{direction}{:016x}{:016x}", self.created_at.timestamp_micros(), self.payment_id.get())?;
        self.amount.map_or(Ok(()), |amount| write!(formatter, "_{amount}"))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        parse(text).filter(|cursor| cursor.to_string() == text).ok_or_else(|| CursorError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let (direction, key) = text.split_at_checked(1)?;
    let (key, amount) = match key.split_once('_') {
        Some((key, amount)) => (key, Some(Money::parse(amount, Currency::EUR).ok()?.amount())),
        None => (key, None),
    };
    if key.len() != 2 * HEX_DIGITS || !key.is_ascii() {
        return None;
    }
    let (micros, id) = key.split_at(HEX_DIGITS);
    let micros = u64::from_str_radix(micros, 16).ok()?.cast_signed();
    let direction = match direction {
        "o" => Direction::Older,
        "n" => Direction::Newer,
        _ => return None,
    };
    let payment_id = PaymentId::from_raw(u64::from_str_radix(id, 16).ok()?);
    Some(Cursor { amount, created_at: DateTime::from_timestamp_micros(micros)?, payment_id, direction })
}

impl TryFrom<String> for Cursor {
    type Error = CursorError;

    fn try_from(text: String) -> Result<Self, CursorError> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_and_json_round_trip(micros in -62_135_596_800_000_000..253_402_300_800_000_000_i64, id: u64, older: bool) {
            let direction = if older { Direction::Older } else { Direction::Newer };
            let cursor = Cursor::new(DateTime::from_timestamp_micros(micros).unwrap(), PaymentId::from_raw(id), direction);
            prop_assert_eq!(cursor.created_at().timestamp_micros(), micros);
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
            let json = serde_json::to_string(&cursor).unwrap();
            prop_assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), cursor);
        }

        #[test]
        fn an_amount_is_kept_exactly(units in -9_999_999_999_999_999_999_i128..=9_999_999_999_999_999_999) {
            let amount = Decimal::from_i128_with_scale(units, 4);
            let cursor = Cursor::new(DateTime::UNIX_EPOCH, PaymentId::from_raw(7), Direction::Older).at_amount(amount);
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap().amount(), Some(amount));
        }

        #[test]
        fn text_is_canonical_and_safe_in_a_url(text in "[on][0-9a-fA-F+-]{32}(_-?[0-9]{1,3}([.][0-9]{1,5})?)?") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text: String) {
            let _ = text.parse::<Cursor>();
        }
    }

    #[test]
    fn nanoseconds_are_cut_because_the_column_has_none() {
        let time = DateTime::from_timestamp_nanos(1_234_567_891);
        let cursor = Cursor::new(time, PaymentId::from_raw(1), Direction::Older);
        assert_eq!(cursor.created_at().timestamp_subsec_nanos(), 234_567_000);
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
}
