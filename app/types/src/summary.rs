//! Sums of payments: count, amount and failure rate, and where each month's figures come from.
//!
//! Invariants: what is not known is no zero: a month and shard without figures is in [`Coverage`], and nothing of it is in
//! a row; amounts of different currencies are never added.

use crate::payment::{MissingShard, PaymentStatus};
use crate::{Month, ShardId};
use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What is asked, exactly as the URL carries it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct SummaryQuery {
    /// Which history; empty means the default one.
    #[cfg_attr(feature = "openapi", param(pattern = "^[a-z][a-z0-9_]{0,31}$", example = "payments"))]
    pub history: String,
    /// First month, `2025-01`; empty: two years before the last, or the oldest that is known.
    #[cfg_attr(feature = "openapi", param(value_type = Month))]
    pub from: String,
    /// Last month; empty: the running one.
    #[cfg_attr(feature = "openapi", param(value_type = Month))]
    pub to: String,
    /// By what, comma-separated: `month`, `day`, `provider`, `method`, `currency`, `status`; empty means by month.
    #[cfg_attr(feature = "openapi", param(value_type = Vec<SummaryBy>, style = Form, explode = false, min_items = 1))]
    pub by: String,
    /// In this currency alone; empty means all.
    #[cfg_attr(feature = "openapi", param(value_type = crate::Currency))]
    pub currency: String,
}

/// What figures are grouped by.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SummaryBy {
    /// The month in which they were created, in the business zone.
    Month,
    /// The day.
    Day,
    /// The provider.
    Provider,
    /// The method.
    Method,
    /// The currency.
    Currency,
    /// The status.
    Status,
}

/// Figures of some payments of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Figures {
    /// Payments.
    pub count: u64,
    /// Of these, decided: see [`is_decided`].
    pub decided: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Sum of all amounts.
    pub amount: Decimal,
    /// Sum of the amounts of those that are paid: status `PAID`.
    pub paid: Decimal,
}

/// Has somebody decided about a payment in this state? It is neither just recorded, nor waiting, nor only reserved.
pub const fn is_decided(status: PaymentStatus) -> bool {
    !matches!(status, PaymentStatus::Requested | PaymentStatus::Pending | PaymentStatus::Authorized)
}

impl Figures {
    /// Those of payments of one status.
    pub fn of(status: PaymentStatus, count: u64, amount: Decimal) -> Self {
        let only = |is: bool| if is { count } else { 0 };
        Self {
            count,
            decided: only(is_decided(status)),
            failed: only(status == PaymentStatus::Failed),
            amount,
            paid: if status == PaymentStatus::Paid { amount } else { Decimal::ZERO },
        }
    }

    /// Adds those of other payments of the same currency; `None` when a sum has more digits than there are.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            count: self.count.checked_add(other.count)?,
            decided: self.decided.checked_add(other.decided)?,
            failed: self.failed.checked_add(other.failed)?,
            amount: self.amount.checked_add(other.amount)?,
            paid: self.paid.checked_add(other.paid)?,
        })
    }

    /// Failed of all that are decided, in percent with two decimals; `None` while none is decided.
    pub fn failure_percent(&self) -> Option<Decimal> {
        let failed = Decimal::from(self.failed).checked_mul(Decimal::ONE_HUNDRED)?;
        let mut percent = failed.checked_div(Decimal::from(self.decided))?.round_dp(2);
        percent.rescale(2);
        Some(percent)
    }
}

/// The figures of one group and currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SummaryRow {
    /// The group: a month, a day, a provider, …; `None`: the payments have no such value.
    pub key: Option<String>,
    /// Currency code.
    pub currency: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Failed of all that are decided, in percent; `None` while none is decided.
    pub failure_percent: Option<Decimal>,
}

/// The rows of one grouping: months and days by time, others by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Breakdown {
    /// By what.
    pub by: SummaryBy,
    /// Its rows.
    pub rows: Vec<SummaryRow>,
}

/// Where the figures of a month of a shard come from, or why there are none.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::IntoStaticStr,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PartState {
    /// Counted for this answer, or, of an open month, a few seconds before.
    Counted,
    /// Counted before and kept.
    Kept,
    /// Counted before and kept; the source says that rows have changed since.
    KeptAndChanged,
    /// Kept from before the month went to quarantine.
    KeptBeforeQuarantine,
    /// Kept from before the month left the table for good.
    KeptBeforeDrop,
    /// Unknown: not summarised yet, and there was no time left to count.
    NotYet,
    /// Unknown: the shard did not answer, or could not be counted.
    Silent,
    /// Unknown: the month is in quarantine and was not counted before.
    Quarantined,
    /// Unknown: the table has no such month: it was dropped, or never there, and was not counted before.
    NotThere,
}

impl PartState {
    /// The same in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Counted => "counted just now",
            Self::Kept => "counted before",
            Self::KeptAndChanged => "counted before; rows have changed since",
            Self::KeptBeforeQuarantine => "in quarantine; counted before that",
            Self::KeptBeforeDrop => "no longer in the table; counted before it was dropped",
            Self::NotYet => "not yet summarised",
            Self::Silent => "no answer",
            Self::Quarantined => "in quarantine, and not counted before",
            Self::NotThere => "not in the table, and not counted before",
        }
    }

    /// Are its figures in the rows?
    pub const fn is_known(self) -> bool {
        !matches!(self, Self::NotYet | Self::Silent | Self::Quarantined | Self::NotThere)
    }
}

/// Shards whose figures of a month come from the same place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Part {
    /// Where they come from.
    pub state: PartState,
    /// Which shards.
    pub shards: Vec<ShardId>,
    /// When they were counted: the oldest of them; `None` where nothing is known.
    pub as_of: Option<DateTime<FixedOffset>>,
}

/// Where the figures of one month come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Coverage {
    /// The month.
    pub month: Month,
    /// Its shards, by state.
    pub parts: Vec<Part>,
}

impl Coverage {
    /// Is any of it known?
    pub fn is_known(&self) -> bool {
        self.parts.iter().any(|part| part.state.is_known())
    }

    /// Is some of it known and some not? Then its figures are short.
    pub fn is_partial(&self) -> bool {
        self.is_known() && self.parts.iter().any(|part| !part.state.is_known())
    }

    /// May asking again tell more? A month that no shard has is as known as it can be.
    pub fn is_complete(&self) -> bool {
        self.parts.iter().all(|part| part.state.is_known())
            || self.parts.iter().all(|part| part.state == PartState::NotThere)
    }

    /// When its oldest kept figures were counted.
    pub fn as_of(&self) -> Option<DateTime<FixedOffset>> {
        let kept = self.parts.iter().filter(|part| part.state != PartState::Counted);
        kept.filter_map(|part| part.as_of).min()
    }
}

/// Figures of a range of months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Summary {
    /// Which history.
    pub history: String,
    /// Business zone of months, days and times.
    pub zone: String,
    /// When it was read.
    pub read_at: DateTime<FixedOffset>,
    /// The first month.
    pub from: Month,
    /// The last month.
    pub to: Month,
    /// The running month.
    pub current: Month,
    /// The currency that it is about; `None`: all.
    pub currency: Option<String>,
    /// Every currency of the range, whichever was asked for.
    pub currencies: Vec<String>,
    /// What was asked for.
    pub breakdowns: Vec<Breakdown>,
    /// Each month of the range: where its figures come from.
    pub months: Vec<Coverage>,
    /// False when figures lack payments that the history has, or may have.
    pub complete: bool,
    /// The shards that did not answer.
    pub missing: Vec<MissingShard>,
}

impl Summary {
    /// The rows of one grouping, if it was asked for.
    pub fn by(&self, by: SummaryBy) -> &[SummaryRow] {
        self.breakdowns.iter().find(|found| found.by == by).map_or(&[], |found| &found.rows)
    }

    /// The months that are not known in full, though the history has them or may have them.
    pub fn short(&self) -> impl Iterator<Item = &Coverage> {
        self.months.iter().filter(|month| !month.is_complete())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_rate_is_of_those_that_are_decided_and_unknown_while_none_is() {
        let of = |status, count| Figures::of(status, count, Decimal::ONE);
        let waiting = of(PaymentStatus::Pending, 90);
        assert_eq!(waiting.failure_percent(), None);
        let paid = waiting.plus(of(PaymentStatus::Paid, 2)).unwrap();
        assert_eq!(paid.failure_percent().unwrap().to_string(), "0.00");
        let all = paid.plus(of(PaymentStatus::Failed, 1)).unwrap();
        assert_eq!((all.count, all.decided, all.failure_percent().unwrap().to_string()), (93, 3, "33.33".to_owned()));
        assert_eq!((all.amount, all.paid), (Decimal::from(3), Decimal::ONE));
    }

    #[test]
    fn a_month_is_short_when_one_shard_is_unknown_and_not_when_no_shard_has_it() {
        let part = |state| Part { state, shards: vec![ShardId(0)], as_of: None };
        let coverage =
            |states: &[PartState]| Coverage { month: Month::MIN, parts: states.iter().copied().map(part).collect() };
        assert!(coverage(&[PartState::Kept, PartState::Counted]).is_complete());
        assert!(coverage(&[PartState::NotThere]).is_complete());
        assert!(!coverage(&[PartState::NotThere]).is_known());
        for short in [PartState::NotYet, PartState::Silent, PartState::Quarantined, PartState::NotThere] {
            let coverage = coverage(&[PartState::Kept, short]);
            assert!(!coverage.is_complete() && coverage.is_partial(), "{short}");
        }
    }
}
