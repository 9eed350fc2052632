//! The first page: is it healthy?

use crate::findings::Runway;
use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How loud something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Good,
    /// Somebody should look today.
    Warning,
    /// Somebody should look now.
    Critical,
}

/// One answer of the overview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// What was looked at, e.g. `Runway`.
    pub title: String,
    /// How it stands.
    pub health: Health,
    /// The figure, e.g. `3 months`.
    pub value: String,
    /// A sentence that explains it.
    pub detail: String,
    /// The page that tells more.
    pub href: String,
}

/// Payments of one day and currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTotal {
    /// Day in the business zone.
    pub day: NaiveDate,
    /// Currency code.
    pub currency: String,
    /// Payments.
    pub count: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Sum of the amounts that were paid.
    pub amount: Decimal,
}

/// The overview page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Which history.
    pub history: String,
    /// Zone of the days.
    pub zone: String,
    /// When it was read.
    pub read_at: DateTime<FixedOffset>,
    /// The answers, worst first.
    pub checks: Vec<HealthCheck>,
    /// The shortest runway, if any shard has one.
    pub runway: Option<Runway>,
    /// The last 14 days, oldest first; days without payments are left out.
    pub days: Vec<DayTotal>,
    /// Shards whose figures are missing from `days`, in words.
    pub missing: Vec<String>,
}
