//! Legal holds: what must not be destroyed, why, and until when.
//!
//! Invariant: a scope that cannot be read is [`HoldScope::Unknown`] and covers the whole history.

use crate::sources::ShardSet;
use crate::{Month, ShardId, UserId};
use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a hold is on, within one history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HoldScope {
    /// Everything.
    History,
    /// One month of the business zone, on every shard.
    Month {
        /// The month.
        month: Month,
    },
    /// All payments of a user.
    User {
        /// The user.
        user: UserId,
    },
    /// All payments of an order.
    Order {
        /// The order.
        order: String,
    },
    /// What payhist cannot read, as it is stored: it keeps everything.
    Unknown {
        /// The stored words.
        raw: String,
    },
}

/// What a hold on single rows is on. They can be carved out of a month, so that the month may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HeldRows {
    /// All payments of a user.
    User {
        /// The user.
        user: UserId,
    },
    /// All payments of an order.
    Order {
        /// The order.
        order: String,
    },
}

/// A hold on single rows, as a plan's steps name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowHold {
    /// The hold's number.
    pub hold: u64,
    /// Its rows.
    pub rows: HeldRows,
}

impl HoldScope {
    /// The rows that it is on; `None`: it is on whole months.
    pub fn rows(&self) -> Option<HeldRows> {
        match self {
            Self::User { user } => Some(HeldRows::User { user: *user }),
            Self::Order { order } => Some(HeldRows::Order { order: order.clone() }),
            Self::History | Self::Month { .. } | Self::Unknown { .. } => None,
        }
    }

    /// Is it on a payment of that user, order and month?
    pub fn is_on(&self, user: UserId, order: &str, month: Month) -> bool {
        match self {
            Self::User { user: held } => *held == user,
            Self::Order { order: held } => held == order,
            Self::Month { month: held } => *held == month,
            Self::History | Self::Unknown { .. } => true,
        }
    }

    /// Reads what a form says: `user`, `order`, `month` or `history`, and which one.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(kind: &str, which: &str) -> Result<Self, String> {
        let which = which.trim();
        match kind {
            "history" if which.is_empty() => Ok(Self::History),
            "history" => Err("leave it empty to hold the whole history".to_owned()),
            "month" => which
                .parse()
                .map(|month| Self::Month { month })
                .map_err(|_| format!("{which:?} is no month like 2026-05")),
            "user" => which.parse().map(|user| Self::User { user }).map_err(|_| format!("{which:?} is no user id")),
            "order" if !which.is_empty() => Ok(Self::Order { order: which.to_owned() }),
            _ => Err("say which order is to be held".to_owned()),
        }
    }
}

impl fmt::Display for HoldScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::History => formatter.write_str("the whole history"),
            Self::Month { month } => write!(formatter, "month {month}"),
            Self::User { user } => write!(formatter, "user {user}"),
            Self::Order { order } => write!(formatter, "order {order}"),
            Self::Unknown { raw } => write!(formatter, "something that payhist cannot read ({raw})"),
        }
    }
}

/// Somebody did something at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Who, as the audit log names it: `operator NAME` or `command`.
    pub by: String,
    /// When.
    pub at: DateTime<FixedOffset>,
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its number.
    pub id: u64,
    /// What it is on.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
    /// The case's number, whoever counts the cases.
    pub case_number: String,
    /// Who placed it.
    pub placed: Deed,
    /// When it ends by itself; `None`: only by its release.
    pub until: Option<DateTime<FixedOffset>>,
    /// Who asked for its release. It holds all the same until another person approves.
    pub release_asked: Option<Deed>,
    /// Why it was asked to be released.
    pub release_reason: Option<String>,
    /// Who approved its release: it has ended.
    pub released: Option<Deed>,
}

impl Hold {
    /// As a step names it; `None`: it is on whole months.
    pub fn on_rows(&self) -> Option<RowHold> {
        Some(RowHold { hold: self.id, rows: self.scope.rows()? })
    }

    /// Does it hold at that moment?
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.released.is_none() && self.until.is_none_or(|until| until > now)
    }
}

/// What a hold keeps from being dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Keeps {
    /// Of a hold on whole months.
    Months(MonthsKept),
    /// Of a hold on single rows.
    Rows(RowsKept),
}

/// Whole months that a hold keeps, as the engines estimate them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MonthsKept {
    /// Months of which it keeps something.
    pub months: u32,
    /// Rows.
    pub rows_estimate: u64,
    /// Data and index bytes.
    pub bytes: u64,
}

/// The rows of a user or an order that a hold keeps, counted: each once, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowsKept {
    /// Months in which they were created.
    pub months: u32,
    /// All of them.
    pub rows: u64,
    /// Of these, rows in a month's quarantine.
    pub quarantined_rows: u64,
    /// Of these, rows whose month is gone: only their carved-out copies are left.
    pub carved_out_rows: u64,
    /// Shards on which they were counted.
    pub shards: u32,
    /// Shards that may have more of them.
    pub not_counted: Vec<NotCounted>,
}

/// A shard on which held rows were not counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotCounted {
    /// The shard.
    pub shard: ShardId,
    /// Its table.
    pub table: String,
    /// Why not.
    pub reason: String,
}

impl RowsKept {
    /// Where they were not counted, and why: a sentence for each reason.
    pub fn not_counted_words(&self) -> Vec<String> {
        match NotCounted::words(&self.not_counted) {
            words if self.shards > 0 || words.len() > 1 => words,
            _ => self.not_counted.first().map(|lost| format!("not counted: {}", lost.reason)).into_iter().collect(),
        }
    }
}

impl NotCounted {
    /// A sentence for each reason, with the shards' numbers.
    pub fn words(lost: &[Self]) -> Vec<String> {
        let mut reasons: BTreeMap<&str, BTreeSet<ShardId>> = BTreeMap::new();
        for lost in lost {
            reasons.entry(&lost.reason).or_default().insert(lost.shard);
        }
        let words = |(reason, shards): (&str, BTreeSet<ShardId>)| {
            let noun = if shards.len() == 1 { "shard" } else { "shards" };
            format!("not counted on {noun} {}: {reason}", shards.into_iter().collect::<ShardSet>())
        };
        reasons.into_iter().map(words).collect()
    }
}

/// A hold with what it keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// The hold.
    #[serde(flatten)]
    pub hold: Hold,
    /// Does it hold now?
    pub active: bool,
    /// What it keeps; `None` when it has ended.
    pub keeps: Option<Keeps>,
}

/// The holds of a history, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldList {
    /// Which history.
    pub history: String,
    /// Business zone of all times.
    pub zone: String,
    /// The holds.
    pub holds: Vec<HoldView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(shard: u16, reason: &str) -> NotCounted {
        NotCounted { shard: ShardId(shard), table: format!("t_{shard}"), reason: reason.to_owned() }
    }

    #[test]
    fn shards_that_were_not_counted_share_a_reason() {
        let not_counted = vec![lost(0, "no key"), lost(1, "no key"), lost(3, "no answer")];
        let some = RowsKept { shards: 1, not_counted, ..RowsKept::default() };
        assert_eq!(
            some.not_counted_words(),
            ["not counted on shard 3: no answer", "not counted on shards 0-1: no key"]
        );
        let none = RowsKept { not_counted: vec![lost(0, "no key"), lost(1, "no key")], ..RowsKept::default() };
        assert_eq!(none.not_counted_words(), ["not counted: no key"]);
        assert_eq!(RowsKept { shards: 2, ..RowsKept::default() }.not_counted_words(), Vec::<String>::new());
    }
}
