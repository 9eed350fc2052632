//! The ends of a time range as people write them, in the business zone: a day, a minute, or a word that moves along with
//! time, so that a saved view of today is one of today tomorrow, too.

use crate::zone;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

/// What is understood.
const FORMS: &str = "write 2026-11-01, 2026-11-01T09:30, today, today-6, month or month-1";

/// How far back a moving word may reach, in days or months.
const BACK_MAX: u32 = 10_000;

/// A stretch of days, or a minute.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The first and the last day.
    Days(NaiveDate, NaiveDate),
    Time(NaiveDateTime),
}

impl Moment {
    /// Reads `2026-11-01`, `2026-11-01T09:30`, `today`, `today-6`, `month` or `month-1`.
    pub(super) fn parse(text: &str, today: NaiveDate) -> Result<Self, String> {
        // chrono would take years of any length, and signs.
        let has_year =
            text.len() > 4 && text.bytes().take(4).all(|byte| byte.is_ascii_digit()) && text.as_bytes()[4] == b'-';
        if !has_year {
            return Self::moving(text, today).ok_or_else(|| FORMS.to_owned());
        }
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::Days(day, day));
        }
        let time = |form: &&str| NaiveDateTime::parse_from_str(text, form).ok();
        let time = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"].iter().find_map(time).map(Self::Time);
        time.ok_or_else(|| FORMS.to_owned())
    }

    fn moving(text: &str, today: NaiveDate) -> Option<Self> {
        let (word, back) = text.split_once('-').unwrap_or((text, "0"));
        let back = back.parse::<u32>().ok().filter(|back| *back <= BACK_MAX)?;
        match word {
            "today" => {
                let day = today.checked_sub_days(Days::new(back.into()))?;
                Some(Self::Days(day, day))
            }
            "month" => {
                let first = today.with_day(1)?.checked_sub_months(Months::new(back))?;
                Some(Self::Days(first, first.checked_add_months(Months::new(1))?.pred_opt()?))
            }
            _ => None,
        }
    }

    pub(super) fn start(&self, business: Tz) -> DateTime<Utc> {
        match self {
            Self::Days(first, _) => zone::day_start(*first, business),
            Self::Time(time) => zone::first_instant(*time, business),
        }
    }

    /// A day ends when the next one begins; a time ends a range as it stands.
    pub(super) fn end(&self, business: Tz) -> DateTime<Utc> {
        match self {
            Self::Days(_, last) => zone::day_start(last.succ_opt().unwrap_or(*last), business),
            Self::Time(time) => zone::first_instant(*time, business),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_move_along_with_time() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let parsed = |text: &str| Moment::parse(text, day("2026-03-30"));
        let days = |first: &str, last: &str| Ok(Moment::Days(day(first), day(last)));
        assert_eq!(parsed("today"), days("2026-03-30", "2026-03-30"));
        assert_eq!(parsed("today-30"), days("2026-02-28", "2026-02-28"));
        assert_eq!(parsed("month"), days("2026-03-01", "2026-03-31"));
        assert_eq!(parsed("month-1"), days("2026-02-01", "2026-02-28"));
        for wrong in [
            "",
            "-0001-01-01",
            "+12345-01-01",
            "20260-01-01",
            "yesterday",
            "today-",
            "today--1",
            "month+1",
            "today-99999",
            "2026-02-30",
            "2026-11-01 09:30",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
