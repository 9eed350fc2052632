//! Where the figures of each month of a shard are to come from.

use super::Range;
use super::count;
use super::presence::{Presence, Table};
use super::read::Reader;
use crate::zone::day_start;
use chrono::{DateTime, Utc};
use payhist_plan::months;
use payhist_storage::summaries::{Kept, Known, Tally};
use payhist_types::inventory::Inventory;
use payhist_types::summary::PartState;
use payhist_types::{Month, ShardId};
use std::collections::BTreeMap;

/// Where the figures of a month of a shard are to come from.
pub(super) enum Course {
    /// From what was kept.
    Show(PartState),
    /// From the table.
    Count(Task),
    /// Nowhere.
    Lack(PartState, Option<String>),
}

/// A month of a shard that is to be counted.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) place: (ShardId, Month),
    pub(super) span: (DateTime<Utc>, DateTime<Utc>),
    /// The version that its figures would be kept of; `None`: it is not over.
    pub(super) version: Option<u64>,
    /// Are no rows surely none?
    is_certain: bool,
}

impl Task {
    /// Has it no rows, and might that be because they were dropped?
    pub(super) fn is_doubtful(&self, tally: &Tally) -> bool {
        !self.is_certain && tally.whole.is_empty()
    }
}

pub(super) type KnownMonths = BTreeMap<(ShardId, Month), Known>;

impl Reader<'_> {
    /// What was kept of a month, if it is of what the history is now.
    pub(super) fn kept<'k>(&self, known: &'k KnownMonths, (shard, month): (ShardId, Month)) -> Option<&'k Kept> {
        let kept = known.get(&(shard, month))?.kept.as_ref()?;
        let basis = count::basis(&self.history.spec, shard, months::bounds(month, self.zone));
        (kept.basis == basis).then_some(kept)
    }

    pub(super) fn courses(
        &self,
        inventory: &Inventory,
        range: &Range,
        known: &KnownMonths,
    ) -> BTreeMap<(ShardId, Month), Course> {
        let months: Vec<_> = Month::range(range.first, range.last)
            .map(|month| (month, months::bounds(month, self.zone), count::is_closed(month, self.zone, self.now)))
            .collect();
        let mut courses = BTreeMap::new();
        for found in &inventory.shards {
            let table = Table::of(found, self.zone);
            for (month, span, is_closed) in &months {
                let place = (found.shard, *month);
                let presence = table.presence(*month, *span);
                let course = if *is_closed {
                    self.course_of_closed(place, *span, presence, known)
                } else {
                    self.course_of_open(place, *span, presence, range)
                };
                courses.insert(place, course);
            }
        }
        courses
    }

    fn course_of_closed(
        &self,
        place: (ShardId, Month),
        span: (DateTime<Utc>, DateTime<Utc>),
        presence: Presence,
        known: &KnownMonths,
    ) -> Course {
        let version = known.get(&place).map_or(0, |known| known.version);
        let kept = self.kept(known, place);
        let is_current = kept.is_some_and(|kept| kept.version == version);
        match presence {
            Presence::There { .. } | Presence::Unknown(_) if is_current => Course::Show(PartState::Kept),
            Presence::Quarantined if kept.is_some() => Course::Show(PartState::KeptBeforeQuarantine),
            Presence::Gone if kept.is_some() => Course::Show(PartState::KeptBeforeDrop),
            Presence::There { is_certain, .. } => {
                Course::Count(Task { place, span, version: Some(version), is_certain })
            }
            Presence::Quarantined => Course::Lack(PartState::Quarantined, None),
            Presence::Gone => Course::Lack(PartState::NotThere, None),
            Presence::Unknown(reason) => Course::Lack(PartState::Silent, Some(reason)),
        }
    }

    fn course_of_open(
        &self,
        place: (ShardId, Month),
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        presence: Presence,
        range: &Range,
    ) -> Course {
        let span = range.days.map_or((from, until), |(first, last)| {
            let after = last.succ_opt().unwrap_or(last);
            (from.max(day_start(first, self.zone)), until.min(day_start(after, self.zone)))
        });
        match presence {
            Presence::Unknown(reason) => Course::Lack(PartState::Silent, Some(reason)),
            Presence::Gone => Course::Lack(PartState::NotThere, None),
            Presence::Quarantined => Course::Lack(PartState::Quarantined, None),
            Presence::There { .. } => Course::Count(Task { place, span, version: None, is_certain: true }),
        }
    }
}
