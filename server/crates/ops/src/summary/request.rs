//! From the URL's words to what is asked. Every wrong word is answered by the field that holds it.

use crate::OpsError;
use chrono::NaiveDate;
use payhist_storage::summaries::Wanted;
use payhist_types::error::FieldError;
use payhist_types::summary::{SummaryBy, SummaryQuery};
use payhist_types::{Currency, Month};

/// Most months of one answer.
const MONTHS_MAX: i32 = 120;
/// Most months of one answer by day.
const DAY_MONTHS_MAX: i32 = 24;
/// Months of an answer whose range is left open.
const MONTHS_DEFAULT: i32 = 24;

/// Which months are read, and what of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    /// The first.
    pub(crate) first: Month,
    /// The last.
    pub(crate) last: Month,
    /// Which cells are read.
    pub(crate) wanted: Wanted,
    /// Only these days, both included, are counted of the open month.
    pub(crate) days: Option<(NaiveDate, NaiveDate)>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) range: Range,
    pub(super) by: Vec<SummaryBy>,
    pub(super) currency: Option<String>,
}

/// Parses a query.
///
/// # Errors
/// [`OpsError::BadInput`] with every wrong field.
pub(super) fn parse(query: &SummaryQuery, current: Month, oldest: Option<Month>) -> Result<Request, OpsError> {
    let mut wrong = Vec::new();
    let mut refuse = |field: &str, message: String| wrong.push(FieldError { field: field.to_owned(), message });
    let mut month = |field: &str, text: &str| match text.trim() {
        "" => None,
        text => text.parse::<Month>().map_err(|error| refuse(field, format!("{error}, e.g. 2026-11"))).ok(),
    };
    let (from, to) = (month("from", &query.from), month("to", &query.to));
    let last = to.unwrap_or(current);
    let usual = last.plus(1 - MONTHS_DEFAULT).unwrap_or(Month::MIN);
    let first = from.unwrap_or_else(|| oldest.map_or(last, |oldest| oldest.clamp(usual.min(last), last)));
    let by = grouping(&query.by).unwrap_or_else(|unknown| {
        refuse("by", format!("{unknown:?} is none of month, day, provider, method, currency and status"));
        Vec::new()
    });
    let months = first.months_until(last) + 1;
    if months < 1 {
        refuse("to", "the range ends before it begins".to_owned());
    } else if months > MONTHS_MAX {
        refuse("from", format!("a summary has at most {MONTHS_MAX} months"));
    } else if by.contains(&SummaryBy::Day) && months > DAY_MONTHS_MAX {
        refuse("by", format!("a summary by day has at most {DAY_MONTHS_MAX} months"));
    }
    let currency = match query.currency.trim() {
        "" => None,
        text => text
            .to_ascii_uppercase()
            .parse::<Currency>()
            .map_err(|_| refuse("currency", "a currency has three letters, e.g. EUR".to_owned()))
            .ok(),
    };
    if !wrong.is_empty() {
        return Err(OpsError::BadInput(wrong));
    }
    let wanted = Wanted { whole: by.iter().any(|by| *by != SummaryBy::Day), days: by.contains(&SummaryBy::Day) };
    let range = Range { first, last, wanted, days: None };
    Ok(Request { range, by, currency: currency.map(|currency| currency.to_string()) })
}

fn grouping(text: &str) -> Result<Vec<SummaryBy>, String> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let mut by = Vec::new();
    for word in words {
        let one = word.to_ascii_lowercase().parse().map_err(|_| word.to_owned())?;
        if !by.contains(&one) {
            by.push(one);
        }
    }
    Ok(if by.is_empty() { vec![SummaryBy::Month] } else { by })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn ask(from: &str, to: &str, by: &str, oldest: Option<&str>) -> Result<Request, OpsError> {
        let query = SummaryQuery { from: from.into(), to: to.into(), by: by.into(), ..SummaryQuery::default() };
        parse(&query, month("2026-11"), oldest.map(month))
    }

    #[test]
    fn an_open_range_is_two_years_or_what_there_is() {
        let range = |oldest| {
            let Range { first, last, .. } = ask("", "", "", oldest).unwrap().range;
            (first.to_string(), last.to_string())
        };
        assert_eq!(range(Some("2020-01")), ("2024-12".to_owned(), "2026-11".to_owned()));
        assert_eq!(range(Some("2026-05")).0, "2026-05");
        assert_eq!(range(Some("2027-05")).0, "2026-11", "months made ahead are no beginning");
        assert_eq!(range(None).0, "2026-11");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let fields = |request: Result<Request, OpsError>| match request {
            Err(OpsError::BadInput(fields)) => fields.into_iter().map(|field| field.field).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(fields(ask("2026-13", "soon", "week", None)), ["from", "to", "by"]);
        assert_eq!(fields(ask("2026-11", "2026-10", "", None)), ["to"]);
        assert_eq!(fields(ask("2000-01", "", "", None)), ["from"]);
        assert_eq!(fields(ask("2020-01", "", "day", None)), ["by"]);
        let by = ask("", "", "day, Provider,day", None).unwrap();
        assert_eq!(by.by, [SummaryBy::Day, SummaryBy::Provider]);
        assert!(by.range.wanted.whole && by.range.wanted.days);
    }
}
