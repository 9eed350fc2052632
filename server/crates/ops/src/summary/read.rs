//! Reading a range of months: what is kept is shown, what is open or missing is counted while there is time, and the rest is
//! named.

use super::count::{self, Counted, Patience};
use super::presence::{Presence, Table, first_month};
use super::{Range, Rows, oldest_known};
use crate::catalogue::{self, Recent};
use crate::zone::{day_start, local};
use crate::{Ops, OpsError, zone};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use payhist_plan::months;
use payhist_storage::histories::History;
use payhist_storage::source::READ_DEADLINE;
use payhist_storage::summaries::{self, Kept, Known, Place, Tally, Touched};
use payhist_types::inventory::Inventory;
use payhist_types::payment::MissingShard;
use payhist_types::summary::{Coverage, Part, PartState};
use payhist_types::{Month, ShardId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shards of a source that are counted at once.
const SHARDS_AT_ONCE: usize = 5;
/// After that long no other closed month is begun; what is under way has its own deadline.
const BEGUN_WITHIN: Duration = READ_DEADLINE;
/// How long a source may take to say what has changed.
const TOUCHED_WITHIN: Duration = Duration::from_millis(500);

/// What an answer says of its figures.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) months: Vec<Coverage>,
    pub(crate) missing: Vec<MissingShard>,
}

/// Where the figures of a month of a shard are to come from.
enum Course {
    /// From what was kept.
    Show(PartState),
    /// From the table.
    Count(Task),
    /// Nowhere.
    Lack(PartState, Option<String>),
}

/// A month of a shard that is to be counted.
#[derive(Debug, Clone)]
struct Task {
    place: (ShardId, Month),
    span: (DateTime<Utc>, DateTime<Utc>),
    /// The version that its figures would be kept of; `None`: it is not over.
    version: Option<u64>,
    /// Are no rows surely none?
    is_certain: bool,
}

enum Outcome {
    Counted(Counted),
    NotYet,
    Failed(String),
}

type KnownMonths = BTreeMap<(ShardId, Month), Known>;

/// Reads the figures of one history.
pub(crate) struct Reader<'a> {
    ops: &'a Ops,
    recent: &'a Recent,
    history: &'a History,
    zone: Tz,
    now: DateTime<Utc>,
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
            let (shard, month) = place;
            let (state, figures, as_of) = match course {
                Course::Lack(state, reason) => {
                    if let Some(reason) = reason {
                        telling.missing.entry(shard).or_insert(reason);
                    }
                    (state, None, None)
                }
                Course::Show(state) => {
                    let has_changed = |kept: &&Kept| self.has_changed(inventory, place, kept, &touched);
                    let is_changed = state == PartState::Kept && kept.filter(has_changed).is_some();
                    let state = if is_changed { PartState::KeptAndChanged } else { state };
                    (state, kept.map(|kept| &kept.tally), kept.map(|kept| kept.counted_at))
                }
                Course::Count(task) => match outcomes.remove(&place).unwrap_or(Outcome::NotYet) {
                    Outcome::NotYet => (PartState::NotYet, None, None),
                    Outcome::Failed(reason) => {
                        telling.missing.entry(shard).or_insert(reason);
                        (PartState::Silent, None, None)
                    }
                    Outcome::Counted(counted) if task.is_doubtful(&counted.tally) => match kept {
                        Some(kept) => (PartState::KeptBeforeDrop, Some(&kept.tally), Some(kept.counted_at)),
                        None => (PartState::NotThere, None, None),
                    },
                    Outcome::Counted(counted) => {
                        rows.add(month, &counted.tally)?;
                        (PartState::Counted, None, Some(counted.at))
                    }
                },
            };
            if let Some(tally) = figures {
                rows.add(month, tally)?;
            }
            telling.tell(place, state, as_of);
        }
        Ok((rows, telling.told(self, range)))
    }

    async fn known(&self, range: &Range) -> Result<KnownMonths, OpsError> {
        let mut connection = self.ops.control().acquire("summary.kept").await?;
        let Range { first, last, wanted, .. } = *range;
        Ok(summaries::list(&mut connection, self.history.id, (first, last), wanted).await?)
    }

    /// What was kept of a month, if it is of what the history is now.
    fn kept<'k>(&self, known: &'k KnownMonths, (shard, month): (ShardId, Month)) -> Option<&'k Kept> {
        let kept = known.get(&(shard, month))?.kept.as_ref()?;
        let basis = count::basis(&self.history.spec, shard, months::bounds(month, self.zone));
        (kept.basis == basis).then_some(kept)
    }

    fn courses(&self, inventory: &Inventory, range: &Range, known: &KnownMonths) -> BTreeMap<(ShardId, Month), Course> {
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
        match count::count(self.ops, spec, shard, task.span, self.zone, Patience::Page).await {
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
        kept: &Kept,
        touched: &Touched,
    ) -> bool {
        let Some(found) = inventory.shards.iter().find(|found| found.shard == shard) else { return false };
        let presence = Table::of(found, self.zone).presence(month, months::bounds(month, self.zone));
        latest(touched, &found.table, &presence).is_some_and(|at| at >= floor(kept.source_time))
    }
}

impl Task {
    /// Has it no rows, and might that be because they were dropped?
    fn is_doubtful(&self, tally: &Tally) -> bool {
        !self.is_certain && tally.whole.is_empty()
    }
}

/// When the partitions of a month were last changed, where the server remembers.
pub(super) fn latest(touched: &Touched, table: &str, presence: &Presence) -> Option<DateTime<Utc>> {
    let Presence::There { partitions, .. } = presence else { return None };
    let times = partitions.iter().filter_map(|name| touched.get(&(table.to_owned(), name.clone())));
    times.max().copied()
}

/// What the server remembers has whole seconds.
pub(super) fn floor(at: DateTime<Utc>) -> DateTime<Utc> {
    chrono::SubsecRound::trunc_subsecs(at, 0)
}

/// What a source remembers of changes to a history's tables.
pub(super) async fn touched(ops: &Ops, history: &History, source: &str) -> Result<Touched, OpsError> {
    let spec = &history.spec;
    let shards = spec.route.shards().filter(|shard| spec.source.of(*shard) == source);
    let tables: Vec<_> = shards.map(|shard| spec.table_of(shard)).collect();
    let mut connection = ops.source(source)?.pool.acquire("summary.touched").await?;
    Ok(summaries::touched(&mut connection, &spec.schema, &tables).await?)
}

/// Puts together what an answer says of its figures.
#[derive(Default)]
struct Telling {
    parts: BTreeMap<(Month, PartState), (Vec<ShardId>, Option<DateTime<Utc>>)>,
    missing: BTreeMap<ShardId, String>,
}

impl Telling {
    fn tell(&mut self, (shard, month): (ShardId, Month), state: PartState, as_of: Option<DateTime<Utc>>) {
        let (shards, oldest) = self.parts.entry((month, state)).or_default();
        shards.push(shard);
        *oldest = oldest.iter().copied().chain(as_of).min();
    }

    fn told(self, reader: &Reader, range: &Range) -> Told {
        let mut months: BTreeMap<Month, Vec<Part>> = BTreeMap::new();
        for ((month, state), (shards, as_of)) in self.parts {
            let as_of = as_of.map(|at| local(at, reader.zone));
            months.entry(month).or_default().push(Part { state, shards, as_of });
        }
        let of = |month| Coverage { month, parts: months.remove(&month).unwrap_or_default() };
        let source = |shard| reader.history.spec.source.of(shard).to_owned();
        let missing = self.missing.into_iter();
        Told {
            months: Month::range(range.first, range.last).map(of).collect(),
            missing: missing.map(|(shard, reason)| MissingShard { shard, source: source(shard), reason }).collect(),
        }
    }
}
