//! The judge's own rules for held rows.
//!
//! Invariants: a month of a shard on which holds keep single rows goes only behind a carve-out of that very month, from
//! where its rows are, for every one of these holds; held rows are deleted only past retention, and never those of a hold.

use chrono::{DateTime, Utc};
use payhist_types::Month;
use payhist_types::holds::{Hold, HoldScope, RowHold};
use payhist_types::inventory::{Column, HeldState, TwinState};
use payhist_types::plan::Step;

use super::leaving::is_of;
use super::{Replay, Violation};
use crate::months;
use crate::routing::shard_of;

impl<'a> Replay<'a> {
    /// Does the hold bear upon the month? A table's oldest partition takes every older row, so that a month is in it unless
    /// it is younger.
    fn bears(&self, hold: &Hold, month: Month) -> bool {
        let ended = hold.released.is_some() || hold.until.is_some_and(|until| until <= self.plan.evaluated_at);
        let elsewhere = match &hold.scope {
            HoldScope::Month { month: held } => *held > month,
            HoldScope::User { user } => shard_of(self.route, *user) != self.shard,
            HoldScope::History | HoldScope::Order { .. } | HoldScope::Unknown { .. } => false,
        };
        !ended && !elsewhere
    }

    /// Is every hold that bears upon the month one of these?
    fn are_all_among(&self, month: Month, listed: &[RowHold]) -> bool {
        let is_listed = |hold: &Hold| hold.on_rows().is_some_and(|rows| listed.contains(&rows));
        self.holds.is_some_and(|holds| holds.iter().filter(|hold| self.bears(hold, month)).all(is_listed))
    }

    pub(super) fn carve_out(
        &mut self,
        step: &'a Step,
        partition: &'a str,
        before: DateTime<Utc>,
        twin: Option<&str>,
        held: &str,
        holds: &'a [RowHold],
    ) -> Result<(), Violation> {
        let from_where_it_is = match (twin, self.twin_of(partition)) {
            (None, None) => true,
            (Some(name), Some(found)) => {
                let is_away = matches!(found.state, TwinState::Quarantined { late_rows: Some(0) });
                is_of(found, name, before) && is_away
            }
            _ => false,
        };
        if !from_where_it_is || !self.takes_held_rows(held) {
            return Err(Violation::NotCarvable(step.key()));
        }
        self.leaves(step, step.action.month(), partition, before)?;
        self.carved.push((partition, holds));
        Ok(())
    }

    /// Can the table of that name take rows that are to be compared with their originals?
    fn takes_held_rows(&self, name: &str) -> bool {
        let has_key = self.carving.columns.iter().any(Column::is_key);
        let fits = self.carving.held.as_ref().is_none_or(|held| {
            let is_whole = held.state == HeldState::Unfinished || (held.state == HeldState::Ready && held.same_columns);
            held.name == name && is_whole
        });
        has_key && fits && name != self.name && self.twins.iter().all(|twin| twin.name != name)
    }

    /// Nothing that a hold keeps goes with the month.
    pub(super) fn spares_what_is_held(&self, step: &Step, month: Month, partition: &str) -> Result<(), Violation> {
        let carved = self.carved.iter().filter(|(of, _)| *of == partition);
        let listed: Vec<RowHold> = carved.flat_map(|(_, holds)| holds.iter().cloned()).collect();
        if self.are_all_among(month, &listed) { Ok(()) } else { Err(Violation::Held(step.key())) }
    }

    pub(super) fn delete_held(
        &self,
        step: &Step,
        month: Month,
        before: DateTime<Utc>,
        held: &str,
        keeps: &[RowHold],
    ) -> Result<(), Violation> {
        let table = self.carving.held.as_ref().filter(|table| table.name == held && table.state == HeldState::Ready);
        let Some(table) = table else { return Err(Violation::NotCarvable(step.key())) };
        if !self.are_all_among(month, keeps) {
            return Err(Violation::Held(step.key()));
        }
        let age = month.months_until(self.plan.current_month);
        let is_past = self.plan.policy.retention_months.is_some_and(|kept| age > i32::from(kept));
        if !is_past || before != months::end(month, self.zone) {
            return Err(Violation::NotExpired(step.key()));
        }
        if self.may_drop_now(table.bytes) { Ok(()) } else { Err(Violation::OutsideWindow(step.key())) }
    }
}
