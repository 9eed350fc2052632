//! Generate: made-up payments of any size, the same for the same seed and end, for demonstrations, tests and benchmarks.
//!
//! A month of one shard is a cell: it is made in memory and written in one transaction, and only while it is empty.
//!
//! Invariant: a cell is empty or whole. So a run that was killed is simply repeated, and rows that are there already,
//! made or real, are never mixed with made-up ones. Tables that the run makes get their secondary keys when they are
//! filled, by a sort each; those that a killed run left without get them at the end of the next run, or of an import.

mod calendar;
mod cell;
mod crowd;
mod dice;
mod fill;
mod people;
mod schedule;
mod table;

pub use table::{write_csv, write_csv_of};

use crate::auth::{ManagePartitions, Permit};
use crate::import::{self, ImportLease};
use crate::{Ops, OpsError};
use chrono::{DateTime, SubsecRound, Utc};
use payhist_dialect::ddl::Keys;
use payhist_storage::{audit, fault, tx};
use payhist_types::Month;
use payhist_types::history::HistoryName;
use schedule::Schedule;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GenerateRequest {
    /// The history; empty for the default one. One that does not exist is made, as by an import.
    pub history: String,
    /// How many payments.
    pub rows: u64,
    /// Of how many users.
    pub users: u64,
    /// Over how many months, the last of them being the end's.
    pub months: u32,
    /// The same seed and end give the same payments for ever.
    pub seed: u64,
    /// The end; now if there is none.
    pub until: Option<DateTime<Utc>>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GenerateReport {
    /// The history.
    pub history: HistoryName,
    /// Payments written.
    pub rows: u64,
    /// Months of a shard that had rows already and were left alone.
    pub cells_kept: u64,
    /// The first month.
    pub first_month: Option<Month>,
    /// The last month.
    pub last_month: Option<Month>,
    /// Months before the history's first one, or in quarantine: not made.
    pub months_left_out: BTreeSet<Month>,
    /// The seed.
    pub seed: u64,
    /// The end: with it and the seed the run can be repeated elsewhere.
    pub until: DateTime<Utc>,
    /// How long it took.
    pub seconds: f64,
}

/// The end of a run: what was asked, or now; to the millisecond, so that it can be repeated from its report.
fn end_of(request: &GenerateRequest, now: DateTime<Utc>) -> DateTime<Utc> {
    request.until.unwrap_or(now).trunc_subsecs(3)
}

/// Makes payments and writes them into the cells that are empty.
///
/// # Errors
/// - [`OpsError::BadInput`]: a number that cannot be.
/// - [`OpsError::Refused`]: its months cannot be made safely, or an import into the history runs.
/// - [`OpsError::Storage`]: the database failed under way; run it again.
pub async fn run(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    request: &GenerateRequest,
    progress: impl Fn(u64) + Sync,
) -> Result<GenerateReport, OpsError> {
    let begun = Instant::now();
    let until = end_of(request, ops.now());
    let spec = import::target_spec(ops, &request.history, "", "").await?;
    let schedule = Arc::new(Schedule::new(request, spec, until)?);
    let lease = ImportLease::take(ops, &schedule.spec.name).await?;
    let filled = async {
        let (history, _) = import::register(ops, permit, &schedule.spec).await?;
        let oldest = import::oldest_month(ops, &history).await?;
        let away = import::months_away(ops, &history).await?;
        let (months, left_out): (BTreeSet<_>, BTreeSet<_>) =
            schedule.months().partition(|month| oldest.is_none_or(|oldest| *month >= oldest) && !away.contains(month));
        import::make_months(ops, &history, &months, Keys::WhenFilled).await?;
        fault::point("generate.before_fill");
        let places =
            schedule.cells.iter().copied().filter(|place| place.rows > 0 && months.contains(&schedule.month(*place)));
        let filled = fill::fill(ops, &history, &schedule, &lease.fence(), places.collect(), &progress).await?;
        fault::point("generate.before_keys");
        import::build_keys(ops, &history.spec).await?;
        Ok::<_, OpsError>((months, left_out, filled))
    }
    .await;
    let released = lease.release().await;
    let (months, months_left_out, filled) = filled?; // first, or a database that went away would hide why
    released?;
    let report = GenerateReport {
        history: schedule.spec.name.clone(),
        rows: filled.rows,
        cells_kept: filled.kept,
        first_month: months.first().copied(),
        last_month: months.last().copied(),
        months_left_out,
        seed: request.seed,
        until,
        seconds: begun.elapsed().as_secs_f64(),
    };
    write_audit(ops, permit, &report).await?;
    Ok(report)
}

/// A run that wrote nothing changed nothing: it leaves no entry.
async fn write_audit(ops: &Ops, permit: &Permit<ManagePartitions>, report: &GenerateReport) -> Result<(), OpsError> {
    if report.rows == 0 {
        return Ok(());
    }
    let detail = serde_json::to_value(report).map_err(|error| OpsError::Internal(error.to_string()))?;
    let (now, target) = (ops.now(), report.history.to_string());
    tx::run(ops.control(), "generate.audit", |connection| {
        let (actor, target, detail) = (permit.actor().to_owned(), target.clone(), detail.clone());
        Box::pin(async move {
            let entry = audit::Entry { at: now, actor: &actor, action: "generate", target: &target, detail };
            audit::append(connection, &entry).await
        })
    })
    .await?;
    Ok(())
}
