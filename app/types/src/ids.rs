//! Identifiers: users, shards, and time-ordered payment ids.
//!
//! A payment id carries its creation time and its shard, so that a look-up by id touches one partition of one
//! shard without any index of ids. Invariant: ids travel as JSON strings, because JavaScript numbers lose bits
//! above 2^53; on the way in a whole number is accepted too, a fraction never.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bits of a [`PaymentId`] that hold milliseconds since 1970-01-01 UTC: enough until the year 2109.
pub const PAYMENT_ID_MILLIS_BITS: u32 = 42;
/// Bits of a [`PaymentId`] that hold the shard.
pub const PAYMENT_ID_SHARD_BITS: u32 = 8;
/// Bits of a [`PaymentId`] that hold the sequence within one millisecond and shard.
pub const PAYMENT_ID_SEQUENCE_BITS: u32 = 14;
/// The last millisecond since 1970 that a [`PaymentId`] can carry.
pub const PAYMENT_ID_MILLIS_MAX: u64 = (1 << PAYMENT_ID_MILLIS_BITS) - 1;
/// The highest shard that a [`PaymentId`] can carry.
pub const PAYMENT_ID_SHARD_MAX: u16 = (1 << PAYMENT_ID_SHARD_BITS) - 1;
/// The highest sequence that a [`PaymentId`] can carry.
pub const PAYMENT_ID_SEQUENCE_MAX: u16 = (1 << PAYMENT_ID_SEQUENCE_BITS) - 1;

/// Why a number or a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Something other than the decimal digits of a 64-bit unsigned integer.
    #[error("{0:?} is not a whole number between 0 and 18446744073709551615")]
    NotANumber(String),
    /// The creation time is after [`PAYMENT_ID_MILLIS_MAX`].
    #[error("{0} ms since 1970 is beyond what a payment id can carry ({PAYMENT_ID_MILLIS_MAX})")]
    TimeOutOfRange(u64),
    /// The shard is above [`PAYMENT_ID_SHARD_MAX`].
    #[error("shard {0} is beyond what a payment id can carry ({PAYMENT_ID_SHARD_MAX})")]
    ShardOutOfRange(u16),
    /// The sequence is above [`PAYMENT_ID_SEQUENCE_MAX`].
    #[error("sequence {0} is beyond what a payment id can carry ({PAYMENT_ID_SEQUENCE_MAX})")]
    SequenceOutOfRange(u16),
}

/// Only plain digits: `u64::from_str` would also take a leading `+`.
fn parse_digits(text: &str) -> Result<u64, IdError> {
    let wrong = || IdError::NotANumber(text.to_owned());
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

/// Accepts a JSON string of digits or a JSON integer.
struct IdVisitor;

impl de::Visitor<'_> for IdVisitor {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an id as a string of digits or a whole number")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<u64, E> {
        Ok(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<u64, E> {
        u64::try_from(value).map_err(|_| E::custom(IdError::NotANumber(value.to_string())))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        parse_digits(text).map_err(E::custom)
    }
}

macro_rules! string_id {
    ($id:ident) => {
        impl fmt::Display for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $id {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_digits(text).map(Self)
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(itoa::Buffer::new().format(self.0))
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(IdVisitor).map(Self)
            }
        }
    };
}

/// A user of the payment service: the key by which histories are sharded. JSON: a string of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub u64);
string_id!(UserId);

/// The number of a shard within its history, from 0. JSON: a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShardId(pub u16);

impl fmt::Display for ShardId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for ShardId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let number = parse_digits(text)?;
        u16::try_from(number).map(Self).map_err(|_| IdError::NotANumber(text.to_owned()))
    }
}

/// A payment's id: from the high bits down 42 bits of milliseconds since 1970 UTC, 8 bits of shard and
/// 14 bits of sequence, so that ids sort by creation time. JSON: a string of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaymentId(u64);
string_id!(PaymentId);

impl PaymentId {
    /// Packs the three parts. Errors: an [`IdError`] that names the part which does not fit.
    pub fn new(created_ms: u64, shard: ShardId, sequence: u16) -> Result<Self, IdError> {
        if created_ms > PAYMENT_ID_MILLIS_MAX {
            return Err(IdError::TimeOutOfRange(created_ms));
        }
        if shard.0 > PAYMENT_ID_SHARD_MAX {
            return Err(IdError::ShardOutOfRange(shard.0));
        }
        if sequence > PAYMENT_ID_SEQUENCE_MAX {
            return Err(IdError::SequenceOutOfRange(sequence));
        }
        let time = created_ms << (PAYMENT_ID_SHARD_BITS + PAYMENT_ID_SEQUENCE_BITS);
        Ok(Self(time | u64::from(shard.0) << PAYMENT_ID_SEQUENCE_BITS | u64::from(sequence)))
    }

    /// An id as the database holds it; every 64-bit value is a possible id.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The id as the database holds it (BIGINT UNSIGNED).
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Creation time in milliseconds since 1970-01-01 UTC.
    pub const fn created_ms(self) -> u64 {
        self.0 >> (PAYMENT_ID_SHARD_BITS + PAYMENT_ID_SEQUENCE_BITS)
    }

    /// Creation time, to the millisecond.
    #[expect(clippy::missing_panics_doc, reason = "42 bits of milliseconds always fit chrono's range")]
    pub fn created_at(self) -> DateTime<Utc> {
        let millis = i64::try_from(self.created_ms()).expect("42 bits fit an i64");
        DateTime::from_timestamp_millis(millis).expect("42 bits of milliseconds end in 2109")
    }

    /// The shard that holds the payment.
    #[expect(clippy::cast_possible_truncation, reason = "masked to fewer bits than the type has")]
    pub const fn shard(self) -> ShardId {
        ShardId(((self.0 >> PAYMENT_ID_SEQUENCE_BITS) & PAYMENT_ID_SHARD_MAX as u64) as u16)
    }

    /// The sequence within its millisecond and shard.
    #[expect(clippy::cast_possible_truncation, reason = "masked to fewer bits than the type has")]
    pub const fn sequence(self) -> u16 {
        (self.0 & PAYMENT_ID_SEQUENCE_MAX as u64) as u16
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn payment_id_gives_back_its_parts(ms in 0..=PAYMENT_ID_MILLIS_MAX, shard in 0..=PAYMENT_ID_SHARD_MAX, sequence in 0..=PAYMENT_ID_SEQUENCE_MAX) {
            let id = PaymentId::new(ms, ShardId(shard), sequence).unwrap();
            prop_assert_eq!((id.created_ms(), id.shard(), id.sequence()), (ms, ShardId(shard), sequence));
            prop_assert_eq!(id.created_at().timestamp_millis().unsigned_abs(), ms);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn payment_ids_sort_by_creation_time(a in 0..PAYMENT_ID_MILLIS_MAX, step in 1..1_000_u64, sequence in 0..=PAYMENT_ID_SEQUENCE_MAX) {
            let later = (a + step).min(PAYMENT_ID_MILLIS_MAX);
            prop_assert!(PaymentId::new(a, ShardId(255), sequence).unwrap() < PaymentId::new(later, ShardId(0), 0).unwrap());
        }

        #[test]
        fn json_keeps_every_bit(raw: u64) {
            let id = PaymentId::from_raw(raw);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(&json, &format!("\"{raw}\""));
            prop_assert_eq!(serde_json::from_str::<PaymentId>(&json).unwrap(), id);
            prop_assert_eq!(serde_json::from_str::<PaymentId>(&raw.to_string()).unwrap(), id);
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_by_name() {
        assert_eq!(PaymentId::new(1 << 42, ShardId(0), 0), Err(IdError::TimeOutOfRange(1 << 42)));
        assert_eq!(PaymentId::new(0, ShardId(256), 0), Err(IdError::ShardOutOfRange(256)));
        assert_eq!(PaymentId::new(0, ShardId(0), 1 << 14), Err(IdError::SequenceOutOfRange(1 << 14)));
    }

    #[test]
    fn only_whole_numbers_are_ids() {
        for text in ["", "+1", "-1", "1.0", "1e3", " 1", "18446744073709551616"] {
            assert!(text.parse::<UserId>().is_err(), "{text:?}");
            assert!(serde_json::from_str::<UserId>(&format!("{text:?}")).is_err(), "{text:?}");
        }
        for json in ["1.0", "-1", "1e3", "null", "true"] {
            assert!(serde_json::from_str::<UserId>(json).is_err(), "{json}");
        }
    }
}
