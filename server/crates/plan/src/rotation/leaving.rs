//! How months leave a table: dropped at once, or by way of quarantine.
//!
//! Invariants: under a policy with quarantine a month is dropped only when an earlier run has quarantined it; a
//! partition goes only when every older one goes or is gone; a twin that is not quite what it should be blocks; under a
//! policy with an archive nothing is dropped that an earlier run has not archived.

use payhist_types::Month;
use payhist_types::history::Switch;
use payhist_types::inventory::{Archived, Boundary, Partition, Twin, TwinState};
use payhist_types::plan::{Action, Guard, Step};

use super::Context;
use super::table::{Table, older_stays};
use crate::classify::{Classified, Kind};
use crate::{months, twins};

impl Context<'_> {
    /// The oldest month within its retention.
    pub(super) fn first_kept(&self) -> Option<Month> {
        self.policy.retention_months.and_then(|kept| self.current.plus(-i32::from(kept)))
    }

    /// Is the month past its retention?
    fn has_expired(&self, month: Month) -> bool {
        self.first_kept().is_some_and(|kept| month < kept)
    }

    /// Must the month leave its table by now?
    fn is_due(&self, month: Month) -> bool {
        self.has_expired(month) || (month < self.current && self.is_near_expiry(month))
    }

    fn is_near_expiry(&self, month: Month) -> bool {
        let Some((days, kept)) = self.policy.quarantine_days.zip(self.policy.retention_months) else { return false };
        let expires = month.plus(i32::from(kept) + 1).map(|next| months::start(next, self.zone));
        expires.is_some_and(|expires| self.now >= expires - chrono::TimeDelta::days(days.into()))
    }
}

/// A partition whose month must leave, or has left and waits for its end.
struct Due<'a> {
    partition: &'a Partition,
    month: Month,
    before: chrono::DateTime<chrono::Utc>,
    twin: Option<&'a Twin>,
}

impl<'a> Table<'a> {
    /// `grows`: a month is added first, so that even what is the last partition now may go.
    pub(super) fn leaving(&self, grows: bool) -> Vec<Step> {
        let mut stays: Option<&str> = None;
        let mut keeps = false;
        let mut steps = Vec::new();
        for (index, classified) in self.partitions.iter().enumerate() {
            let Some(due) = self.due(*classified, keeps) else {
                keeps = true;
                stays = stays.or(Some(&classified.partition.name));
                continue;
            };
            let mut in_its_way: Vec<_> = stays.map(older_stays).into_iter().collect();
            if index + 1 == self.partitions.len() && !grows {
                in_its_way.push(Guard::LastPartition);
            }
            let its = self.steps_of(&due, in_its_way, stays.is_none());
            if !its.iter().any(|step| step.action.takes_partition()) {
                stays = stays.or(Some(&due.partition.name));
            }
            steps.extend(its);
        }
        steps
    }

    /// `keeps`: an older partition is still in use.
    fn due(&self, classified: Classified<'a>, keeps: bool) -> Option<Due<'a>> {
        let partition = classified.partition;
        let Boundary::Before(before) = partition.upper else { return None };
        let month = self.month_at_its_turn(classified, keeps)?;
        let twin = self.twins.iter().find(|twin| twin.partition.as_ref() == Some(&partition.name));
        let is_away = twin.is_some_and(|twin| matches!(twin.state, TwinState::Quarantined { .. }));
        (is_away || self.context.is_due(month)).then_some(Due { partition, month, before, twin })
    }

    /// A partition that nothing older outlives is, like every table's first, the month that ends at its upper edge:
    /// whether it is now the first or only will be must not make a difference.
    fn month_at_its_turn(&self, classified: Classified, keeps: bool) -> Option<Month> {
        match classified.kind {
            Kind::Month(month) => Some(month),
            Kind::Irregular { before, .. } if !keeps => months::ending_at(before, self.context.zone),
            Kind::Irregular { .. } | Kind::MaxValue | Kind::Unknown => None,
        }
    }

    fn steps_of(&self, due: &Due, in_its_way: Vec<Guard>, open_below: bool) -> Vec<Step> {
        let Due { month, before, partition: Partition { name, rows_estimate, bytes, .. }, twin } = *due;
        let partition = name.clone();
        match twin {
            Some(Twin { state: TwinState::Quarantined { late_rows }, name, rows_estimate, bytes, .. }) => {
                let late = (*late_rows != Some(0)).then_some(Guard::LateRows { rows: *late_rows });
                let join = late.is_some().then(|| {
                    let (partition, twin) = (partition.clone(), name.clone());
                    let uncounted = late.clone().filter(|_| late_rows.is_none());
                    let action = Action::QuarantineLateRows { month, partition, before, twin };
                    self.step(action, self.guards_of_leaving(due, uncounted), late_rows.unwrap_or(0), 0)
                });
                let missing = self.archive_missing(due);
                // What is not all there yet is not archived: the late rows go first.
                let keep = (missing.is_some() && late.is_none()).then(|| {
                    let (partition, twin) = (partition.clone(), name.clone());
                    let action = Action::ArchiveMonth { month, partition, before, twin };
                    self.step(action, self.guards_of_leaving(due, None), *rows_estimate, *bytes)
                });
                let end = self.context.has_expired(month).then(|| {
                    let action = Action::DropQuarantined { month, partition, before, twin: name.clone() };
                    let others =
                        in_its_way.into_iter().chain(late).chain(missing).chain(self.guards_of_end(month, *bytes));
                    let guards = self.guards_of_leaving(due, others);
                    self.ending(self.step(action, guards, *rows_estimate, *bytes))
                });
                join.into_iter().chain(keep).chain(end.into_iter().flatten()).collect()
            }
            _ if self.context.policy.quarantine_days.is_some() => {
                let twin = twins::name(self.name, &partition);
                let action = Action::QuarantineMonth { month, partition, before, twin };
                vec![self.step(action, self.guards_of_leaving(due, None), *rows_estimate, *bytes)]
            }
            _ => {
                let begun = twin.filter(|twin| unclear(twin, self.name, before).is_none()).map(|twin| {
                    let reason = "its quarantine was begun: `partitions restore` takes it back".to_owned();
                    Guard::TwinUnclear { twin: twin.name.clone(), reason }
                });
                let action = Action::DropMonth { month, partition, before, open_below };
                let missing = self.archive_missing(due);
                let others =
                    in_its_way.into_iter().chain(begun).chain(missing).chain(self.guards_of_end(month, *bytes));
                let guards = self.guards_of_leaving(due, others);
                self.ending(self.step(action, guards, *rows_estimate, *bytes))
            }
        }
    }

    /// Only what destroys is held back and waits for a window: a month in quarantine can be restored.
    fn guards_of_end(&self, month: Month, bytes: u64) -> Vec<Guard> {
        let mut guards = self.guards_of_holds(month);
        guards.extend(self.context.outside.as_ref().and_then(|outside| outside.guard(bytes)));
        guards
    }

    /// The archive that the policy demands and that the month is not in.
    fn archive_missing(&self, due: &Due) -> Option<Guard> {
        let target = self.context.policy.archive.clone()?;
        let its = |one: &Archived| one.month == due.month && one.before == due.before && one.target == target;
        (!self.archived.iter().any(its)).then_some(Guard::NotArchived { target })
    }

    fn guards_of_leaving(&self, due: &Due, others: impl IntoIterator<Item = Guard>) -> Vec<Guard> {
        let mut guards = self.guards_of_switch(Switch::Drop);
        if let Some(misread) = self.misread() {
            guards.push(Guard::UnknownBoundary { partition: misread.name.clone() });
        }
        let restored = self.restored.iter().find(|restored| restored.month == due.month);
        if let Some(restored) = restored.filter(|restored| restored.until > self.context.now) {
            guards.push(Guard::Restored { until: restored.until });
        }
        if let Some((twin, reason)) = due.twin.and_then(|twin| Some((twin, unclear(twin, self.name, due.before)?))) {
            guards.push(Guard::TwinUnclear { twin: twin.name.clone(), reason });
        }
        guards.extend(others);
        guards
    }
}

/// Why a twin is not what it should be for the partition of `table` that ends at that edge.
pub(super) fn unclear(twin: &Twin, table: &str, before: chrono::DateTime<chrono::Utc>) -> Option<String> {
    let rows = match twin.state {
        TwinState::Foreign => return Some("payhist did not make it".to_owned()),
        TwinState::Unfinished { rows } | TwinState::Prepared { rows } => rows,
        TwinState::Quarantined { .. } => Some(0),
    };
    match (twin.before, rows) {
        _ if !twin.same_columns => Some(format!("its columns are not those of {table}")),
        (Some(edge), _) if edge != before => Some(format!("it was made for a partition that ends at {edge}")),
        (_, None) => Some("its rows could not be counted".to_owned()),
        (_, Some(0)) => None,
        (_, Some(_)) => Some(
            "it has rows, though the month is not marked as quarantined: `partitions restore` puts them back"
                .to_owned(),
        ),
    }
}
