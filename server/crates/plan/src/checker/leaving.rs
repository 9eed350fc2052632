//! Judging what takes months away.

use super::{Replay, Violation, edge_of};
use crate::months;
use chrono::{DateTime, Datelike, Days, NaiveDateTime, TimeDelta, Utc};
use payhist_types::Month;
use payhist_types::inventory::{Twin, TwinState};
use payhist_types::plan::Step;
use payhist_types::window::Window;

impl<'a> Replay<'a> {
    pub(super) fn twin_of(&self, partition: &str) -> Option<&'a Twin> {
        self.twins.iter().find(|twin| twin.partition.as_deref() == Some(partition))
    }

    pub(super) fn edges_in_order(&self, step: &Step) -> Result<(), Violation> {
        if self.edges_in_order { Ok(()) } else { Err(Violation::UnreadableEdge(step.key())) }
    }

    /// Whatever leaves the table: every edge is read and in order, the partition ends with the month, which so holds
    /// nothing younger, and the month was not restored.
    pub(super) fn leaves(&self, step: &Step, month: Month, name: &str, before: DateTime<Utc>) -> Result<(), Violation> {
        self.edges_in_order(step)?;
        let partition = self.catalogue.iter().find(|partition| partition.name == name);
        if partition.and_then(edge_of) != Some(before) || before != months::end(month, self.zone) {
            return Err(Violation::EdgeDiffers(step.key()));
        }
        if self.restored.iter().any(|restored| restored.month == month && restored.until > self.plan.evaluated_at) {
            return Err(Violation::Restored(step.key()));
        }
        Ok(())
    }

    pub(super) fn quarantine(
        &self,
        step: &Step,
        month: Month,
        name: &str,
        before: DateTime<Utc>,
        twin: &str,
    ) -> Result<(), Violation> {
        self.leaves(step, month, name, before)?;
        let due =
            self.plan.policy.quarantine_days.zip(self.plan.policy.retention_months).is_some_and(|(days, kept)| {
                let end_of_retention = month.plus(i32::from(kept)).map(|last| months::end(last, self.zone));
                let days = TimeDelta::days(days.into());
                before <= self.plan.evaluated_at
                    && end_of_retention.is_some_and(|end| end - days <= self.plan.evaluated_at)
            });
        if !due {
            return Err(Violation::NotDue(step.key()));
        }
        let fresh = match self.twin_of(name) {
            None => self.twins.iter().all(|other| other.name != twin) && twin != self.name,
            Some(begun) => match begun.state {
                TwinState::Unfinished { rows } | TwinState::Prepared { rows } => {
                    rows == Some(0) && is_of(begun, twin, before)
                }
                TwinState::Quarantined { .. } | TwinState::Foreign => false,
            },
        };
        if fresh { Ok(()) } else { Err(Violation::TwinUnclear(step.key())) }
    }

    pub(super) fn in_quarantine(
        &self,
        step: &Step,
        partition: &str,
        before: DateTime<Utc>,
        twin: &str,
        late: impl Fn(Option<u64>) -> bool,
    ) -> Result<(), Violation> {
        match self.twin_of(partition) {
            Some(found) if is_of(found, twin, before) => match found.state {
                TwinState::Quarantined { late_rows } if late(late_rows) => Ok(()),
                _ => Err(Violation::TwinUnclear(step.key())),
            },
            _ => Err(Violation::TwinUnclear(step.key())),
        }
    }

    fn bytes_of(&self, name: &str) -> u64 {
        self.catalogue.iter().find(|partition| partition.name == name).map_or(u64::MAX, |partition| partition.bytes)
    }

    pub(super) fn may_drop_now(&self, bytes: u64) -> bool {
        let policy = &self.plan.policy;
        let local = self.plan.evaluated_at.with_timezone(&self.zone).naive_local();
        policy.windows.is_empty()
            || policy.windows.iter().any(|window| is_within(window, local))
            || policy.max_drop_bytes_outside_windows.is_some_and(|most| bytes <= most)
    }

    pub(super) fn drop(
        &mut self,
        step: &Step,
        month: Month,
        name: &str,
        before: DateTime<Utc>,
    ) -> Result<(), Violation> {
        self.edges_in_order(step)?;
        self.spares_what_is_held(step, month, name)?;
        if let Some(target) = &self.plan.policy.archive {
            let mut its = self.archived.iter().filter(|one| (one.month, one.before) == (month, before));
            if !its.any(|one| one.target == *target) {
                return Err(Violation::NotArchived(step.key()));
            }
        }
        let age = month.months_until(self.plan.current_month);
        if self.plan.policy.retention_months.is_none_or(|kept| age <= i32::from(kept)) {
            return Err(Violation::NotExpired(step.key()));
        }
        let size = self.twin_of(name).map_or_else(|| self.bytes_of(name), |twin| twin.bytes);
        if !self.may_drop_now(size) {
            return Err(Violation::OutsideWindow(step.key()));
        }
        let oldest = self.catalogue.get(self.dropped).filter(|partition| partition.name == name);
        let Some(oldest) = oldest else { return Err(Violation::NotOldest(step.key())) };
        self.leaves(step, month, &oldest.name, before)?;
        if self.catalogue.len() + self.added.len() - self.dropped < 2 {
            return Err(Violation::LastPartition(step.key()));
        }
        self.dropped += 1;
        Ok(())
    }
}

/// Does a window that opened on the moment's day, or on the day before, last until after it?
fn is_within(window: &Window, moment: NaiveDateTime) -> bool {
    [moment.date(), moment.date() - Days::new(1)].into_iter().any(|day| {
        let lasts_overnight = window.closes() <= window.opens();
        let end = day + Days::new(u64::from(lasts_overnight));
        window.days().contains(&day.weekday())
            && (day.and_time(window.opens())..end.and_time(window.closes())).contains(&moment)
    })
}

pub(super) fn is_of(twin: &Twin, name: &str, before: DateTime<Utc>) -> bool {
    twin.name == name && twin.same_columns && twin.before.is_none_or(|edge| edge == before)
}
