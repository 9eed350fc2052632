//! Import: payments from a file into a history, so that it can be interrupted anywhere and repeated.
//!
//! Two passes. The first reads and judges the whole file and writes nothing; the second loads it in batches, each one
//! transaction that adds only what is missing.
//!
//! Invariants:
//! - A row is known by user, creation time, order, provider and provider reference: repeating an import, after a kill -9
//!   too, loads nothing twice and loses nothing.
//! - A row that is there with another amount is never overwritten: it is counted and named.
//! - One importer per history at a time, by a lease; each batch proves that it still holds it.
//! - Months are made without a gap, or refused with the reason, before the first row is written.

mod check;
mod format;
mod lease;
mod lines;
mod load;
mod months;
mod record;

pub use format::Format;
pub use lines::LINE_BYTES_MAX;
pub use record::{COLUMNS, REQUIRED};

pub(crate) use lease::{Fence, ImportLease};
pub(crate) use load::tables_of;
pub(crate) use months::{build_keys, make_months, months_away, oldest_month};

use crate::auth::{ManagePartitions, Permit};
use crate::{Ops, OpsError, histories, summary};
use chrono_tz::Tz;
use payhist_dialect::ddl::Keys;
use payhist_storage::histories::History;
use payhist_storage::{audit, fault, tx};
use payhist_types::Month;
use payhist_types::history::{HistoryName, HistorySpec, Policy, Switches};
use payhist_types::money::Currency;
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Most bad or differing lines that are named one by one; all are counted.
pub const LINES_NAMED_MAX: usize = 20;

/// What to import, and whereto.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The file.
    pub file: PathBuf,
    /// Its format.
    pub format: Format,
    /// The history; empty for the default one. One that does not exist is made.
    pub history: String,
    /// Source of a history that is made; empty for the only one.
    pub source: String,
    /// Business zone of a history that is made, IANA name; empty for the default history's, or UTC.
    pub zone: String,
    /// What to do with bad lines.
    pub on_error: OnError,
    /// Cancel it to stop at the next batch border.
    pub stop: CancellationToken,
}

/// What to do with bad lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnError {
    /// Load nothing of the file.
    Stop,
    /// Write them to a file, with the reason, and load the rest.
    Skip {
        /// That file; it is overwritten.
        rejects: PathBuf,
    },
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which pass.
    pub phase: Phase,
    /// Bytes checked, or rows dealt with.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// The two passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading and judging, in bytes.
    Check,
    /// Loading, in rows.
    Load,
}

/// A line that was not loaded, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// From 1.
    pub line: u64,
    /// In words.
    pub reason: String,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportReport {
    /// The file.
    pub file: PathBuf,
    /// Its format.
    pub format: Format,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The history.
    pub history: HistoryName,
    /// It was made by this import.
    pub history_created: bool,
    /// Records read, the bad ones too.
    pub rows_read: u64,
    /// Rows written now.
    pub loaded: u64,
    /// Rows that were there already.
    pub already_there: u64,
    /// Rows that are there with another amount or currency, or whose payment id is another payment's: left alone.
    pub differing: u64,
    /// The first of them.
    pub differing_lines: Vec<BadLine>,
    /// Bad lines.
    pub rejected: u64,
    /// The first of them.
    pub rejected_lines: Vec<BadLine>,
    /// Blank lines, comments, the header.
    pub skipped: u64,
    /// Sum of the amounts of all good records, when they have one currency.
    pub sum: Option<String>,
    /// The same by currency.
    pub sums: BTreeMap<String, String>,
    /// How many months have rows in the file.
    pub months: usize,
    /// The first of them.
    pub first_month: Option<Month>,
    /// The last of them.
    pub last_month: Option<Month>,
    /// Shards of the history.
    pub shards: u16,
    /// Months of the file that the history's retention has passed: the next drop may take them.
    pub past_retention: Vec<Month>,
    /// Stopped at a batch border; the same command goes on.
    pub interrupted: bool,
    /// How long it took.
    pub seconds: f64,
}

impl ImportReport {
    /// Is every record of the file in the history?
    pub fn is_complete(&self) -> bool {
        !self.interrupted && self.rejected == 0 && self.differing == 0
    }
}

/// The history to import into: as it is registered, or as it will be.
struct Target {
    format: Format,
    spec: HistorySpec,
    zone: Tz,
}

/// Imports a file.
///
/// # Errors
/// - [`OpsError::BadInput`]: the file or lines of it are bad, by line and reason; nothing of it was loaded.
/// - [`OpsError::Refused`]: its months cannot be made safely, or another import into the history runs.
/// - [`OpsError::Storage`]: the database failed under way; run it again.
pub async fn run(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    request: &ImportRequest,
    progress: impl Fn(Progress) + Send + Sync + 'static,
) -> Result<ImportReport, OpsError> {
    let begun = Instant::now();
    let spec = target_spec(ops, &request.history, &request.source, &request.zone).await?;
    let target = Arc::new(Target { format: request.format, zone: record::zone_of(&spec.policy.zone)?, spec });
    let progress: Arc<dyn Fn(Progress) + Send + Sync> = Arc::new(progress);
    let checked = check_file(&target, request, Arc::clone(&progress)).await?;
    let lease = ImportLease::take(ops, &target.spec.name).await?;
    let loaded = async {
        let (history, created) = register(ops, permit, &target.spec).await?;
        fault::point("import.after_register");
        make_months(ops, &history, &checked.months, Keys::Now).await?;
        summary::outdate(ops, &history, checked.months.iter().copied(), target.spec.route.shards()).await?;
        build_keys(ops, &target.spec).await?; // a generate that was killed may have left tables without
        let loaded = load::load(ops, &request.file, &target, &checked, &lease.fence(), &request.stop, progress).await?;
        Ok::<_, OpsError>((created, loaded))
    }
    .await;
    let released = lease.release().await;
    let (created, loaded) = loaded?; // first, or a database that went away would hide why
    released?;
    let report = report(ops, request, &target.spec, checked, loaded, created, begun)?;
    write_audit(ops, permit, &report).await?;
    Ok(report)
}

async fn check_file(
    target: &Arc<Target>,
    request: &ImportRequest,
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
) -> Result<check::Checked, OpsError> {
    let (target, request) = (Arc::clone(target), request.clone());
    let checking = move || check::check(&request.file, &target, &request.on_error, &request.stop, &*progress);
    tokio::task::spawn_blocking(checking)
        .await
        .map_err(|error| OpsError::Internal(format!("the reader died: {error}")))?
}

/// The registered history, or the layout of the one that will be made.
///
/// # Errors
/// [`OpsError::Refused`]: its tables have columns of their own, so payhist knows neither all of them nor their ids.
pub(crate) async fn target_spec(ops: &Ops, history: &str, source: &str, zone: &str) -> Result<HistorySpec, OpsError> {
    let name: Option<HistoryName> = match history {
        "" => None,
        name => Some(name.parse().map_err(|error: payhist_types::history::HistoryNameError| {
            OpsError::field("history", error.to_string())
        })?),
    };
    match histories::find(ops, history).await {
        Ok(history) if history.spec.columns.is_some() => {
            return Err(OpsError::refused(
                format!(
                    "the tables of {} are another application's: payhist reads them and never writes a payment",
                    history.spec.name
                ),
                "Name another history with --history NAME; it is made if it does not exist",
            ));
        }
        Ok(history) => return Ok(history.spec),
        Err(OpsError::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    let name = name.ok_or_else(|| {
        OpsError::field("history", "there is no history yet: name the one to make with --history NAME")
    })?;
    let source = match source {
        "" => {
            let mut sources = ops.sources().map(|source| source.name.as_str());
            match (sources.next(), sources.next()) {
                (Some(only), None) => only.to_owned(),
                _ => return Err(OpsError::field("source", "name the source of the new history with --source")),
            }
        }
        source => ops.source(source)?.name.clone(),
    };
    let zone = match zone {
        "" => histories::all(ops)
            .await?
            .first()
            .map_or_else(|| "UTC".to_owned(), |history| history.spec.policy.zone.clone()),
        zone => zone.to_owned(),
    };
    let policy = Policy { premake_months: None, retention_months: None, zone, ..Policy::default() };
    let schema = format!("payhist_{name}");
    Ok(histories::own_layout(name, source.as_str(), schema, policy))
}

/// Registers the history unless it is there. Old data does not belong to a rotation: it neither grows nor expires.
pub(crate) async fn register(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    spec: &HistorySpec,
) -> Result<(History, bool), OpsError> {
    match histories::find(ops, spec.name.as_str()).await {
        Err(OpsError::NotFound(_)) => {}
        found => return found.map(|history| (history, false)),
    }
    let switches = Switches { create: false, drop: false, erase: false };
    histories::register(ops, permit, spec, switches).await.map(|history| (history, true))
}

fn report(
    ops: &Ops,
    request: &ImportRequest,
    spec: &HistorySpec,
    checked: check::Checked,
    loaded: load::Loaded,
    history_created: bool,
    begun: Instant,
) -> Result<ImportReport, OpsError> {
    let zone = crate::zone::parse(&spec.policy.zone)?;
    let current = payhist_plan::months::month_of(ops.now(), zone);
    let retained_from = spec.policy.retention_months.and_then(|months| current.plus(-i32::from(months)));
    let sums: BTreeMap<_, _> =
        checked.sums.iter().map(|(currency, sum)| (currency.to_string(), sum_text(*sum, *currency))).collect();
    Ok(ImportReport {
        file: request.file.clone(),
        format: request.format,
        sha256: checked.sha256,
        history: spec.name.clone(),
        history_created,
        rows_read: checked.rows + checked.rejected,
        loaded: loaded.written,
        already_there: loaded.already_there,
        differing: loaded.differing,
        differing_lines: loaded.differing_lines,
        rejected: checked.rejected,
        rejected_lines: checked.bad,
        skipped: checked.skipped,
        sum: if sums.len() == 1 { sums.values().next().cloned() } else { None },
        sums,
        months: checked.months.len(),
        first_month: checked.months.first().copied(),
        last_month: checked.months.last().copied(),
        shards: spec.route.shard_count(),
        past_retention: checked
            .months
            .iter()
            .copied()
            .filter(|month| retained_from.is_some_and(|from| *month < from))
            .collect(),
        interrupted: loaded.interrupted,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// With the currency's customary digits, more if they are not zero.
fn sum_text(sum: Decimal, currency: Currency) -> String {
    let mut sum = sum.normalize();
    sum.rescale(sum.scale().max(currency.digits()));
    sum.to_string()
}

async fn write_audit(ops: &Ops, permit: &Permit<ManagePartitions>, report: &ImportReport) -> Result<(), OpsError> {
    let detail = serde_json::to_value(report).map_err(|error| OpsError::Internal(error.to_string()))?;
    let (now, target) = (ops.now(), report.history.to_string());
    tx::run(ops.control(), "import.audit", |connection| {
        let (actor, target, detail) = (permit.actor().to_owned(), target.clone(), detail.clone());
        Box::pin(async move {
            let entry = audit::Entry { at: now, actor: &actor, action: "import", target: &target, detail };
            audit::append(connection, &entry).await
        })
    })
    .await?;
    Ok(())
}
