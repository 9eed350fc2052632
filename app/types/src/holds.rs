//! Legal holds: what must not be destroyed, why, and until when.
//!
//! Invariant: a scope that cannot be read is [`HoldScope::Unknown`] and covers the whole history.

use crate::{Month, UserId};
use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
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

/// What a hold keeps from being dropped, as the engines estimate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keeps {
    /// Months of which it keeps something.
    pub months: u32,
    /// Rows.
    pub rows_estimate: u64,
    /// Data and index bytes.
    pub bytes: u64,
}

/// A hold with what it keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// The hold.
    #[serde(flatten)]
    pub hold: Hold,
    /// Does it hold now?
    pub active: bool,
    /// The months that it keeps; `None` when it keeps single rows, or has ended.
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
