//! What holds on users and orders keep: their rows, counted where they are, by month.
//!
//! Invariants: a table is read by a key on the user or the order and never scanned, each statement within its deadline;
//! a shard that was not counted is named with the reason, and the others are counted.

use crate::browse::NETWORK_GRACE;
use crate::catalogue::{self, Keys};
use crate::turns::Turns;
use crate::{Ops, OpsError, zone};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::future::join_all;
use payhist_dialect::kept::{Kept, Place};
use payhist_dialect::{Ident, TableName};
use payhist_plan::holds::keeping;
use payhist_plan::hot_path::{HotPath, led_by};
use payhist_plan::months;
use payhist_storage::StorageError;
use payhist_storage::histories::History;
use payhist_storage::kept::{self, Counted};
use payhist_storage::source::READ_DEADLINE;
use payhist_types::columns::Columns;
use payhist_types::history::HistorySpec;
use payhist_types::holds::{HeldRows, Hold, NotCounted, RowHold, RowsKept};
use payhist_types::inventory::{Boundary, HeldState, ShardInventory, TableState, TwinState};
use payhist_types::{Month, ShardId};
use std::collections::{BTreeMap, BTreeSet};

/// Holds that one statement counts for.
const HOLDS_AT_ONCE_MAX: usize = 100;
/// How long before the oldest partition months are told apart. What is older counts as one month.
const MONTHS_BEFORE: i32 = 240;
/// The same after the newest partition, or the running month, for a MAXVALUE partition.
const MONTHS_AFTER: i32 = 12;

/// What was counted of a history.
#[derive(Debug, Default)]
pub(crate) struct KeptRows {
    sums: BTreeMap<u64, Sum>,
    /// The holds that have rows in a month of a shard, quarantined or not.
    marks: BTreeMap<(ShardId, Month), BTreeSet<u64>>,
}

#[derive(Debug, Default)]
struct Sum {
    kept: RowsKept,
    months: BTreeSet<Month>,
}

impl KeptRows {
    /// What a hold on rows keeps; `None`: it was not counted for.
    pub(crate) fn of(&self, hold: u64) -> Option<RowsKept> {
        let Sum { kept, months } = self.sums.get(&hold)?;
        Some(RowsKept { months: u32::try_from(months.len()).unwrap_or(u32::MAX), ..kept.clone() })
    }

    /// The holds that have rows in these months of a shard, or in its quarantine of them.
    pub(crate) fn holds_in(&self, shard: ShardId, from: Month, to: Month) -> Vec<u64> {
        let marks = self.marks.range((shard, from)..=(shard, to));
        marks.flat_map(|(_, holds)| holds).copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The shards that were not counted for some hold.
    pub(crate) fn not_counted(&self) -> Vec<NotCounted> {
        let all = self.sums.values().flat_map(|sum| &sum.kept.not_counted);
        all.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn add(&mut self, question: &Question<'_>, answer: &Result<Vec<Counted>, String>, frame: &Frame) {
        let ShardInventory { shard, table, .. } = question.shard;
        for (place, hold) in question.holds.iter().enumerate() {
            let Sum { kept, months } = self.sums.entry(hold.hold).or_default();
            let counted = match answer {
                Ok(counted) => counted,
                Err(reason) => {
                    let (table, reason) = (table.clone(), reason.clone());
                    kept.not_counted.push(NotCounted { shard: *shard, table, reason });
                    continue;
                }
            };
            kept.shards += 1;
            for counted in counted {
                let (rows, month) = (counted.rows[place], frame.month(counted.starts));
                if rows == 0 {
                    continue;
                }
                kept.rows += rows;
                match counted.place {
                    Place::Table => {}
                    Place::Twin => kept.quarantined_rows += rows,
                    Place::Copies => kept.carved_out_rows += rows,
                }
                months.insert(month);
                if counted.place != Place::Copies {
                    self.marks.entry((*shard, month)).or_default().insert(hold.hold);
                }
            }
        }
    }
}

/// Counts for those of the holds that are on users or on orders. Without any, nothing is asked.
pub(crate) async fn count(
    ops: &Ops,
    history: &History,
    shards: &[ShardInventory],
    holds: &[Hold],
) -> Result<KeptRows, OpsError> {
    let mut found = KeptRows::default();
    let spec = &history.spec;
    let questions = questions(spec, shards, holds, ops.now());
    if questions.is_empty() {
        return Ok(found);
    }
    let keys = catalogue::keys(ops, spec, to_look_for_keys(spec, &questions)).await;
    let frame = Frame::new(shards, ops.now(), zone::parse(&spec.policy.zone)?);
    let counter = Counter { ops, spec, keys: &keys, starts: &frame.starts, turns: Turns::new(&spec.source) };
    let answers = join_all(questions.iter().map(|question| counter.answer(question))).await;
    for (question, answer) in questions.iter().zip(answers) {
        found.add(question, &answer, &frame);
    }
    Ok(found)
}

/// Holds of one kind and a shard that may have their rows.
struct Question<'a> {
    shard: &'a ShardInventory,
    holds: Vec<RowHold>,
}

fn questions<'a>(
    spec: &HistorySpec,
    shards: &'a [ShardInventory],
    holds: &[Hold],
    now: DateTime<Utc>,
) -> Vec<Question<'a>> {
    let of_shard = |shard: &'a ShardInventory| {
        // Holds on rows bear upon all months alike.
        let rows = keeping(holds, &spec.route, shard.shard, Month::MAX, now).rows;
        let (users, orders): (Vec<_>, Vec<_>) = rows.into_iter().partition(|hold| is_user(&hold.rows));
        let chunks = |holds: Vec<RowHold>| holds.chunks(HOLDS_AT_ONCE_MAX).map(<[_]>::to_vec).collect::<Vec<_>>();
        chunks(users).into_iter().chain(chunks(orders)).map(move |holds| Question { shard, holds })
    };
    shards.iter().flat_map(of_shard).collect()
}

/// The sources of adopted tables that can be read. The keys of payhist's own tables are known.
fn to_look_for_keys<'a>(spec: &'a HistorySpec, questions: &[Question<'_>]) -> BTreeSet<&'a str> {
    let readable =
        questions.iter().filter(|question| spec.columns.is_some() && question.shard.state.problem().is_none());
    readable.map(|question| spec.source.of(question.shard.shard)).collect()
}

const fn is_user(rows: &HeldRows) -> bool {
    matches!(rows, HeldRows::User { .. })
}

struct Counter<'a> {
    ops: &'a Ops,
    spec: &'a HistorySpec,
    keys: &'a Keys,
    starts: &'a [DateTime<Utc>],
    turns: Turns<'a>,
}

impl Counter<'_> {
    /// The counts, or why there are none.
    async fn answer(&self, question: &Question<'_>) -> Result<Vec<Counted>, String> {
        let Question { shard: ShardInventory { shard, table, state, .. }, holds } = question;
        if let Some(problem) = state.problem() {
            return Err(problem);
        }
        let by_user = holds.iter().any(|hold| is_user(&hold.rows));
        let kept = self.kept(*shard, table, state, by_user)?;
        let rows: Vec<_> = holds.iter().map(|hold| hold.rows.clone()).collect();
        self.turns.of(*shard, self.ask(*shard, &kept, &rows)).await.map_err(|error| {
            tracing::warn!(%shard, error = &error as &dyn std::error::Error, "held rows not counted");
            match error {
                OpsError::Storage(StorageError::Server { reason, .. }) => reason,
                error => error.to_string(),
            }
        })
    }

    async fn ask(&self, shard: ShardId, kept: &Kept<'_>, rows: &[HeldRows]) -> Result<Vec<Counted>, OpsError> {
        let source = self.ops.source(self.spec.source.of(shard))?;
        let question = async |connection: &mut _| kept::count(connection, kept, rows).await;
        Ok(source.pool.ask("holds.rows", READ_DEADLINE + NETWORK_GRACE, question).await?)
    }

    /// A shard's tables with the key that serves, or why none does.
    fn kept<'t>(
        &'t self,
        shard: ShardId,
        table: &str,
        state: &'t TableState,
        by_user: bool,
    ) -> Result<Kept<'t>, String> {
        let TableState::Partitioned { expression, twins, carving, .. } = state else {
            return Err("The table has no partitions.".to_owned());
        };
        let own = Columns::own();
        let names = self.spec.columns.as_deref().unwrap_or(&own);
        let (column, path) = if by_user { (&names.user_id, HotPath::User) } else { (&names.order_id, HotPath::Order) };
        let key = if self.spec.columns.is_none() {
            path.own_key()
        } else {
            let keys = self.keys.of(self.spec, shard)?;
            &led_by(column, keys).ok_or_else(|| format!("no key on the column {column}"))?.name
        };
        let is_text =
            |name: &str| carving.columns.iter().any(|column| column.is_text && column.name.eq_ignore_ascii_case(name));
        if by_user && is_text(column) {
            return Err(format!("the column {column} is text: no key of it finds a number"));
        }
        let name = |table: &str| TableName::new(&self.spec.schema, table).map_err(|error| error.to_string());
        let ident = |name: &str| Ident::new(name).map_err(|error| error.to_string());
        let ours = twins.iter().filter(|twin| twin.state != TwinState::Foreign);
        let copies = carving.held.as_ref().filter(|held| held.state == HeldState::Ready);
        Ok(Kept {
            table: name(table)?,
            twins: ours.map(|twin| name(&twin.name)).collect::<Result<_, _>>()?,
            copies: copies.map(|held| name(&held.name)).transpose()?,
            columns: &carving.columns,
            column: ident(column)?,
            key: ident(key)?,
            time: ident(expression.column().unwrap_or(&names.created_at))?,
            starts: self.starts,
        })
    }
}

/// The months that are told apart.
struct Frame {
    first: Month,
    starts: Vec<DateTime<Utc>>,
}

impl Frame {
    fn new(shards: &[ShardInventory], now: DateTime<Utc>, zone: Tz) -> Self {
        let current = months::month_of(now, zone);
        let edges = shards.iter().filter_map(|shard| match &shard.state {
            TableState::Partitioned { partitions, .. } => Some(partitions),
            _ => None,
        });
        let edges = edges.flatten().filter_map(|partition| match partition.upper {
            Boundary::Before(edge) => Some(months::last_below(edge, zone)),
            _ => None,
        });
        let (oldest, newest) =
            edges.fold((current, current), |(oldest, newest), month| (oldest.min(month), newest.max(month)));
        let first = oldest.plus(-MONTHS_BEFORE).unwrap_or(Month::MIN);
        let last = newest.plus(MONTHS_AFTER).unwrap_or(Month::MAX);
        Self { first, starts: Month::range(first, last).map(|month| months::start(month, zone)).collect() }
    }

    /// The month that begins with the last of so many starts; with none, the one before all of them.
    fn month(&self, starts: usize) -> Month {
        let offset = i32::try_from(starts).unwrap_or(i32::MAX).saturating_sub(1);
        self.first.plus(offset).unwrap_or(self.first)
    }
}
