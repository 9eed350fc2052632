//! Money: an exact decimal amount and its currency, within DECIMAL(19,4).
//!
//! Invariant: at most [`AMOUNT_DECIMALS_MAX`] decimals and an absolute value of at most [`AMOUNT_MAX`], so that
//! an amount is always stored exactly as it was read. Never a float.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};

/// Decimals of the database column, DECIMAL(19,4).
pub const AMOUNT_DECIMALS_MAX: u32 = 4;
/// The largest absolute amount that DECIMAL(19,4) holds: 999999999999999.9999.
pub const AMOUNT_MAX: Decimal = Decimal::from_parts(2_313_682_943, 2_328_306_436, 0, false, AMOUNT_DECIMALS_MAX);

/// Why something is not an amount or a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// More than [`AMOUNT_DECIMALS_MAX`] decimals; nothing is ever rounded.
    #[error("{0:?} has more than {AMOUNT_DECIMALS_MAX} decimals")]
    TooManyDecimals(String),
    /// Beyond [`AMOUNT_MAX`].
    #[error("{0:?} is beyond {AMOUNT_MAX}")]
    Overflow(String),
    /// Negative where only zero or more makes sense.
    #[error("{0:?} is negative")]
    Negative(String),
    /// Not of the form `-?digits[.digits]`.
    #[error("{0:?} is not an amount, e.g. 12.34")]
    NotANumber(String),
    /// Not three capital letters.
    #[error("{0:?} is not a currency code of three capital letters, e.g. USD")]
    NotACurrency(String),
}

/// A currency code of three capital letters, as in ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");
    /// South Korean won.
    pub const KRW: Self = Self(*b"KRW");
    /// Japanese yen.
    pub const JPY: Self = Self(*b"JPY");
    /// Pound sterling.
    pub const GBP: Self = Self(*b"GBP");

    /// The code, e.g. `USD`.
    #[expect(clippy::missing_panics_doc, reason = "the bytes are A to Z by construction")]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("A to Z are UTF-8")
    }

    /// The digits customarily shown after the point (ISO 4217 "minor unit").
    pub const fn digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(MoneyError::NotACurrency(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// An amount in a currency. JSON: `{"amount":"12.34","currency":"USD"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawMoney")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

/// What JSON may say before it is checked.
#[derive(Deserialize)]
struct RawMoney {
    amount: Decimal,
    currency: Currency,
}

impl TryFrom<RawMoney> for Money {
    type Error = MoneyError;

    fn try_from(raw: RawMoney) -> Result<Self, MoneyError> {
        Self::new(raw.amount, raw.currency)
    }
}

impl Money {
    /// Checks that DECIMAL(19,4) holds the amount exactly.
    /// Errors: [`MoneyError::TooManyDecimals`], [`MoneyError::Overflow`].
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        if amount.abs() > AMOUNT_MAX {
            return Err(MoneyError::Overflow(amount.to_string()));
        }
        let amount = amount.normalize();
        if amount.scale() > AMOUNT_DECIMALS_MAX {
            return Err(MoneyError::TooManyDecimals(amount.to_string()));
        }
        Ok(Self { amount, currency })
    }

    /// Reads `-?digits[.digits]`: no sign but minus, no exponent, no separators, no blanks.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        if !all_digits(whole) || !all_digits(decimals) {
            return Err(MoneyError::NotANumber(text.to_owned()));
        }
        if decimals.trim_end_matches('0').len() > AMOUNT_DECIMALS_MAX as usize {
            return Err(MoneyError::TooManyDecimals(text.to_owned()));
        }
        let shortest = format!("{whole}.{}", decimals.trim_end_matches('0'));
        let amount = Decimal::from_str_exact(shortest.trim_end_matches('.'))
            .map_err(|_| MoneyError::Overflow(text.to_owned()))?;
        Self::new(if text.starts_with('-') { -amount } else { amount }, currency)
    }

    /// As [`Money::parse`], and refuses an amount below zero with [`MoneyError::Negative`].
    pub fn parse_non_negative(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let money = Self::parse(text, currency)?;
        if money.amount < Decimal::ZERO { Err(MoneyError::Negative(text.to_owned())) } else { Ok(money) }
    }

    /// The exact amount.
    pub const fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount with its currency's customary digits, more if they are not zero: `1234.50`.
    pub fn amount_text(self) -> String {
        let mut amount = self.amount;
        amount.rescale(amount.scale().max(self.currency.digits()));
        amount.to_string()
    }

    /// As [`Money::amount_text`] with thousands separators, for people: `1,234.50`.
    pub fn grouped(self) -> String {
        let text = self.amount_text();
        let (sign, unsigned) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
        let (whole, decimals) =
            unsigned.split_once('.').map_or((unsigned, None), |(whole, decimals)| (whole, Some(decimals)));
        let mut grouped = String::from(sign);
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        if let Some(decimals) = decimals {
            grouped.push('.');
            grouped.push_str(decimals);
        }
        grouped
    }
}

/// `1234.50 USD`.
impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount_text(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(text: &str) -> Result<Money, MoneyError> {
        Money::parse(text, Currency::USD)
    }

    #[test]
    fn each_kind_of_bad_amount_has_its_own_error() {
        for text in ["", "-", ".5", "5.", "1e3", "1,000", " 1", "+1", "NaN", "1_000", "--1", "1.2.3", "１"] {
            assert_eq!(usd(text), Err(MoneyError::NotANumber(text.into())), "{text:?}");
        }
        for text in ["0.00001", "1.00000000000000000000000000000000001"] {
            assert_eq!(usd(text), Err(MoneyError::TooManyDecimals(text.into())));
        }
        for text in ["1000000000000000", "-1000000000000000", "99999999999999999999999999999999999999"] {
            assert_eq!(usd(text), Err(MoneyError::Overflow(text.into())));
        }
        assert_eq!(Money::parse_non_negative("-0.01", Currency::USD), Err(MoneyError::Negative("-0.01".into())));
    }

    #[test]
    fn the_widest_amounts_of_the_column_are_kept_exactly() {
        for text in ["999999999999999.9999", "-999999999999999.9999", "0.0001"] {
            assert_eq!(usd(text).unwrap().amount().to_string(), text);
        }
        assert!(Money::new(AMOUNT_MAX + Decimal::new(1, 4), Currency::USD).is_err());
    }

    #[test]
    fn digits_follow_the_currency_and_never_hide_a_fraction() {
        assert_eq!(usd("1234.5").unwrap().to_string(), "1234.50 USD");
        assert_eq!(usd("1234.5678").unwrap().amount_text(), "1234.5678");
        assert_eq!(Money::parse("1234.00", Currency::KRW).unwrap().to_string(), "1234 KRW");
        assert_eq!(Money::parse("0.5", Currency::JPY).unwrap().amount_text(), "0.5");
        assert_eq!(Money::parse("1", "KWD".parse().unwrap()).unwrap().amount_text(), "1.000");
    }

    #[test]
    fn thousands_are_grouped() {
        for (text, grouped) in
            [("0", "0.00"), ("999", "999.00"), ("-1234.5", "-1,234.50"), ("1234567.891", "1,234,567.891")]
        {
            assert_eq!(usd(text).unwrap().grouped(), grouped);
        }
    }

    #[test]
    fn json_is_checked_like_text() {
        let money: Money = serde_json::from_str(r#"{"amount":"12.3400","currency":"USD"}"#).unwrap();
        assert_eq!(serde_json::to_string(&money).unwrap(), r#"{"amount":"12.34","currency":"USD"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"amount":"0.00001","currency":"USD"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":"1","currency":"usd"}"#).is_err());
    }

    proptest! {
        #[test]
        fn any_amount_of_the_column_round_trips(units in -9_999_999_999_999_999_999_i128..=9_999_999_999_999_999_999, code in "[A-Z]{3}") {
            let currency: Currency = code.parse().unwrap();
            let money = Money::new(Decimal::from_i128_with_scale(units, 4), currency).unwrap();
            prop_assert_eq!(Money::parse(&money.amount_text(), currency), Ok(money));
            prop_assert_eq!(Money::parse(&money.grouped().replace(',', ""), currency), Ok(money));
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn arbitrary_text_never_panics(text: String) {
            let _ = usd(&text);
            let _ = text.parse::<Currency>();
        }
    }
}
