//! A policy as people write it: what has two spellings there has one in [`Policy`].

use serde::{Deserialize, Serialize};

use crate::history::Policy;
use crate::window::Window;

/// What to do about transactions that keep a step from its lock until its tries run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Blockers {
    /// Name them and give up.
    #[default]
    Wait,
    /// Kill those that hold a lock on the step's table, and try once more.
    Kill,
}

/// [`Policy`] as configured and stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    premake_months: Option<u16>,
    retention_months: Option<u16>,
    retention_years: Option<u16>,
    quarantine_days: Option<u16>,
    #[serde(default)]
    windows: Vec<Window>,
    max_drop_bytes_outside_windows: Option<u64>,
    #[serde(default)]
    blockers: Blockers,
    replica_lag_max_secs: Option<u32>,
    archive: Option<String>,
    zone: String,
}

/// Why it is no [`Policy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrittenError {
    /// In months and in years.
    #[error("retention_months and retention_years are the same in two units: give one of them")]
    RetentionTwice,
    /// More months than anybody counts.
    #[error("retention_years is at most {}", u16::MAX / MONTHS_OF_YEAR)]
    TooManyYears,
}

/// Months of a year.
const MONTHS_OF_YEAR: u16 = 12;

/// Years as months.
///
/// # Errors
/// [`WrittenError::TooManyYears`].
pub fn months_of_years(years: u16) -> Result<u16, WrittenError> {
    years.checked_mul(MONTHS_OF_YEAR).ok_or(WrittenError::TooManyYears)
}

impl TryFrom<Written> for Policy {
    type Error = WrittenError;

    fn try_from(written: Written) -> Result<Self, WrittenError> {
        let retention_months = match (written.retention_months, written.retention_years) {
            (Some(_), Some(_)) => return Err(WrittenError::RetentionTwice),
            (months, None) => months,
            (None, Some(years)) => Some(months_of_years(years)?),
        };
        Ok(Self {
            premake_months: written.premake_months,
            retention_months,
            quarantine_days: written.quarantine_days,
            windows: written.windows,
            max_drop_bytes_outside_windows: written.max_drop_bytes_outside_windows,
            blockers: written.blockers,
            replica_lag_max_secs: written.replica_lag_max_secs,
            archive: written.archive,
            zone: written.zone,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(written: serde_json::Value) -> Result<Policy, String> {
        serde_json::from_value(written).map_err(|error| error.to_string())
    }

    #[test]
    fn years_and_months_of_retention_are_kept_in_one_form() {
        let years = read(json!({ "zone": "UTC", "retention_years": 5 })).unwrap();
        assert_eq!(years, read(json!({ "zone": "UTC", "retention_months": 60 })).unwrap());
        assert_eq!(read(serde_json::to_value(&years).unwrap()), Ok(years));
        for wrong in [
            json!({ "zone": "UTC", "retention_years": 5, "retention_months": 60 }),
            json!({ "zone": "UTC", "retention_years": 6_000 }),
            json!({ "zone": "UTC", "retention": 5 }),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_policy_of_before_windows_waits_and_drops_at_any_time() {
        let policy = read(json!({ "zone": "UTC", "premake_months": 3, "retention_months": null })).unwrap();
        assert_eq!((policy.windows, policy.blockers), (vec![], Blockers::Wait));
    }
}
