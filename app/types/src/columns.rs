//! What an adopted history's tables call the columns of a payment.
//!
//! Configuration, `[history.columns]`. What a payment cannot be without has payhist's own name unless another is given;
//! what adopted tables may lack is read only from a column that is named.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::payment::{PAYMENT_COLUMNS, PaymentStatus};

/// The columns of adopted tables. Their ids need not carry time and shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// A whole number, unique within its shard.
    pub payment_id: String,
    /// A whole number; decides the shard.
    pub user_id: String,
    /// Text or a number.
    pub order_id: String,
    /// Text.
    pub provider: Value,
    /// Text.
    pub provider_tx_id: Option<String>,
    /// Text.
    pub method: Value,
    /// Text, ENUM or a number.
    pub status: String,
    /// DECIMAL or a whole number, in units of the currency.
    pub amount: String,
    /// Three capital letters.
    pub currency: Value,
    /// Text.
    pub payer_name: Option<String>,
    /// Text.
    pub payer_email: Option<String>,
    /// Text.
    pub failure_code: Option<String>,
    /// A whole number.
    pub version: Option<String>,
    /// DATETIME, TIMESTAMP or DATE, in UTC; pages are quick when it is the partition column.
    pub created_at: String,
    /// DATETIME, TIMESTAMP or DATE, in UTC.
    pub updated_at: Option<String>,
    /// What the tables' words for the states mean; without any they are payhist's own. A word that is not here is no
    /// payment's state: its shard is then named as one that does not answer.
    pub status_words: BTreeMap<String, PaymentStatus>,
}

/// A column, or what holds for all rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// The column's name.
    Column(String),
    /// The tables have no such column.
    Constant {
        /// What it would say in each row.
        constant: String,
    },
}

/// Where a value of a payment comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// From this column.
    Column(&'a str),
    /// From the configuration.
    Constant(&'a str),
    /// From nowhere.
    Nowhere,
}

impl Default for Columns {
    fn default() -> Self {
        let own = str::to_owned;
        let column = |name: &str| Value::Column(name.to_owned());
        Self {
            payment_id: own("payment_id"),
            user_id: own("user_id"),
            order_id: own("order_id"),
            provider: column("provider"),
            provider_tx_id: None,
            method: column("method"),
            status: own("status"),
            amount: own("amount"),
            currency: column("currency"),
            payer_name: None,
            payer_email: None,
            failure_code: None,
            version: None,
            created_at: own("created_at"),
            updated_at: None,
            status_words: BTreeMap::new(),
        }
    }
}

impl Columns {
    /// Those of payhist's own tables.
    pub fn own() -> Self {
        let own = |name: &str| Some(name.to_owned());
        Self {
            provider_tx_id: own("provider_tx_id"),
            payer_name: own("payer_name"),
            payer_email: own("payer_email"),
            failure_code: own("failure_code"),
            version: own("version"),
            updated_at: own("updated_at"),
            ..Self::default()
        }
    }

    /// Each of [`PAYMENT_COLUMNS`], in their order, with its place.
    pub fn places(&self) -> [(&'static str, Place<'_>); PAYMENT_COLUMNS.len()] {
        let places = [
            Place::Column(&self.payment_id),
            Place::Column(&self.user_id),
            Place::Column(&self.order_id),
            (&self.provider).into(),
            (&self.provider_tx_id).into(),
            (&self.method).into(),
            Place::Column(&self.status),
            Place::Column(&self.amount),
            (&self.currency).into(),
            (&self.payer_name).into(),
            (&self.payer_email).into(),
            (&self.failure_code).into(),
            (&self.version).into(),
            Place::Column(&self.created_at),
            (&self.updated_at).into(),
        ];
        std::array::from_fn(|at| (PAYMENT_COLUMNS[at], places[at]))
    }

    /// What a word of the tables means.
    pub fn status_of(&self, word: &str) -> Option<PaymentStatus> {
        if self.status_words.is_empty() { word.parse().ok() } else { self.status_words.get(word).copied() }
    }

    /// The tables' words for a state.
    pub fn words_of(&self, status: PaymentStatus) -> Vec<&str> {
        if self.status_words.is_empty() {
            return vec![status.into()];
        }
        self.status_words.iter().filter(|(_, meant)| **meant == status).map(|(word, _)| word.as_str()).collect()
    }
}

impl<'a> From<&'a Value> for Place<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Column(name) => Self::Column(name),
            Value::Constant { constant } => Self::Constant(constant),
        }
    }
}

impl<'a> From<&'a Option<String>> for Place<'a> {
    fn from(name: &'a Option<String>) -> Self {
        name.as_deref().map_or(Self::Nowhere, Self::Column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_payhists_own_or_nowhere() {
        let json = r#"{"payment_id": "id", "currency": {"constant": "EUR"}, "payer_email": "mail"}"#;
        let columns: Columns = serde_json::from_str(json).unwrap();
        let of = |own| columns.places().into_iter().find(|(name, _)| *name == own).unwrap().1;
        assert_eq!((of("payment_id"), of("amount")), (Place::Column("id"), Place::Column("amount")));
        assert_eq!((of("currency"), of("payer_email")), (Place::Constant("EUR"), Place::Column("mail")));
        assert_eq!((of("version"), of("updated_at")), (Place::Nowhere, Place::Nowhere));
        assert!(serde_json::from_str::<Columns>(r#"{"payed_at": "x"}"#).is_err());
    }

    #[test]
    fn payhists_own_tables_have_every_column_by_its_own_name() {
        for (own, place) in Columns::own().places() {
            assert_eq!(place, Place::Column(own));
        }
    }

    #[test]
    fn words_that_are_given_are_the_only_ones() {
        let words = [("1", PaymentStatus::Paid), ("2", PaymentStatus::Failed), ("9", PaymentStatus::Failed)];
        let status_words = words.map(|(word, status)| (word.to_owned(), status)).into();
        let mapped = Columns { status_words, ..Columns::default() };
        assert_eq!((mapped.status_of("2"), mapped.status_of("PAID")), (Some(PaymentStatus::Failed), None));
        assert_eq!(mapped.words_of(PaymentStatus::Failed), ["2", "9"]);
        assert!(mapped.words_of(PaymentStatus::Pending).is_empty());
        assert_eq!(Columns::default().words_of(PaymentStatus::Paid), ["PAID"]);
    }
}
