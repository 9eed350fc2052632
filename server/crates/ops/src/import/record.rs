//! One payment as a file tells it, and what may be wrong with it.
//!
//! Invariant: a record that was accepted can be stored exactly as it is: every text fits its column, every amount
//! DECIMAL(19,4), every time a payment id.

use crate::OpsError;
use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use payhist_storage::bulk::{Candidate, NewPayment};
use payhist_types::ids::PAYMENT_ID_MILLIS_MAX;
use payhist_types::money::{Currency, Money};
use payhist_types::payment::PaymentStatus;
use payhist_types::{PaymentId, UserId};

/// The columns that a record may have, in the order of `docs/import.md`.
pub const COLUMNS: [&str; 14] = [
    "user_id",
    "order_id",
    "provider",
    "provider_tx_id",
    "method",
    "status",
    "amount",
    "currency",
    "payer_name",
    "payer_email",
    "failure_code",
    "created_at",
    "updated_at",
    "payment_id",
];
/// Those that it must have.
pub const REQUIRED: [&str; 8] =
    ["user_id", "order_id", "provider", "method", "status", "amount", "currency", "created_at"];

/// Longest text of each column, in characters, as migrations/history has them.
const fn chars_max(column: &str) -> usize {
    match column.as_bytes() {
        b"provider" | b"method" => 32,
        b"order_id" | b"provider_tx_id" | b"failure_code" => 64,
        _ => 255,
    }
}

/// Why a line is not taken, in words.
pub(super) type Reason = String;

/// A record that can be stored.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// The line it came from.
    pub(super) line: u64,
    /// What is to be there afterwards.
    pub(super) row: Candidate,
}

/// A record's fields as text, by name; an absent one and an empty one are the same.
pub(super) struct Fields<'a, F: Fn(&'static str) -> Option<&'a str>>(pub(super) F);

impl<'a, F: Fn(&'static str) -> Option<&'a str>> Fields<'a, F> {
    fn optional(&self, column: &'static str) -> Result<Option<&'a str>, Reason> {
        let Some(text) = (self.0)(column).filter(|text| !text.is_empty()) else { return Ok(None) };
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            return Err(format!("{column} has the control character {control:?}"));
        }
        if text.len() > chars_max(column) && text.chars().count() > chars_max(column) {
            return Err(format!("{column} is longer than {} characters", chars_max(column)));
        }
        Ok(Some(text))
    }

    fn required(&self, column: &'static str) -> Result<&'a str, Reason> {
        self.optional(column)?.ok_or_else(|| format!("{column} is missing"))
    }

    /// Checks every field.
    pub(super) fn read(&self, line: u64, zone: Tz) -> Result<Record, Reason> {
        let owned = |column| self.optional(column).map(|text| text.map(str::to_owned));
        let user_id: UserId = self.required("user_id")?.parse().map_err(|error| format!("user_id: {error}"))?;
        let currency: Currency = self.required("currency")?.parse().map_err(|error| format!("currency: {error}"))?;
        let amount = self.required("amount")?;
        let money = Money::parse_non_negative(amount, currency).map_err(|error| format!("amount: {error}"))?;
        let status = self.required("status")?;
        let status: PaymentStatus =
            status.parse().map_err(|_| format!("status: {status:?} is none that payhist knows, e.g. PAID"))?;
        let created_at = storable_instant("created_at", self.required("created_at")?, zone)?;
        let updated_at = match self.optional("updated_at")? {
            Some(text) => storable_instant("updated_at", text, zone)?,
            None => created_at,
        };
        let id = self
            .optional("payment_id")?
            .map(str::parse::<PaymentId>)
            .transpose()
            .map_err(|error| format!("payment_id: {error}"))?;
        let payment = NewPayment {
            payment_id: id.unwrap_or(PaymentId::from_raw(0)),
            user_id,
            order_id: self.required("order_id")?.to_owned(),
            provider: self.required("provider")?.to_owned(),
            provider_tx_id: owned("provider_tx_id")?,
            method: self.required("method")?.to_owned(),
            status,
            money,
            payer_name: owned("payer_name")?,
            payer_email: owned("payer_email")?,
            failure_code: owned("failure_code")?,
            created_at,
            updated_at,
        };
        Ok(Record { line, row: Candidate { payment, id_given: id.is_some() } })
    }
}

/// Reads an RFC 3339 time, or a local time of the business zone without offset. Microseconds are the finest that the
/// column keeps; more is refused, not rounded.
fn storable_instant(column: &str, text: &str, zone: Tz) -> Result<DateTime<Utc>, Reason> {
    let at = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => at.to_utc(),
        Err(_) => local_instant(column, text, zone)?,
    };
    if at.trunc_subsecs(6) != at {
        return Err(format!("{column}: {text:?} is finer than microseconds"));
    }
    check_reach(at).map_err(|reason| format!("{column}: {text:?} {reason}"))?;
    Ok(at)
}

fn local_instant(column: &str, text: &str, zone: Tz) -> Result<DateTime<Utc>, Reason> {
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let local =
        formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok()).ok_or_else(|| {
            format!("{column}: {text:?} is no time like 2026-11-23T09:30:00+09:00, nor 2026-11-23T09:30:00 in {zone}")
        })?;
    let found = local.and_local_timezone(zone);
    if found.earliest().is_none() {
        return Err(format!("{column}: the clocks of {zone} skipped {text:?}; write it with its offset"));
    }
    let single = found
        .single()
        .ok_or_else(|| format!("{column}: the clocks of {zone} struck {text:?} twice; write it with its offset"))?;
    Ok(single.to_utc())
}

/// A payment id carries its time: from 1970 until 2109.
pub(super) fn check_reach(at: DateTime<Utc>) -> Result<(), Reason> {
    match u64::try_from(at.timestamp_millis()) {
        Ok(millis) if millis <= PAYMENT_ID_MILLIS_MAX => Ok(()),
        _ => Err("is outside 1970 to 2109, what a payment id can carry".to_owned()),
    }
}

/// The text of a line, if it is UTF-8 without NUL.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, Reason> {
    if bytes.contains(&0) {
        return Err("it has a NUL byte: UTF-16 must be turned into UTF-8 first".to_owned());
    }
    std::str::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8 (at byte {} of the line)", error.valid_up_to() + 1))
}

/// A history's zone, of a file of bad input, as the caller's error.
pub(super) fn zone_of(name: &str) -> Result<Tz, OpsError> {
    name.parse().map_err(|_| OpsError::field("zone", format!("{name:?} is no IANA time zone, e.g. Europe/London")))
}
