//! What a legal hold keeps.
//!
//! Invariant: what is doubtful is kept. A hold on a month keeps that month and all younger ones, since a table's oldest
//! partition takes older rows too; a hold on a user or an order keeps its rows on the shards that may have them, and a
//! month of such a shard goes only without them: they are carved out first.

use crate::routing::shard_of;
use chrono::{DateTime, Utc};
use payhist_types::history::Route;
use payhist_types::holds::{Hold, HoldScope, RowHold};
use payhist_types::plan::Guard;
use payhist_types::{Month, ShardId};

/// The holds that bear upon a month of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping<'a> {
    /// Those that keep all of it.
    pub whole: Vec<&'a Hold>,
    /// Those that keep single rows of it.
    pub rows: Vec<RowHold>,
}

/// The holds that bear upon a month of a shard at that moment.
pub fn keeping<'a>(holds: &'a [Hold], route: &Route, shard: ShardId, month: Month, now: DateTime<Utc>) -> Keeping<'a> {
    let bears = |scope: &HoldScope| match scope {
        HoldScope::History | HoldScope::Order { .. } | HoldScope::Unknown { .. } => true,
        HoldScope::Month { month: held } => *held <= month,
        HoldScope::User { user } => shard_of(route, *user) == shard,
    };
    let its = || holds.iter().filter(|hold| hold.is_active(now) && bears(&hold.scope));
    Keeping {
        whole: its().filter(|hold| hold.scope.rows().is_none()).collect(),
        rows: its().filter_map(Hold::on_rows).collect(),
    }
}

/// The guard of a step that the hold blocks.
pub fn guard(hold: &Hold) -> Guard {
    Guard::Held { hold: hold.id, case_number: hold.case_number.clone(), until: hold.until.map(|until| until.to_utc()) }
}
