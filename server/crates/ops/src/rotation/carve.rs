//! Held rows: copied out of a month before it goes, and deleted when no hold keeps them any more.
//!
//! Invariants: every statement is preceded by a look at the catalogue, so that each can be the one at which a process was
//! killed; a copy is never overwritten; what is deleted passes the gate of the holds batch by batch.

use super::attempt::Attempt;
use super::patience::Patient;
use super::quarantine::is_sound;
use super::step::{record_rows, rendered};
use crate::OpsError;
use chrono::{DateTime, Utc};
use payhist_dialect::error_class::ErrorClass;
use payhist_dialect::held::{COPIED_AT_ONCE_MAX, DELETED_AT_ONCE_MAX, Original, Shelf};
use payhist_storage::held::Reach;
use payhist_storage::runs::StepResult;
use payhist_storage::{StorageError, fault, held, partitions};
use payhist_types::holds::RowHold;
use payhist_types::inventory::{Boundary, Carving, Column, HeldState, PartitionExpression, TableState, TwinState};
use payhist_types::plan::Action;
use payhist_types::run::StepOutcome;

/// The most statements that one step deletes by: what is left is the next run's.
const BATCHES_MAX: u64 = 100;

/// Copies the rows, and compares them with the originals.
pub(super) async fn act(
    attempt: &Attempt<'_>,
    holds: &[RowHold],
    patient: &mut Patient<'_>,
    result: &mut StepResult,
) -> Result<StepOutcome, OpsError> {
    rendered(attempt).await?;
    let action = &attempt.step.action;
    let schema = &attempt.history.spec.schema;
    let original = Original::new(schema, action.partition(), action.twin())
        .map_err(|error| OpsError::Internal(error.to_string()))?;
    let (carving, _) = look(attempt, patient).await?;
    let shelf = shelf(attempt, &carving).await?;
    patient.run(&Shelf::session()).await?;
    let work = Work { attempt, shelf: &shelf, original: &original, holds };
    let rows = work.count_original(patient).await?;
    record_rows(attempt, rows, result).await?;
    let is_ready = matches!(&carving.held, Some(held) if held.state == HeldState::Ready);
    if rows == 0 || (is_ready && work.count_missing(patient).await? == 0) {
        return Ok(StepOutcome::AlreadyDone);
    }
    refuse_statements(patient).await?;
    make_ready(attempt, carving, &shelf, patient).await?;
    fault::point("carve.before_copy");
    if let Some(why) = work.copy(rows, patient).await? {
        result.detail = Some(why);
        return Ok(StepOutcome::Blocked);
    }
    fault::point("carve.after_copy");
    work.compare(rows, patient).await?;
    Ok(StepOutcome::Done)
}

/// The rows of a month that are to be carved out, and where to.
struct Work<'a> {
    attempt: &'a Attempt<'a>,
    shelf: &'a Shelf,
    original: &'a Original,
    holds: &'a [RowHold],
}

impl Work<'_> {
    /// Copies what has no copy yet, batch by batch; answers why it stopped before the end, if it did.
    async fn copy(&self, rows: u64, patient: &mut Patient<'_>) -> Result<Option<String>, OpsError> {
        let statement = self.shelf.copy(self.original, self.holds);
        // One more than was counted, for rows that have come since; should they be more, the comparison names them.
        for _ in 0..=rows.div_ceil(COPIED_AT_ONCE_MAX) {
            if let Some(why) = self.attempt.stops().await? {
                return Ok(Some(why));
            }
            let copied = match patient.run(&statement).await {
                Err(OpsError::Storage(error)) if error.class() == Some(ErrorClass::Duplicate) => {
                    return Err(self.differs(&format!("the copy of another row has what must be unique: {error}")));
                }
                copied => copied?,
            };
            fault::point("carve.after_batch");
            if copied < COPIED_AT_ONCE_MAX {
                break;
            }
        }
        Ok(None)
    }

    /// Refuses originals without an equal copy.
    async fn compare(&self, rows: u64, patient: &mut Patient<'_>) -> Result<(), OpsError> {
        let missing = self.count_missing(patient).await?;
        if missing == 0 {
            return Ok(());
        }
        let Self { shelf, original, holds, .. } = self;
        let changed = held::count_changed(&mut patient.connection, shelf, original, holds);
        match self.counted(changed).await? {
            0 => {
                Err(OpsError::refused(format!("{missing} held rows came while the others were copied"), "Apply again."))
            }
            changed => Err(self.differs(&format!("{changed} of {rows} held rows differ from their copies"))),
        }
    }

    fn differs(&self, how: &str) -> OpsError {
        let Action::CarveOut { held, .. } = &self.attempt.step.action else {
            return OpsError::Internal(how.to_owned());
        };
        let remedy = "look at both, and delete the copy where the original is the right one";
        OpsError::refused(format!("{how} ({held}): {remedy}"), "Then apply again.")
    }

    async fn count_original(&self, patient: &mut Patient<'_>) -> Result<u64, OpsError> {
        self.counted(held::count_original(&mut patient.connection, self.shelf, self.original, self.holds)).await
    }

    async fn count_missing(&self, patient: &mut Patient<'_>) -> Result<u64, OpsError> {
        self.counted(held::count_missing(&mut patient.connection, self.shelf, self.original, self.holds)).await
    }

    /// Counting takes long where there is no key to find the rows by.
    async fn counted(&self, count: impl Future<Output = Result<u64, StorageError>>) -> Result<u64, OpsError> {
        let Attempt { lease, ops, .. } = self.attempt;
        lease.held_while(ops, async { Ok(count.await?) }).await
    }
}

/// Makes the held-rows table, or finishes one that a killed process began.
async fn make_ready(
    attempt: &Attempt<'_>,
    mut carving: Carving,
    shelf: &Shelf,
    patient: &mut Patient<'_>,
) -> Result<(), OpsError> {
    if carving.held.is_none() {
        patient.run(&shelf.create()).await?;
        fault::point("carve.after_create");
        carving = look(attempt, patient).await?.0;
    }
    if matches!(&carving.held, Some(held) if held.state == HeldState::Unfinished) {
        if held::count(&mut patient.connection, shelf).await? > 0 {
            return Err(refused("the table in the place of the held rows has rows and is not marked"));
        }
        patient.run(&shelf.prepare()).await?;
        fault::point("carve.after_prepare");
        carving = look(attempt, patient).await?.0;
    }
    match carving.held {
        Some(held) if held.state == HeldState::Ready && held.same_columns => Ok(()),
        _ => Err(refused("the table of held rows is not as it must be")),
    }
}

/// Deletes what none of the holds is on, in batches.
pub(super) async fn delete(
    attempt: &Attempt<'_>,
    before: DateTime<Utc>,
    keeps: &[RowHold],
    patient: &mut Patient<'_>,
    result: &mut StepResult,
) -> Result<StepOutcome, OpsError> {
    rendered(attempt).await?;
    let (carving, expression) = look(attempt, patient).await?;
    if !matches!(&carving.held, Some(held) if held.state == HeldState::Ready) {
        return Err(refused("the table of held rows is not there, or payhist did not make it"));
    }
    if !carving.columns.iter().any(Column::is_key) {
        refuse_statements(patient).await?; // no order says which rows a batch has
    }
    let shelf = shelf(attempt, &carving).await?;
    let statement =
        shelf.delete_released(&expression, before, keeps).map_err(|error| OpsError::Internal(error.to_string()))?;
    patient.run(&Shelf::session()).await?;
    let mut rows = attempt.counted.unwrap_or(0);
    for _ in 0..BATCHES_MAX {
        if let Some(why) = attempt.stops().await? {
            result.detail = Some(why);
            return Ok(StepOutcome::Blocked);
        }
        let deleted = patient.release(&statement, &attempt.doomed(), keeps).await?;
        fault::point("held.after_batch");
        rows += deleted;
        record_rows(attempt, rows, result).await?;
        if deleted < DELETED_AT_ONCE_MAX {
            break;
        }
    }
    Ok(if rows == 0 { StepOutcome::AlreadyDone } else { StepOutcome::Done })
}

/// Asks the very session that is to go on: the global format changes none that is open.
async fn refuse_statements(patient: &mut Patient<'_>) -> Result<(), OpsError> {
    if held::logs_statements(&mut patient.connection, Reach::Session).await? {
        return Err(OpsError::refused(
            "the server logs statements (binlog_format = STATEMENT): its replicas might take other rows",
            "Set binlog_format to ROW or MIXED, globally and in the configuration, and start payhist again.",
        ));
    }
    Ok(())
}

/// The table as it is, if it still is what the step was planned for.
async fn look(attempt: &Attempt<'_>, patient: &mut Patient<'_>) -> Result<(Carving, PartitionExpression), OpsError> {
    let (schema, table) = (&attempt.history.spec.schema, &attempt.step.table);
    let state = partitions::read_one(&mut patient.connection, schema, table).await?;
    let TableState::Partitioned { expression, partitions, twins, carving } = state else {
        return Err(refused("the table is missing, or has no partitions any more"));
    };
    if let Action::CarveOut { partition, before, twin, .. } = &attempt.step.action {
        let found = partitions.iter().find(|found| found.name == *partition);
        if found.is_none_or(|found| found.upper != Boundary::Before(*before)) {
            return Err(refused("the partition is gone, or ends elsewhere than when the plan was made"));
        }
        let its = twins.iter().find(|twin| twin.partition.as_ref() == Some(partition));
        match (twin, its) {
            (None, None) => {}
            (Some(name), Some(its)) if its.name == *name && matches!(its.state, TwinState::Quarantined { .. }) => {
                is_sound(its, partition, *before).map_err(|how| refused(&how))?;
            }
            _ => return Err(refused("the month's quarantine is not what it was when the plan was made")),
        }
    }
    Ok((carving, expression))
}

async fn shelf(attempt: &Attempt<'_>, carving: &Carving) -> Result<Shelf, OpsError> {
    let spec = &attempt.history.spec;
    let capabilities = attempt.source()?.capabilities().await?;
    Shelf::new(spec, &attempt.step.table, &carving.columns, capabilities)
        .map_err(|error| OpsError::Internal(error.to_string()))
}

fn refused(how: &str) -> OpsError {
    OpsError::refused(how, "Make a new plan.")
}
