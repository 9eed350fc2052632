//! The second pass: rows go into their tables in batches of one month of one shard, each one transaction.
//!
//! Invariants: the rows of a shard are written by one worker, one batch after the other, so that a batch sees all that
//! came before it; memory is bounded by [`BUFFERED_ROWS_MAX`] and the workers' queues.

use super::check::{Checked, judge};
use super::format::{Content, Parser};
use super::lease::Fence;
use super::lines::{Lines, unreadable};
use super::record::Record;
use super::{BadLine, LINES_NAMED_MAX, Phase, Progress, Target};
use crate::{Ops, OpsError, histories};
use chrono::{DateTime, Utc};
use payhist_dialect::TableName;
use payhist_plan::{months, routing};
use payhist_storage::bulk::{Bulk, Candidate, Merged};
use payhist_storage::{Pool, fault, tx};
use payhist_types::ShardId;
use payhist_types::history::HistorySpec;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Most rows of one batch, which is one transaction.
const BATCH_ROWS_MAX: usize = 1_000;
/// Most rows that wait for their batch to fill, over all months and shards.
const BUFFERED_ROWS_MAX: usize = 60_000;
/// Batches that may wait for a worker.
const QUEUED_BATCHES_MAX: usize = 4;
/// Workers that write at once; below the source's connections for work, so that DDL is never locked out.
const WORKERS: usize = 3;

/// Rows of one month on one shard.
struct Batch {
    shard: ShardId,
    within: Range<DateTime<Utc>>,
    lines: Vec<u64>,
    rows: Vec<Candidate>,
}

/// What the second pass did.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) written: u64,
    pub(super) already_there: u64,
    pub(super) differing: u64,
    pub(super) differing_lines: Vec<BadLine>,
    /// Stopped before the file's end.
    pub(super) interrupted: bool,
}

impl Loaded {
    fn add(&mut self, merged: Merged, lines: &[u64]) {
        self.written += merged.inserted;
        self.already_there += merged.there;
        self.differing += merged.differing.len() as u64;
        self.differing_lines
            .extend(merged.differing.into_iter().map(|(at, why)| BadLine { line: lines[at], reason: why.to_string() }));
        self.name_first();
    }

    fn join(mut self, other: Self) -> Self {
        self.written += other.written;
        self.already_there += other.already_there;
        self.differing += other.differing;
        self.differing_lines.extend(other.differing_lines);
        self.interrupted |= other.interrupted;
        self.name_first();
        self
    }

    fn name_first(&mut self) {
        self.differing_lines.sort_by_key(|bad| bad.line);
        self.differing_lines.truncate(LINES_NAMED_MAX);
    }
}

/// Loads the file that was checked.
pub(super) async fn load(
    ops: &Ops,
    path: &Path,
    target: &Arc<Target>,
    checked: &Checked,
    fence: &Fence,
    stop: &CancellationToken,
    report: Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<Loaded, OpsError> {
    let pool = histories::only_source(ops, &target.spec)?.work.clone();
    let tables = tables_of(&target.spec)?;
    let done = Arc::new(AtomicU64::new(0));
    let total = checked.rows;
    let mut workers = JoinSet::new();
    let mut queues = Vec::new();
    for _ in 0..WORKERS {
        let (queue, batches) = mpsc::channel(QUEUED_BATCHES_MAX);
        queues.push(queue);
        let (done, report) = (Arc::clone(&done), Arc::clone(&report));
        let progress =
            move |rows| report(Progress { phase: Phase::Load, done: done.fetch_add(rows, Relaxed) + rows, total });
        workers.spawn(work(pool.clone(), tables.clone(), fence.clone(), batches, progress));
    }
    let months = checked.months.iter().map(|month| months::bounds(*month, target.zone)).collect();
    let feeding =
        Feeder { target: Arc::clone(target), queues, months, cells: BTreeMap::new(), buffered: 0, stop: stop.clone() };
    let (path, sha256) = (path.to_owned(), checked.sha256.clone());
    let fed = tokio::task::spawn_blocking(move || feeding.feed(&path, &sha256)).await;
    let mut loaded = Loaded::default();
    let mut failed = None;
    while let Some(worker) = workers.join_next().await {
        match worker.map_err(|error| OpsError::Internal(format!("an import worker died: {error}")))? {
            Ok(part) => loaded = loaded.join(part),
            Err(error) => failed = failed.or(Some(error)), // the other workers finish their batches
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    loaded.interrupted = !fed.map_err(|error| OpsError::Internal(format!("the reader died: {error}")))??;
    Ok(loaded)
}

/// The bulk statements of each shard's table, by shard.
pub(crate) fn tables_of(spec: &HistorySpec) -> Result<Vec<Arc<Bulk>>, OpsError> {
    let bulk = |shard| TableName::new(&spec.schema, &spec.table_of(shard)).map(|table| Arc::new(Bulk::new(table)));
    spec.route.shards().map(bulk).collect::<Result<_, _>>().map_err(|error| OpsError::Internal(error.to_string()))
}

/// Writes the batches of its shards until there are no more.
async fn work(
    pool: Pool,
    tables: Vec<Arc<Bulk>>,
    fence: Fence,
    mut batches: mpsc::Receiver<Batch>,
    progress: impl Fn(u64),
) -> Result<Loaded, OpsError> {
    let mut loaded = Loaded::default();
    while let Some(batch) = batches.recv().await {
        let bulk = &tables[usize::from(batch.shard.0)];
        fault::point("import.before_batch");
        let batch = Arc::new(batch);
        let merged = tx::run(&pool, "import.batch", |connection| {
            let (bulk, batch, fence) = (Arc::clone(bulk), Arc::clone(&batch), fence.clone());
            Box::pin(async move {
                let merged = bulk.merge(connection, batch.shard, &batch.within, &batch.rows).await?;
                fence.prove().await?;
                Ok(merged)
            })
        })
        .await?;
        fault::point("import.after_batch");
        loaded.add(merged, &batch.lines);
        progress(batch.rows.len() as u64);
    }
    Ok(loaded)
}

/// A batch that is being filled.
#[derive(Default)]
struct Cell {
    lines: Vec<u64>,
    rows: Vec<Candidate>,
}

/// Reads the file once more and hands its rows to the workers.
struct Feeder {
    target: Arc<Target>,
    queues: Vec<mpsc::Sender<Batch>>,
    /// Start and end of each month of the file, ascending.
    months: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// By shard and the month's first instant; with the month's end.
    cells: BTreeMap<(ShardId, DateTime<Utc>), (DateTime<Utc>, Cell)>,
    buffered: usize,
    stop: CancellationToken,
}

impl Feeder {
    /// Answers whether it came to the file's end.
    fn feed(mut self, path: &Path, sha256: &str) -> Result<bool, OpsError> {
        let mut lines = Lines::open(path)?;
        let mut parser = Parser::new(self.target.format, self.target.zone);
        while let Some(line) = lines.next().map_err(|error| unreadable(path, &error))? {
            // Bad lines were reported by the first pass.
            let Ok(Content::Record(record)) = parser.read(line).and_then(|content| judge(content, &self.target)) else {
                continue;
            };
            let Some(month) = self.month_around(record.row.payment.created_at) else { return Err(changed(path)) };
            if self.stop.is_cancelled() || !self.take(record, month) {
                return Ok(false);
            }
        }
        if lines.finish() != sha256 {
            return Err(changed(path));
        }
        while let Some((key, (end, cell))) = self.cells.pop_first() {
            if self.stop.is_cancelled() || !self.send(key, end, cell) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The file's month that contains an instant; the first pass saw them all.
    fn month_around(&self, at: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let after = self.months.partition_point(|(start, _)| *start <= at);
        self.months[..after].last().copied().filter(|(_, end)| at < *end)
    }

    /// Puts a row to its month and shard; answers false when nobody works any more.
    fn take(&mut self, record: Record, (start, end): (DateTime<Utc>, DateTime<Utc>)) -> bool {
        let Record { line, row } = record;
        let shard = routing::shard_of(&self.target.spec.route, row.payment.user_id);
        let (_, cell) = self.cells.entry((shard, start)).or_insert_with(|| (end, Cell::default()));
        cell.lines.push(line);
        cell.rows.push(row);
        self.buffered += 1;
        if cell.rows.len() >= BATCH_ROWS_MAX {
            return self.flush((shard, start));
        }
        if self.buffered < BUFFERED_ROWS_MAX {
            return true;
        }
        let fullest = self.cells.iter().max_by_key(|(_, (_, cell))| cell.rows.len()).map(|(key, _)| *key);
        fullest.is_none_or(|key| self.flush(key))
    }

    fn flush(&mut self, key: (ShardId, DateTime<Utc>)) -> bool {
        let Some((end, cell)) = self.cells.remove(&key) else { return true };
        self.send(key, end, cell)
    }

    fn send(&mut self, (shard, start): (ShardId, DateTime<Utc>), end: DateTime<Utc>, cell: Cell) -> bool {
        self.buffered -= cell.rows.len();
        let batch = Batch { shard, within: start..end, lines: cell.lines, rows: cell.rows };
        self.queues[usize::from(shard.0) % self.queues.len()].blocking_send(batch).is_ok()
    }
}

fn changed(path: &Path) -> OpsError {
    let path = path.display();
    OpsError::field(
        "file",
        format!("{path} was changed while it was imported; rows that were loaded stay. Run the command again"),
    )
}
