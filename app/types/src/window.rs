//! A maintenance window: weekly, in local time of the business zone, written as `Mon-Fri 01:00-05:00`.
//!
//! Plain data: whether a window is open at an instant is decided in `payhist_plan::windows`, which knows the zones.

use std::{fmt, str::FromStr};

use chrono::{NaiveTime, Weekday};
use serde::{Deserialize, Serialize};

/// The days of the week, in the order in which they are written.
const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
/// All of [`WEEK`], in a word.
const DAILY: &str = "daily";

/// A weekly time in which months may be dropped: `Mon-Fri 01:00-05:00`, `Sat,Sun 22:00-06:00` or `daily 02:00-03:00`.
/// One that closes when it opens or before closes on the next day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    days: Vec<Weekday>,
    opens: NaiveTime,
    closes: NaiveTime,
}

/// The text is not a [`Window`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a maintenance window such as Mon-Fri 01:00-05:00, Sat,Sun 22:00-06:00 or daily 02:00-03:00")]
pub struct WindowError(String);

impl Window {
    /// The days on which it opens, from Monday; at least one.
    pub fn days(&self) -> &[Weekday] {
        &self.days
    }

    /// When it opens, by the zone's clock, to the minute.
    pub const fn opens(&self) -> NaiveTime {
        self.opens
    }

    /// When it closes, on the next day unless that is later than [`Window::opens`].
    pub const fn closes(&self) -> NaiveTime {
        self.closes
    }

    fn read(text: &str) -> Option<Self> {
        let (days, times) = text.trim().split_once(char::is_whitespace)?;
        let (opens, closes) = times.split_once('-')?;
        let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
        Some(Self { days: days_of(days)?, opens: time(opens)?, closes: time(closes)? })
    }
}

fn days_of(text: &str) -> Option<Vec<Weekday>> {
    if text.eq_ignore_ascii_case(DAILY) {
        return Some(WEEK.to_vec());
    }
    let mut named = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (first.parse::<Weekday>().ok()?, last.parse::<Weekday>().ok()?);
        named.push(day);
        while day != last {
            day = day.succ();
            named.push(day);
        }
    }
    Some(WEEK.into_iter().filter(|day| named.contains(day)).collect())
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        Self::read(text).ok_or_else(|| WindowError(text.to_owned()))
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days == WEEK {
            formatter.write_str(DAILY)?;
        } else {
            let in_a_row = |one: &Weekday, next: &Weekday| one.succ() == *next;
            for (place, run) in self.days.chunk_by(in_a_row).enumerate() {
                let comma = if place == 0 { "" } else { "," };
                match run {
                    [first, .., last] => write!(formatter, "{comma}{first}-{last}")?,
                    _ => write!(formatter, "{comma}{}", run[0])?,
                }
            }
        }
        write!(formatter, " {}-{}", self.opens.format("%H:%M"), self.closes.format("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_as_people_write_them_and_kept_in_one_form() {
        for (written, kept) in [
            ("Mon-Fri 01:00-05:00", "Mon-Fri 01:00-05:00"),
            (" sun,sat  22:00 - 06:00 ", "Sat-Sun 22:00-06:00"),
            ("Sat-Mon 1:30-2:00", "Mon,Sat-Sun 01:30-02:00"),
            ("Monday,wed,wed 00:00-00:00", "Mon,Wed 00:00-00:00"),
            ("mon-sun 02:00-03:00", "daily 02:00-03:00"),
        ] {
            let window: Window = written.parse().unwrap();
            assert_eq!(window.to_string(), kept, "{written}");
            assert_eq!(kept.parse(), Ok(window), "{kept}");
        }
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in ["", "Mon", "01:00-02:00", "Mon 01:00", "Mon 24:00-25:00", "Mon- 01:00-02:00", "Xyz 01:00-02:00"] {
            assert!(text.parse::<Window>().is_err(), "{text:?}");
            assert!(serde_json::from_value::<Window>(text.into()).is_err(), "{text:?}");
        }
    }
}
