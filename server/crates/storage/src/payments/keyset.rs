//! Where a page begins, and which way it goes.

use chrono::{DateTime, Utc};
use payhist_types::PaymentId;
use rust_decimal::Decimal;

/// What a list goes by. Amounts are compared as numbers: the caller sees to it that they are of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By time, the newest first.
    #[default]
    Newest,
    /// By amount, the largest first.
    Largest,
    /// By amount, the smallest first.
    Smallest,
}

/// A payment's place in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// First, in an order by amount.
    pub amount: Option<Decimal>,
    /// Then, or first.
    pub created_at: DateTime<Utc>,
    /// Last.
    pub payment_id: PaymentId,
}

/// Where a page begins, and which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyset {
    /// From the beginning of the list.
    First(Sort),
    /// Onward from a place.
    After(Sort, Key),
    /// Back from a place: the row nearest to it comes first.
    Before(Sort, Key),
}

impl Keyset {
    /// The newest payments.
    pub const NEWEST: Self = Self::First(Sort::Newest);

    /// Newest first, older than this.
    pub const fn older_than(key: Key) -> Self {
        Self::After(Sort::Newest, key)
    }

    /// Oldest first, newer than this.
    pub const fn newer_than(key: Key) -> Self {
        Self::Before(Sort::Newest, key)
    }

    /// What the list goes by.
    pub const fn sort(self) -> Sort {
        match self {
            Self::First(sort) | Self::After(sort, _) | Self::Before(sort, _) => sort,
        }
    }

    /// The place that the page begins at, unless it is the list's beginning.
    pub const fn key(self) -> Option<Key> {
        match self {
            Self::First(_) => None,
            Self::After(_, key) | Self::Before(_, key) => Some(key),
        }
    }

    /// Does the page go back?
    pub const fn is_backwards(self) -> bool {
        matches!(self, Self::Before(..))
    }

    /// Do the rows come from the least key to the greatest?
    pub const fn ascends(self) -> bool {
        matches!(self.sort(), Sort::Smallest) != self.is_backwards()
    }
}
