//! A policy as a form, an address or a command line gives it: text, field by field, on top of the one that holds.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use crate::error::FieldError;
use crate::history::Policy;
use crate::policy::months_of_years;

/// What a field is set to that is to have no value; an empty one is the same.
const NONE: &str = "none";

/// What was typed; `None` leaves a field as it is, empty text or `none` takes its value away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyEdit {
    /// Months beyond the running one.
    pub premake_months: Option<String>,
    /// `18`, `18 months` or `5 years`.
    pub retention: Option<String>,
    /// Days in quarantine.
    pub quarantine_days: Option<String>,
    /// Maintenance windows, one a line or separated by semicolons.
    pub windows: Option<String>,
    /// Bytes.
    pub max_drop_bytes_outside_windows: Option<String>,
    /// `wait` or `kill`.
    pub blockers: Option<String>,
    /// Seconds.
    pub replica_lag_max_secs: Option<String>,
    /// The name of an `[archive.NAME]`.
    pub archive: Option<String>,
    /// IANA name.
    pub zone: Option<String>,
}

impl PolicyEdit {
    /// A policy as it would be typed.
    pub fn of(policy: &Policy) -> Self {
        fn number(number: Option<impl ToString>) -> String {
            number.map(|number| number.to_string()).unwrap_or_default()
        }
        let windows: Vec<_> = policy.windows.iter().map(ToString::to_string).collect();
        Self {
            premake_months: Some(number(policy.premake_months)),
            retention: Some(number(policy.retention_months)),
            quarantine_days: Some(number(policy.quarantine_days)),
            windows: Some(windows.join("\n")),
            max_drop_bytes_outside_windows: Some(number(policy.max_drop_bytes_outside_windows)),
            blockers: Some(policy.blockers.to_string()),
            replica_lag_max_secs: Some(number(policy.replica_lag_max_secs)),
            archive: Some(policy.archive.clone().unwrap_or_default()),
            zone: Some(policy.zone.clone()),
        }
    }

    /// What was typed, and for the rest the policy as it would be typed.
    #[must_use]
    pub fn or(self, policy: &Policy) -> Self {
        let rest = Self::of(policy);
        Self {
            premake_months: self.premake_months.or(rest.premake_months),
            retention: self.retention.or(rest.retention),
            quarantine_days: self.quarantine_days.or(rest.quarantine_days),
            windows: self.windows.or(rest.windows),
            max_drop_bytes_outside_windows: self.max_drop_bytes_outside_windows.or(rest.max_drop_bytes_outside_windows),
            blockers: self.blockers.or(rest.blockers),
            replica_lag_max_secs: self.replica_lag_max_secs.or(rest.replica_lag_max_secs),
            archive: self.archive.or(rest.archive),
            zone: self.zone.or(rest.zone),
        }
    }

    /// The policy with what was typed.
    ///
    /// # Errors
    /// Each field that cannot be read.
    pub fn on(&self, policy: &Policy) -> Result<Policy, Vec<FieldError>> {
        let mut wrong = Wrong(Vec::new());
        let edited = Policy {
            premake_months: wrong.number("premake_months", self.premake_months.as_deref(), policy.premake_months),
            retention_months: wrong.read("retention", self.retention.as_deref(), policy.retention_months, retention),
            quarantine_days: wrong.number("quarantine_days", self.quarantine_days.as_deref(), policy.quarantine_days),
            windows: {
                let known = Some(policy.windows.clone());
                let read = |text: &str| {
                    let lines = text.split([';', '\n']).map(str::trim).filter(|line| !line.is_empty());
                    lines.map(|line| line.parse().map_err(|error| format!("{error}"))).collect()
                };
                wrong.read("windows", self.windows.as_deref(), known, read).unwrap_or_default()
            },
            max_drop_bytes_outside_windows: wrong.number(
                "max_drop_bytes_outside_windows",
                self.max_drop_bytes_outside_windows.as_deref(),
                policy.max_drop_bytes_outside_windows,
            ),
            blockers: {
                let read = |text: &str| text.parse().map_err(|_| format!("{text:?} is neither wait nor kill"));
                wrong.read("blockers", self.blockers.as_deref(), Some(policy.blockers), read).unwrap_or_default()
            },
            replica_lag_max_secs: wrong.number(
                "replica_lag_max_secs",
                self.replica_lag_max_secs.as_deref(),
                policy.replica_lag_max_secs,
            ),
            archive: wrong.read("archive", self.archive.as_deref(), policy.archive.clone(), |name| Ok(name.to_owned())),
            zone: self.zone.as_deref().map_or_else(|| policy.zone.clone(), |zone| zone.trim().to_owned()),
        };
        if wrong.0.is_empty() { Ok(edited) } else { Err(wrong.0) }
    }
}

fn retention(text: &str) -> Result<u16, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u16 = number.parse().map_err(|_| format!("{text:?} is not a number of months or years"))?;
    match unit.trim() {
        "" | "m" | "month" | "months" => Ok(number),
        "y" | "year" | "years" => months_of_years(number).map_err(|error| error.to_string()),
        unit => Err(format!("{unit:?} is neither months nor years")),
    }
}

/// The fields that could not be read.
struct Wrong(Vec<FieldError>);

impl Wrong {
    fn number<T: FromStr>(&mut self, field: &str, typed: Option<&str>, known: Option<T>) -> Option<T> {
        let read = |text: &str| text.parse().map_err(|_| format!("{text:?} is not a number that fits here"));
        self.read(field, typed, known, read)
    }

    fn read<T>(
        &mut self,
        field: &str,
        typed: Option<&str>,
        known: Option<T>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(text) = typed.map(str::trim) else { return known };
        if text.is_empty() || text == NONE {
            return None;
        }
        match read(text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.0.push(FieldError { field: field.to_owned(), message });
                None
            }
        }
    }
}

/// One change of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChange {
    /// The version that it made, from 1.
    pub version: u64,
    /// The policy before; `None` for the first, or when there are more versions than are shown.
    pub from: Option<Policy>,
    /// The policy since.
    pub to: Policy,
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<FixedOffset>,
}

/// A history's policy and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    /// Which history.
    pub history: String,
    /// Its version.
    pub version: u64,
    /// What holds.
    pub policy: Policy,
    /// It is given by the configuration, and changed only there.
    pub configured: bool,
    /// The latest changes, newest first.
    pub changes: Vec<PolicyChange>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_typed_stays_and_what_is_empty_goes() {
        let known = Policy {
            premake_months: Some(3),
            retention_months: Some(12),
            zone: "Asia/Seoul".into(),
            ..Policy::default()
        };
        assert_eq!(PolicyEdit::default().on(&known), Ok(known.clone()));
        assert_eq!(PolicyEdit::of(&known).on(&Policy::default()), Ok(known.clone()));
        let typed = |text: &str| Some(text.to_owned());
        let edit = PolicyEdit {
            premake_months: typed(""),
            retention: typed("5 years"),
            quarantine_days: typed(" 30 "),
            windows: typed("sat 01:00-05:00\nSun 02:00-03:00; "),
            ..PolicyEdit::default()
        };
        let edited = edit.on(&known).unwrap();
        assert_eq!(
            (edited.premake_months, edited.retention_months, edited.quarantine_days),
            (None, Some(60), Some(30))
        );
        let windows: Vec<_> = edited.windows.iter().map(ToString::to_string).collect();
        assert_eq!(windows, ["Sat 01:00-05:00", "Sun 02:00-03:00"]);
        assert_eq!(edited.zone, "Asia/Seoul");
    }

    #[test]
    fn each_field_that_cannot_be_read_is_named() {
        let typed = |text: &str| Some(text.to_owned());
        let edit = PolicyEdit {
            premake_months: typed("-1"),
            retention: typed("5 weeks"),
            windows: typed("whenever"),
            blockers: typed("shout"),
            ..PolicyEdit::default()
        };
        let wrong = edit.on(&Policy::default()).unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["premake_months", "retention", "windows", "blockers"]);
    }
}
