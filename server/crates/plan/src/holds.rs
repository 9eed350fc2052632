//! What a legal hold keeps.
//!
//! Invariant: what is doubtful is kept. A hold on a user or an order keeps every month of the shards that may have its
//! rows; a hold on a month keeps that month and all younger ones, since a table's oldest partition takes older rows too.

use crate::routing::shard_of;
use chrono::{DateTime, Utc};
use payhist_types::history::Route;
use payhist_types::holds::{Hold, HoldScope};
use payhist_types::plan::Guard;
use payhist_types::{Month, ShardId};

/// The holds that keep a month of a shard from being dropped at that moment.
pub fn keeping<'a>(
    holds: &'a [Hold],
    route: &'a Route,
    shard: ShardId,
    month: Month,
    now: DateTime<Utc>,
) -> impl Iterator<Item = &'a Hold> {
    let bears = move |scope: &HoldScope| match scope {
        HoldScope::History | HoldScope::Order { .. } | HoldScope::Unknown { .. } => true,
        HoldScope::Month { month: held } => *held <= month,
        HoldScope::User { user } => shard_of(route, *user) == shard,
    };
    holds.iter().filter(move |hold| hold.is_active(now) && bears(&hold.scope))
}

/// The guard of a step that the hold blocks.
pub fn guard(hold: &Hold) -> Guard {
    Guard::Held { hold: hold.id, case_number: hold.case_number.clone(), until: hold.until.map(|until| until.to_utc()) }
}
