//! Calendar months, the unit of partitions and retention.
//!
//! A month here has no zone: which instants it covers is decided by the history's business zone
//! (`payhist_plan::MonthBounds`). Invariant: [`Month::MIN`] ≤ month ≤ [`Month::MAX`].

use std::{fmt, str::FromStr};

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

const MONTHS_PER_YEAR: i32 = 12;

/// A calendar month, e.g. `2026-11`. Text and JSON form: `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    year: u16,
    month: u8,
}

/// Why something is not a [`Month`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MonthError {
    /// The text is not of the form `YYYY-MM`.
    #[error("{0:?} is not a month of the form YYYY-MM")]
    Malformed(String),
    /// No such month, or outside 1970-01 … 9999-12.
    #[error("month {month} of year {year} is outside 1970-01 to 9999-12")]
    OutOfRange {
        /// The year asked for.
        year: i32,
        /// The month asked for.
        month: u32,
    },
}

impl Month {
    /// The first month: 1970-01.
    pub const MIN: Self = Self { year: 1970, month: 1 };
    /// The last month: 9999-12.
    pub const MAX: Self = Self { year: 9999, month: 12 };

    /// Year 1970..=9999 and month 1..=12. Errors: [`MonthError::OutOfRange`].
    pub fn new(year: i32, month: u32) -> Result<Self, MonthError> {
        let wrong = MonthError::OutOfRange { year, month };
        match (u16::try_from(year), u8::try_from(month)) {
            (Ok(year @ 1970..=9999), Ok(month @ 1..=12)) => Ok(Self { year, month }),
            _ => Err(wrong),
        }
    }

    /// The month of a date. Errors: [`MonthError::OutOfRange`].
    pub fn of_date(date: NaiveDate) -> Result<Self, MonthError> {
        Self::new(date.year(), date.month())
    }

    /// The year, 1970..=9999.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month of the year, 1..=12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The first day of the month.
    #[expect(clippy::missing_panics_doc, reason = "the 1st of every month from 1970 to 9999 exists")]
    pub fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year.into(), self.month.into(), 1).expect("a 1st exists in every month")
    }

    fn index(self) -> i32 {
        i32::from(self.year) * MONTHS_PER_YEAR + i32::from(self.month) - 1
    }

    /// The month `months` later, or earlier if negative; `None` outside [`Month::MIN`]..=[`Month::MAX`].
    pub fn plus(self, months: i32) -> Option<Self> {
        let index = self.index().checked_add(months)?;
        let month = u32::try_from(index.rem_euclid(MONTHS_PER_YEAR)).ok()? + 1;
        Self::new(index.div_euclid(MONTHS_PER_YEAR), month).ok()
    }

    /// The following month; `None` after [`Month::MAX`].
    pub fn next(self) -> Option<Self> {
        self.plus(1)
    }

    /// The month before; `None` before [`Month::MIN`].
    pub fn prev(self) -> Option<Self> {
        self.plus(-1)
    }

    /// How many months `later` lies after `self`; negative if before.
    pub fn months_until(self, later: Self) -> i32 {
        later.index() - self.index()
    }

    /// Every month from `first` to `last`, both included; empty if `last` is before `first`.
    pub fn range(first: Self, last: Self) -> impl DoubleEndedIterator<Item = Self> + Clone {
        (0..=first.months_until(last)).filter_map(move |offset| first.plus(offset))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let digits = |part: &str, len: usize| {
            (part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse::<u32>().ok())
                .flatten()
        };
        let parts = text.split_once('-').and_then(|(year, month)| Some((digits(year, 4)?, digits(month, 2)?)));
        let (year, month) = parts.ok_or_else(|| MonthError::Malformed(text.to_owned()))?;
        Self::new(i32::try_from(year).unwrap_or(i32::MAX), month)
    }
}

impl TryFrom<String> for Month {
    type Error = MonthError;

    fn try_from(text: String) -> Result<Self, MonthError> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_month() -> impl Strategy<Value = Month> {
        (1970..=9999_i32, 1..=12_u32).prop_map(|(year, month)| Month::new(year, month).unwrap())
    }

    proptest! {
        #[test]
        fn text_and_json_round_trip(month in any_month()) {
            prop_assert_eq!(month.to_string().parse(), Ok(month));
            let json = serde_json::to_string(&month).unwrap();
            prop_assert_eq!(serde_json::from_str::<Month>(&json).unwrap(), month);
        }

        #[test]
        fn plus_and_months_until_are_inverse_and_keep_order(month in any_month(), offset in -2_000..2_000_i32) {
            if let Some(other) = month.plus(offset) {
                prop_assert_eq!(month.months_until(other), offset);
                prop_assert_eq!(month.cmp(&other), 0.cmp(&offset));
                prop_assert_eq!(month.first_day().cmp(&other.first_day()), 0.cmp(&offset));
            }
        }
    }

    #[test]
    fn the_year_turns_after_december() {
        let december: Month = "2026-12".parse().unwrap();
        assert_eq!(december.next().unwrap().to_string(), "2027-01");
        assert_eq!(december.next().unwrap().prev(), Some(december));
        assert_eq!((Month::MAX.next(), Month::MIN.prev()), (None, None));
    }

    #[test]
    fn a_range_includes_both_ends_and_may_be_empty() {
        let (first, last): (Month, Month) = ("2026-11".parse().unwrap(), "2027-02".parse().unwrap());
        let months: Vec<String> = Month::range(first, last).map(|month| month.to_string()).collect();
        assert_eq!(months, ["2026-11", "2026-12", "2027-01", "2027-02"]);
        assert_eq!(Month::range(last, first).count(), 0);
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in
            ["", "2026", "2026-1", "2026-13", "2026-00", "1969-12", "26-01", "2026-01-01", "+026-01", "２０２６-01"]
        {
            assert!(text.parse::<Month>().is_err(), "{text:?}");
        }
    }
}
