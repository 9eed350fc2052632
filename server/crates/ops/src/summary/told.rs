//! What an answer says of its figures: where each month's come from, and which shards did not answer.

use super::Range;
use crate::zone::local;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_types::history::HistorySpec;
use payhist_types::payment::MissingShard;
use payhist_types::summary::{Coverage, Part, PartState};
use payhist_types::{Month, ShardId};
use std::collections::BTreeMap;

/// What an answer says of its figures.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) months: Vec<Coverage>,
    pub(crate) missing: Vec<MissingShard>,
}

/// Shards of a month whose figures come from the same place, and when the oldest of them were counted.
type Places = (Vec<ShardId>, Option<DateTime<Utc>>);

/// Puts together what an answer says of its figures.
#[derive(Default)]
pub(super) struct Telling {
    parts: BTreeMap<(Month, PartState), Places>,
    missing: BTreeMap<ShardId, String>,
}

impl Telling {
    /// Notes that a shard did not answer, and why.
    pub(super) fn miss(&mut self, shard: ShardId, reason: String) {
        self.missing.entry(shard).or_insert(reason);
    }

    pub(super) fn tell(&mut self, (shard, month): (ShardId, Month), state: PartState, as_of: Option<DateTime<Utc>>) {
        let (shards, oldest) = self.parts.entry((month, state)).or_default();
        shards.push(shard);
        *oldest = oldest.iter().copied().chain(as_of).min();
    }

    pub(super) fn told(self, spec: &HistorySpec, zone: Tz, range: &Range) -> Told {
        let mut months: BTreeMap<Month, Vec<Part>> = BTreeMap::new();
        for ((month, state), (shards, as_of)) in self.parts {
            let as_of = as_of.map(|at| local(at, zone));
            months.entry(month).or_default().push(Part { state, shards, as_of });
        }
        let of = |month| Coverage { month, parts: months.remove(&month).unwrap_or_default() };
        let source = |shard| spec.source.of(shard).to_owned();
        let missing = self.missing.into_iter();
        Told {
            months: Month::range(range.first, range.last).map(of).collect(),
            missing: missing.map(|(shard, reason)| MissingShard { shard, source: source(shard), reason }).collect(),
        }
    }
}
