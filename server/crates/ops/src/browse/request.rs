//! From the URL's words to what is asked. Every wrong word is answered by the field that holds it.

use super::moment::Moment;
use super::windows::{TIME_MAX, TIME_MIN};
use crate::OpsError;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use payhist_storage::payments::{Filter, Key, Keyset, Sort};
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
/// Longest time range, in days, whose payments are sorted by amount: a quarter of a year.
const SORTED_DAYS_MAX: i64 = 92;

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
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

/// Parses a query in the history's business zone, as of now.
///
/// # Errors
/// [`OpsError::BadInput`] with every wrong field.
pub(crate) fn parse(query: &PaymentQuery, business: Tz, now: DateTime<Utc>) -> Result<Request, OpsError> {
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
    let today = now.with_timezone(&business).date_naive();
    let from = optional(&mut wrong, "from", &query.from, |text| Ok(Moment::parse(text, today)?.start(business)));
    let until = optional(&mut wrong, "to", &query.to, |text| Ok(Moment::parse(text, today)?.end(business)));
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        wrong.push(FieldError { field: "to".to_owned(), message: "the range ends before it begins".to_owned() });
    }
    let sort = optional(&mut wrong, "sort", &query.sort, |text| {
        let sort = sort(text)?;
        let why_not = unsortable(&filter, from, until).filter(|_| sort != Sort::Newest);
        why_not.map_or(Ok(sort), Err)
    });
    let sort = sort.unwrap_or_default();
    let keyset = optional(&mut wrong, "cursor", &query.cursor, |text| keyset(text, sort));
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
        keyset: keyset.unwrap_or(Keyset::First(sort)),
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

/// A cursor belongs to the list it was made for: one by amount has an amount.
fn keyset(text: &str, sort: Sort) -> Result<Keyset, String> {
    let cursor = Cursor::from_str(text).ok().filter(|cursor| cursor.amount().is_some() == (sort != Sort::Newest));
    // A made-up one may name a time that no database can be asked for.
    let cursor = cursor.filter(|cursor| (TIME_MIN..=TIME_MAX).contains(&cursor.created_at()));
    let cursor = cursor.ok_or("this cursor is not one of this list: go back to its first page")?;
    let key = Key { amount: cursor.amount(), created_at: cursor.created_at(), payment_id: cursor.payment_id() };
    Ok(match cursor.direction() {
        Direction::Older => Keyset::After(sort, key),
        Direction::Newer => Keyset::Before(sort, key),
    })
}

fn sort(text: &str) -> Result<Sort, String> {
    match text {
        "newest" => Ok(Sort::Newest),
        "largest" => Ok(Sort::Largest),
        "smallest" => Ok(Sort::Smallest),
        _ => Err("a list goes by newest, largest or smallest".to_owned()),
    }
}

/// Why a list cannot go by amount: no key serves that order, so what is sorted must be bounded, and of one currency.
fn unsortable(filter: &Filter, from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Option<String> {
    if filter.currency.is_none() {
        return Some("amounts of several currencies have no order: choose a currency".to_owned());
    }
    let is_short =
        matches!((from, until), (Some(from), Some(until)) if until - from <= TimeDelta::days(SORTED_DAYS_MAX));
    let is_bounded = is_short || filter.is_narrow();
    (!is_bounded).then(|| format!("choose a time range of at most {SORTED_DAYS_MAX} days, a user or an order"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

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
            q.sort = "oldest".into();
            q.cursor = "!".into();
        });
        let Err(OpsError::BadInput(fields)) = parse(&query, Tz::UTC, NOW) else { panic!("accepted") };
        let names: Vec<_> = fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(names, ["user", "status", "currency", "min", "from", "sort", "cursor", "limit"]);
    }

    #[test]
    fn a_day_is_the_business_zones_day() {
        let request =
            parse(&query(|q| (q.from, q.to) = ("2026-11-01".into(), "2026-11-01".into())), Tz::Asia__Seoul, NOW)
                .unwrap();
        assert_eq!(request.from.unwrap().to_rfc3339(), "2026-10-31T15:00:00+00:00");
        assert_eq!(request.until.unwrap().to_rfc3339(), "2026-11-01T15:00:00+00:00");
    }

    #[test]
    fn an_amount_is_exact_and_its_range_has_an_order() {
        let parsed = |min: &str, max: &str| parse(&query(|q| (q.min, q.max) = (min.into(), max.into())), Tz::UTC, NOW);
        let filter = parsed("12.50", "12.5001").unwrap().filter;
        assert_eq!([filter.min, filter.max].map(|at| at.unwrap().to_string()), ["12.5", "12.5001"]);
        let Err(OpsError::BadInput(wrong)) = parsed("2", "1.9999") else { panic!("accepted") };
        assert_eq!(wrong[0].field, "max");
        assert!(parsed("1.00001", "").is_err() && parsed("", "1e3").is_err());
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_refused() {
        assert!(parse(&query(|q| (q.from, q.to) = ("2026-11-02".into(), "2026-11-01".into())), Tz::UTC, NOW).is_err());
    }

    #[test]
    fn only_a_bounded_list_of_one_currency_goes_by_amount() {
        let sorted = |currency: &str, from: &str, user: &str| {
            let query = query(|q| {
                (q.sort, q.currency, q.user) = ("largest".into(), currency.into(), user.into());
                (q.from, q.to) = (from.into(), "2026-11-30".into());
            });
            parse(&query, Tz::UTC, NOW).is_ok()
        };
        assert!(sorted("EUR", "2026-11-01", "") && sorted("EUR", "", "42"));
        assert!(!sorted("", "2026-11-01", "") && !sorted("", "", "42") && !sorted("EUR", "", ""));
        assert!(sorted("EUR", "2026-08-31", "") && !sorted("EUR", "2026-08-30", ""), "92 days, and no more");
    }

    #[test]
    fn a_cursor_at_a_time_that_no_database_knows_is_refused() {
        let parsed = |at: &str| {
            let cursor = Cursor::new(at.parse().unwrap(), PaymentId::from_raw(1), Direction::Older).to_string();
            parse(&query(|q| q.cursor = cursor), Tz::UTC, NOW)
        };
        assert!(parsed("1970-01-01T00:00:00Z").is_ok() && parsed("9999-12-30T00:00:00Z").is_ok());
        for away in ["-0001-01-01T00:00:00Z", "+12345-01-01T00:00:00Z", "+262142-01-01T00:00:00Z"] {
            assert!(parsed(away).is_err(), "{away}");
        }
    }

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let parsed = |sort: &str, cursor: Cursor| {
            let query = query(|q| {
                (q.currency, q.user) = ("EUR".into(), "42".into());
                (q.sort, q.cursor) = (sort.into(), cursor.to_string());
            });
            parse(&query, Tz::UTC, NOW)
        };
        let by_time = Cursor::new(NOW, PaymentId::from_raw(1), Direction::Older);
        assert!(parsed("", by_time).is_ok() && parsed("largest", by_time).is_err());
        let by_amount = by_time.at_amount(Decimal::TEN);
        assert!(parsed("largest", by_amount).is_ok() && parsed("newest", by_amount).is_err());
    }
}
