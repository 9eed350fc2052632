//! Held rows: carved out of a month before it goes, and deleted when no hold keeps them any more.
//!
//! Invariants: a month of which holds keep single rows goes only behind the step that carves them out, and where those
//! cannot be carved out it stays; a carve-out runs only when its month can go.

use payhist_types::Month;
use payhist_types::history::Switch;
use payhist_types::inventory::{Column, HeldState};
use payhist_types::plan::{Action, Guard, Step};

use super::table::{Table, block};
use crate::holds::{self, Keeping};
use crate::{held, months};

impl Table<'_> {
    /// The step that takes a month away, behind the one that carves held rows out of it.
    pub(super) fn ending(&self, end: Step) -> Vec<Step> {
        let (Action::DropMonth { month, partition, before, .. }
        | Action::DropQuarantined { month, partition, before, .. }) = &end.action
        else {
            return vec![end];
        };
        let holds = self.keeping(*month).map(|keeping| keeping.rows).unwrap_or_default();
        let carve_out = (!holds.is_empty()).then(|| {
            let (month, partition, before) = (*month, partition.clone(), *before);
            let (twin, held) = (end.action.twin().map(str::to_owned), held::name(self.name));
            self.step(Action::CarveOut { month, partition, before, twin, held, holds }, end.blocked_by.clone(), 0, 0)
        });
        carve_out.into_iter().chain([end]).collect()
    }

    /// What of the holds keeps a month from going.
    pub(super) fn guards_of_holds(&self, month: Month) -> Vec<Guard> {
        let Some(Keeping { whole, rows }) = self.keeping(month) else { return vec![Guard::HoldsUnreadable] };
        let hindrance = self.hindrance().filter(|_| !rows.is_empty());
        whole.into_iter().map(holds::guard).chain(hindrance.map(|reason| Guard::NotCarvable { reason })).collect()
    }

    /// Deletes what was carved out and is held no more.
    pub(super) fn delete_held(&self) -> Option<Step> {
        let held = self.carving.held.as_ref().filter(|held| held.state == HeldState::Ready)?;
        let rows = held.released_rows.filter(|rows| *rows > 0)?;
        let first_kept = self.context.first_kept()?;
        let (month, before) = (first_kept.prev()?, months::start(first_kept, self.context.zone));
        let Keeping { whole, rows: keeps } = self.keeping(month)?;
        let mut guards = self.guards_of_switch(Switch::Drop);
        guards.extend(whole.into_iter().map(holds::guard));
        guards.extend(self.context.outside.as_ref().and_then(|outside| outside.guard(held.bytes)));
        let action = Action::DeleteHeld { month, before, held: held.name.clone(), keeps };
        Some(self.step(action, guards, rows, held.bytes))
    }

    /// `None`: the holds were not read.
    fn keeping(&self, month: Month) -> Option<Keeping<'_>> {
        let holds = self.context.holds?;
        Some(holds::keeping(holds, self.context.route, self.shard, month, self.context.now))
    }

    fn hindrance(&self) -> Option<String> {
        if !self.carving.columns.iter().any(Column::is_key) {
            return Some(format!("{} has no primary key to compare them by", self.name));
        }
        let held = self.carving.held.as_ref()?;
        match held.state {
            HeldState::Foreign => Some(format!("payhist did not make {}", held.name)),
            HeldState::Ready if !held.same_columns => {
                Some(format!("the columns of {} are not those of {}", held.name, self.name))
            }
            HeldState::Unfinished | HeldState::Ready => None,
        }
    }
}

/// A month and the carve-out before it go together or not at all.
pub(super) fn settle(steps: &mut [Step]) {
    for place in 1..steps.len() {
        if let [.., carve_out, end] = &mut steps[..=place]
            && matches!(carve_out.action, Action::CarveOut { .. })
        {
            block(end, &carve_out.blocked_by);
            block(carve_out, &end.blocked_by);
        }
    }
}
