//! From the URL's words to what is asked. Every wrong word is answered by the field that holds it.

use crate::{OpsError, zone};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use payhist_storage::payments::{Filter, Key, Keyset};
use payhist_types::cursor::Direction;
use payhist_types::error::FieldError;
use payhist_types::money::{AMOUNT_DECIMALS_MAX, Currency, Money};
use payhist_types::payment::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, PaymentQuery, PaymentStatus};
use payhist_types::{Cursor, PaymentId, UserId};
use rust_decimal::Decimal;
use std::str::FromStr;

/// Longest order id and provider reference that the schema holds.
const REFERENCE_CHARS_MAX: usize = 64;
/// Longest name of a provider or method that the schema holds.
const NAME_CHARS_MAX: usize = 32;

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// Which payments.
    pub filter: Filter,
    /// Created at or after this.
    pub from: Option<DateTime<Utc>>,
    /// Created before this.
    pub until: Option<DateTime<Utc>>,
    /// Where the page begins.
    pub keyset: Keyset,
    /// Rows of the page.
    pub limit: usize,
}

/// Parses a query in the history's business zone.
///
/// # Errors
/// [`OpsError::BadInput`] with every wrong field.
pub(super) fn parse(query: &PaymentQuery, business: Tz) -> Result<Request, OpsError> {
    let mut wrong = Vec::new();
    let filter = Filter {
        user: optional(&mut wrong, "user", &query.user, |text| {
            text.parse::<UserId>().map_err(|_| "a user id is a number".to_owned())
        }),
        payment: optional(&mut wrong, "id", &query.id, |text| {
            PaymentId::from_str(text).map_err(|_| "a payment id is a number of up to 20 digits".to_owned())
        }),
        order: optional(&mut wrong, "order", &query.order, |text| words(text, REFERENCE_CHARS_MAX)),
        reference: optional(&mut wrong, "reference", &query.reference, |text| words(text, REFERENCE_CHARS_MAX)),
        statuses: optional(&mut wrong, "status", &query.status, statuses).unwrap_or_default(),
        provider: optional(&mut wrong, "provider", &query.provider, |text| words(text, NAME_CHARS_MAX)),
        method: optional(&mut wrong, "method", &query.method, |text| words(text, NAME_CHARS_MAX)),
        currency: optional(&mut wrong, "currency", &query.currency, |text| {
            text.to_ascii_uppercase().parse().map_err(|_| "a currency has three letters, e.g. EUR".to_owned())
        }),
        min: optional(&mut wrong, "min", &query.min, amount),
        max: optional(&mut wrong, "max", &query.max, amount),
    };
    if let (Some(min), Some(max)) = (filter.min, filter.max)
        && min > max
    {
        wrong.push(FieldError { field: "max".to_owned(), message: "it is less than the least amount".to_owned() });
    }
    let from = optional(&mut wrong, "from", &query.from, |text| Ok(moment(text)?.start(business)));
    let until = optional(&mut wrong, "to", &query.to, |text| Ok(moment(text)?.end(business)));
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        wrong.push(FieldError { field: "to".to_owned(), message: "the range ends before it begins".to_owned() });
    }
    let keyset = optional(&mut wrong, "cursor", &query.cursor, |text| {
        Cursor::from_str(text)
            .map(keyset)
            .map_err(|_| "this cursor was not made by payhist: go back to the newest page".to_owned())
    });
    let limit = optional(&mut wrong, "limit", &query.limit, |text| {
        let rows = text.parse().ok().filter(|rows| (1..=PAGE_ROWS_MAX).contains(rows));
        rows.ok_or_else(|| format!("a page has 1 to {PAGE_ROWS_MAX} rows"))
    });
    if !wrong.is_empty() {
        return Err(OpsError::BadInput(wrong));
    }
    Ok(Request {
        filter,
        from,
        until,
        keyset: keyset.unwrap_or(Keyset::Newest),
        limit: limit.unwrap_or(PAGE_ROWS_DEFAULT),
    })
}

fn optional<T>(
    wrong: &mut Vec<FieldError>,
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    parse(text)
        .map_err(|message| wrong.push(FieldError { field: field.to_owned(), message: format!("{text:?}: {message}") }))
        .ok()
}

fn words(text: &str, chars_max: usize) -> Result<String, String> {
    if text.chars().count() <= chars_max {
        Ok(text.to_owned())
    } else {
        Err(format!("it has at most {chars_max} characters"))
    }
}

fn amount(text: &str) -> Result<Decimal, String> {
    // Any currency will do: none changes what an amount may be.
    Money::parse(text, Currency::EUR)
        .map(Money::amount)
        .map_err(|_| format!("an amount is written 12.50, with {AMOUNT_DECIMALS_MAX} decimals at most"))
}

fn statuses(text: &str) -> Result<Vec<PaymentStatus>, String> {
    let mut statuses = text
        .split(',')
        .map(|word| word.trim().to_ascii_uppercase().parse().map_err(|_| format!("there is no status {word:?}")))
        .collect::<Result<Vec<PaymentStatus>, _>>()?;
    statuses.sort_unstable();
    statuses.dedup();
    Ok(statuses)
}

fn keyset(cursor: Cursor) -> Keyset {
    let key = Key { created_at: cursor.created_at(), payment_id: cursor.payment_id() };
    match cursor.direction() {
        Direction::Older => Keyset::OlderThan(key),
        Direction::Newer => Keyset::NewerThan(key),
    }
}

/// A day or a minute of the business zone.
enum Moment {
    Day(NaiveDate),
    Time(NaiveDateTime),
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(Moment::Day(day));
    }
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(Moment::Time)
        .ok_or_else(|| "write 2026-11-01 or 2026-11-01T09:30".to_owned())
}

impl Moment {
    fn start(&self, business: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(day) => zone::day_start(*day, business),
            Self::Time(time) => zone::first_instant(*time, business),
        }
    }

    /// A day ends when the next one begins; a time ends a range as it stands.
    fn end(&self, business: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(day) => zone::day_start(day.succ_opt().unwrap_or(*day), business),
            Self::Time(time) => zone::first_instant(*time, business),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(change: impl FnOnce(&mut PaymentQuery)) -> PaymentQuery {
        let mut query = PaymentQuery::default();
        change(&mut query);
        query
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let query = query(|q| {
            q.user = "x".into();
            q.status = "PAID,GONE".into();
            q.currency = "euro".into();
            q.min = "12,50".into();
            q.from = "yesterday".into();
            q.limit = "0".into();
            q.cursor = "!".into();
        });
        let Err(OpsError::BadInput(fields)) = parse(&query, Tz::UTC) else { panic!("accepted") };
        let names: Vec<_> = fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(names, ["user", "status", "currency", "min", "from", "cursor", "limit"]);
    }

    #[test]
    fn a_day_is_the_business_zones_day() {
        let request =
            parse(&query(|q| (q.from, q.to) = ("2026-11-01".into(), "2026-11-01".into())), Tz::Asia__Seoul).unwrap();
        assert_eq!(request.from.unwrap().to_rfc3339(), "2026-10-31T15:00:00+00:00");
        assert_eq!(request.until.unwrap().to_rfc3339(), "2026-11-01T15:00:00+00:00");
    }

    #[test]
    fn an_amount_is_exact_and_its_range_has_an_order() {
        let parsed = |min: &str, max: &str| parse(&query(|q| (q.min, q.max) = (min.into(), max.into())), Tz::UTC);
        let filter = parsed("12.50", "12.5001").unwrap().filter;
        assert_eq!([filter.min, filter.max].map(|at| at.unwrap().to_string()), ["12.5", "12.5001"]);
        let Err(OpsError::BadInput(wrong)) = parsed("2", "1.9999") else { panic!("accepted") };
        assert_eq!(wrong[0].field, "max");
        assert!(parsed("1.00001", "").is_err() && parsed("", "1e3").is_err());
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_refused() {
        assert!(parse(&query(|q| (q.from, q.to) = ("2026-11-02".into(), "2026-11-01".into())), Tz::UTC).is_err());
    }
}
