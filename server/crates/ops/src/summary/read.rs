//! Reading a range of months: what is kept is shown, what is open or missing is counted while there is time, and the rest is
//! named.

use super::count::{self, Counted, Patience};
use super::course::{Course, KnownMonths, Task};
use super::presence::{Table, first_month};
use super::told::{Telling, Told};
use super::touched::{floor, latest, touched};
use super::{Range, Rows, oldest_known};
use crate::catalogue::{self, Recent};
use crate::turns::SHARDS_AT_ONCE;
use crate::{Ops, OpsError, zone};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use payhist_plan::months;
use payhist_storage::histories::History;
use payhist_storage::source::READ_DEADLINE;
use payhist_storage::summaries::{self, Kept, Place, Tally, Touched};
use payhist_types::inventory::Inventory;
use payhist_types::summary::PartState;
use payhist_types::{Month, ShardId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After that long no other closed month is begun; what is under way has its own deadline.
const BEGUN_WITHIN: Duration = READ_DEADLINE;
/// How long a source may take to say what has changed.
const TOUCHED_WITHIN: Duration = Duration::from_millis(500);

fn of_kept(kept: &Kept) -> (&Tally, DateTime<Utc>) {
    (&kept.tally, kept.counted_at)
}

enum Outcome {
    Counted(Counted),
    NotYet,
    Failed(String),
}

/// Reads the figures of one history.
pub(crate) struct Reader<'a> {
    ops: &'a Ops,
    recent: &'a Recent,
    pub(super) history: &'a History,
    pub(super) zone: Tz,
    pub(super) now: DateTime<Utc>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(ops: &'a Ops, recent: &'a Recent) -> Result<Self, OpsError> {
        let history = &recent.history;
        Ok(Self { ops, recent, history, zone: zone::parse(&history.spec.policy.zone)?, now: ops.now() })
    }

    /// The business zone.
    pub(crate) fn zone(&self) -> Tz {
        self.zone
    }

    /// The running month.
    pub(crate) fn current(&self) -> Month {
        months::month_of(self.now, self.zone)
    }

    /// The oldest month that some table has, or of which figures are kept.
    pub(super) async fn oldest_known(&self) -> Result<Option<Month>, OpsError> {
        let shards = &self.recent.inventory.shards;
        let of_table = shards.iter().filter_map(|shard| first_month(shard, self.zone)).min();
        oldest_known(self.ops, self.history, of_table).await
    }

    /// Adds the range's figures to the rows, and tells where they come from.
    pub(crate) async fn read(&self, range: &Range, mut rows: Rows) -> Result<(Rows, Told), OpsError> {
        // First the versions, then the leases, then the catalogue, then the rows: see `count`.
        let known = self.known(range).await?;
        let is_quiet = count::is_quiet(self.ops, self.history).await?;
        let mut courses = self.courses(&self.recent.inventory, range, &known);
        let counts_closed = |course: &Course| matches!(course, Course::Count(task) if task.version.is_some());
        let fresh;
        let mut inventory = &self.recent.inventory;
        if courses.values().any(counts_closed) {
            fresh = catalogue::read(self.ops, self.history).await?;
            inventory = &fresh;
            courses = self.courses(inventory, range, &known);
        }
        let tasks = courses.values().filter_map(|course| match course {
            Course::Count(task) => Some(task.clone()),
            _ => None,
        });
        let (mut outcomes, touched) = tokio::join!(self.count(tasks.collect(), is_quiet), self.touched(&courses));
        let mut telling = Telling::default();
        for (place, course) in courses {
            let kept = self.kept(&known, place);
            let (state, figures) = match course {
                Course::Lack(state, reason) => {
                    if let Some(reason) = reason {
                        telling.miss(place.0, reason);
                    }
                    (state, None)
                }
                Course::Show(PartState::Kept) if self.has_changed(inventory, place, kept, &touched) => {
                    (PartState::KeptAndChanged, kept.map(of_kept))
                }
                Course::Show(state) => (state, kept.map(of_kept)),
                Course::Count(task) => match outcomes.remove(&place).unwrap_or(Outcome::NotYet) {
                    Outcome::NotYet => (PartState::NotYet, None),
                    Outcome::Failed(reason) => {
                        telling.miss(place.0, reason);
                        (PartState::Silent, None)
                    }
                    Outcome::Counted(counted) if task.is_doubtful(&counted.tally) => {
                        (kept.map_or(PartState::NotThere, |_| PartState::KeptBeforeDrop), kept.map(of_kept))
                    }
                    Outcome::Counted(counted) => {
                        rows.add(place.1, &counted.tally)?;
                        telling.tell(place, PartState::Counted, Some(counted.at));
                        continue;
                    }
                },
            };
            if let Some((tally, _)) = figures {
                rows.add(place.1, tally)?;
            }
            telling.tell(place, state, figures.map(|(_, at)| at));
        }
        Ok((rows, telling.told(&self.history.spec, self.zone, range)))
    }

    async fn known(&self, range: &Range) -> Result<KnownMonths, OpsError> {
        let mut connection = self.ops.control().acquire("summary.kept").await?;
        let Range { first, last, wanted, .. } = *range;
        Ok(summaries::list(&mut connection, self.history.id, (first, last), wanted).await?)
    }

    /// Counts, source beside source: the open month first, then closed ones from the newest while there is time.
    async fn count(&self, mut tasks: Vec<Task>, is_quiet: bool) -> BTreeMap<(ShardId, Month), Outcome> {
        tasks.sort_by_key(|task| (task.version.is_some(), std::cmp::Reverse(task.place.1), task.place.0));
        let mut by_source: BTreeMap<&str, Vec<Task>> = BTreeMap::new();
        for task in tasks {
            by_source.entry(self.history.spec.source.of(task.place.0)).or_default().push(task);
        }
        let begun = Instant::now();
        let lost = &Mutex::new(BTreeMap::new());
        let of_source = |tasks: Vec<Task>| {
            let run = move |task: Task| async move {
                let place = task.place;
                (place, self.count_one(task, is_quiet, begun, lost).await)
            };
            stream::iter(tasks).map(run).buffer_unordered(SHARDS_AT_ONCE).collect::<Vec<_>>()
        };
        join_all(by_source.into_values().map(of_source)).await.into_iter().flatten().collect()
    }

    async fn count_one(
        &self,
        task: Task,
        is_quiet: bool,
        begun: Instant,
        lost: &Mutex<BTreeMap<ShardId, String>>,
    ) -> Outcome {
        let (shard, month) = task.place;
        let lost = || lost.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = lost().get(&shard) {
            return Outcome::Failed(reason.clone());
        }
        if task.version.is_some() && begun.elapsed() >= BEGUN_WITHIN {
            return Outcome::NotYet;
        }
        let spec = &self.history.spec;
        // Boxed: it is large, and part of every future that counts.
        let counting = Box::pin(count::count(self.ops, spec, shard, task.span, self.zone, Patience::Page));
        let counted = match task.version {
            None => self.ops.open_months().counted(count::basis(spec, shard, task.span), counting).await,
            Some(_) => counting.await,
        };
        match counted {
            Ok(counted) => {
                if let Some(version) = task.version.filter(|_| is_quiet && !task.is_doubtful(&counted.tally)) {
                    let place = Place { history_id: self.history.id, month, shard };
                    let kept = count::keep(self.ops, place, version, count::basis(spec, shard, task.span), &counted);
                    if let Err(error) = kept.await {
                        tracing::warn!(%shard, %month, error = &error as &dyn std::error::Error, "a summary was not kept");
                    }
                }
                Outcome::Counted(counted)
            }
            Err(error) => {
                tracing::warn!(%shard, %month, error = &error as &dyn std::error::Error, "a shard was not counted");
                lost().insert(shard, error.to_string());
                Outcome::Failed(error.to_string())
            }
        }
    }

    /// What the sources whose kept figures are shown remember of changes; one that does not answer tells nothing.
    async fn touched(&self, courses: &BTreeMap<(ShardId, Month), Course>) -> Touched {
        let spec = &self.history.spec;
        let shown = courses.iter().filter(|(_, course)| matches!(course, Course::Show(PartState::Kept)));
        let sources: BTreeSet<_> = shown.map(|((shard, _), _)| spec.source.of(*shard)).collect();
        let ask = |source: &'a str| async move {
            let asked = tokio::time::timeout(TOUCHED_WITHIN, touched(self.ops, self.history, source));
            match asked.await {
                Ok(Ok(touched)) => touched,
                Ok(Err(error)) => {
                    tracing::warn!(source, error = &error as &dyn std::error::Error, "changes not readable");
                    Touched::new()
                }
                Err(_elapsed) => Touched::new(),
            }
        };
        join_all(sources.into_iter().map(ask)).await.into_iter().flatten().collect()
    }

    fn has_changed(
        &self,
        inventory: &Inventory,
        (shard, month): (ShardId, Month),
        kept: Option<&Kept>,
        touched: &Touched,
    ) -> bool {
        let Some(kept) = kept else { return false };
        let Some(found) = inventory.shards.iter().find(|found| found.shard == shard) else { return false };
        let presence = Table::of(found, self.zone).presence(month, months::bounds(month, self.zone));
        latest(touched, &found.table, &presence).is_some_and(|at| at >= floor(kept.source_time))
    }
}
