//! The steps of quarantine: a month out into its twin, late rows after it, and the final drop.
//!
//! Invariants:
//! - Every statement is preceded by a look at the catalogue, so that each can be the one at which a process was killed.
//! - Rows are counted before they move and after, and found again or named.
//! - A twin is dropped only when it is marked, its partition ends where its comment says, and no late row waits; the
//!   partition only while nobody else can write to it and it is empty.

use super::attempt::Attempt;
use super::patience::Patient;
use super::step::record_rows;
use crate::OpsError;
use payhist_dialect::TableName;
use payhist_dialect::quarantine::Pair;
use payhist_storage::archives;
use payhist_storage::runs::StepResult;
use payhist_storage::{Pool, StorageError, fault, partitions, permit, twins, tx};
use payhist_types::inventory::{Boundary, Partition, TableState, Twin, TwinState};
use payhist_types::plan::Action;
use payhist_types::run::StepOutcome;

const NEW_PLAN: &str = "Make a new plan.";

/// A partition and its twin, on one table of the step's history.
pub(super) struct Site<'a> {
    pub(super) attempt: &'a Attempt<'a>,
    pub(super) partition: &'a str,
    pub(super) before: chrono::DateTime<chrono::Utc>,
    pub(super) pair: Pair,
}

pub(super) async fn act(
    attempt: &Attempt<'_>,
    patient: &mut Patient<'_>,
    result: &mut StepResult,
) -> Result<StepOutcome, OpsError> {
    let (Action::QuarantineMonth { partition, before, twin, .. }
    | Action::QuarantineLateRows { partition, before, twin, .. }
    | Action::ArchiveMonth { partition, before, twin, .. }
    | Action::DropQuarantined { partition, before, twin, .. }) = &attempt.step.action
    else {
        return Err(OpsError::Internal("this version cannot carry out such a step".to_owned()));
    };
    let pair = pair(attempt, partition, twin, *before).await?;
    if let Some(session) = pair.session() {
        patient.run(&session).await?;
    }
    let site = Site { attempt, partition, before: *before, pair };
    match &attempt.step.action {
        Action::QuarantineMonth { .. } => site.quarantine(patient, result).await,
        Action::QuarantineLateRows { .. } => site.late_rows(patient, result).await,
        Action::ArchiveMonth { .. } => site.archive(patient, result).await,
        _ => site.drop_for_good(patient, result).await,
    }
}

async fn pair(
    attempt: &Attempt<'_>,
    partition: &str,
    twin: &str,
    before: chrono::DateTime<chrono::Utc>,
) -> Result<Pair, OpsError> {
    let capabilities = attempt.source()?.capabilities().await?;
    TableName::new(&attempt.history.spec.schema, &attempt.step.table)
        .and_then(|table| Pair::new(table, partition, twin, before, capabilities))
        .map_err(|error| OpsError::Internal(error.to_string()))
}

impl Site<'_> {
    async fn quarantine(&self, patient: &mut Patient<'_>, result: &mut StepResult) -> Result<StepOutcome, OpsError> {
        let mut twin = self.look(patient).await?.1;
        fault::point("rotation.before_ddl");
        if twin.is_none() {
            patient.run(&self.pair.create()).await?;
            fault::point("rotation.after_create");
            twin = self.look(patient).await?.1;
        }
        if let Some(TwinState::Unfinished { .. }) = twin.as_ref().map(|twin| &twin.state) {
            if twins::count_twin(&mut patient.connection, &self.pair).await? > 0 {
                return Err(refused("the table in the twin's place has rows"));
            }
            patient.run(&self.pair.prepare()).await?;
            fault::point("rotation.after_prepare");
            twin = self.look(patient).await?.1;
        }
        match self.sound(twin)?.state {
            TwinState::Quarantined { .. } => return Ok(StepOutcome::AlreadyDone),
            TwinState::Prepared { .. } => self.exchange(patient, result).await?,
            TwinState::Unfinished { .. } | TwinState::Foreign => return Err(refused("the twin cannot be prepared")),
        }
        patient.run(&self.pair.mark()).await?;
        fault::point("rotation.after_mark");
        match self.sound(self.look(patient).await?.1)?.state {
            TwinState::Quarantined { .. } => Ok(StepOutcome::Done),
            _ => Err(OpsError::Internal("the twin was marked, yet its comment has not changed".to_owned())),
        }
    }

    /// Takes the rows out, unless that was done before this process, and counts them again where they are now.
    async fn exchange(&self, patient: &mut Patient<'_>, result: &mut StepResult) -> Result<(), OpsError> {
        let counted = match twins::count_twin(&mut patient.connection, &self.pair).await? {
            0 => {
                let counted = twins::count_partition(&mut patient.connection, &self.pair).await?;
                record_rows(self.attempt, counted, result).await?;
                fault::point("rotation.before_exchange");
                patient.run(&self.pair.exchange()).await?;
                fault::point("rotation.after_exchange");
                counted
            }
            // Only the exchange brings rows into a prepared twin, and only a process that counted first exchanges.
            _ => self.attempt.counted.ok_or_else(|| refused("the prepared twin has rows that no exchange brought"))?,
        };
        let there = twins::count_twin(&mut patient.connection, &self.pair).await?;
        let late = twins::count_partition(&mut patient.connection, &self.pair).await?;
        if there < counted {
            let words = format!("of {counted} rows only {there} are in quarantine; {late} are in the partition");
            return Err(OpsError::Internal(words));
        }
        record_rows(self.attempt, there, result).await?;
        if there > counted || late > 0 {
            let meanwhile = there - counted;
            result.detail = Some(format!("{meanwhile} rows came while it was counted, {late} came after the exchange"));
        }
        Ok(())
    }

    async fn late_rows(&self, patient: &mut Patient<'_>, result: &mut StepResult) -> Result<StepOutcome, OpsError> {
        let twin = self.sound(self.look(patient).await?.1)?;
        if !matches!(twin.state, TwinState::Quarantined { .. }) {
            return Err(refused("the month is not in quarantine"));
        }
        if twins::count_partition(&mut patient.connection, &self.pair).await? == 0 {
            return Ok(StepOutcome::AlreadyDone);
        }
        fault::point("rotation.before_ddl");
        let Attempt { ops, history, step, .. } = *self.attempt;
        let mut control = ops.control().acquire("rotation.outdate").await?;
        archives::outdate(&mut control, history.id, step.shard, step.action.month()).await?;
        drop(control);
        let work = &self.attempt.source()?.work;
        let moved = move_late_rows(work, &self.pair).await?;
        fault::point("rotation.after_ddl");
        record_rows(self.attempt, moved, result).await?;
        Ok(StepOutcome::Done)
    }

    async fn drop_for_good(&self, patient: &mut Patient<'_>, result: &mut StepResult) -> Result<StepOutcome, OpsError> {
        match self.look(patient).await? {
            (false, None) => return Ok(StepOutcome::AlreadyDone),
            (false, Some(_)) => return Err(refused("the partition is gone, and its twin is left: look at it first")),
            (true, Some(twin)) => {
                if !matches!(self.sound(Some(twin))?.state, TwinState::Quarantined { .. }) {
                    return Err(refused("the month is not in quarantine"));
                }
                self.refuse_late_rows(patient).await?;
                self.refuse_unarchived(patient).await?;
                let rows = twins::count_twin(&mut patient.connection, &self.pair).await?;
                record_rows(self.attempt, rows, result).await?;
                fault::point("rotation.before_ddl");
                patient.destroy(&self.pair.drop_twin(), &self.attempt.doomed()).await?;
                fault::point("rotation.after_twin_drop");
            }
            // This very step, in a process that was killed, counted the twin's rows and dropped it.
            (true, None) if self.attempt.counted.is_some() => {}
            (true, None) => return Err(refused("the twin is gone")),
        }
        patient.run(&self.pair.lock_table()).await?;
        let empty = permit::for_empty_partition(&mut patient.connection, &self.pair).await?;
        // An error closes the session, and that ends the lock.
        let permit = empty.ok_or_else(|| refused("rows came late into the partition: they are kept"))?;
        patient.remove(&self.pair.drop_partition(), &permit).await?;
        fault::point("rotation.after_ddl");
        patient.run(&self.pair.unlock()).await?;
        match self.look(patient).await? {
            (false, None) => Ok(StepOutcome::Done),
            _ => {
                Err(OpsError::Internal("the server took the statements, yet its catalogue has not changed".to_owned()))
            }
        }
    }

    pub(super) async fn refuse_late_rows(&self, patient: &mut Patient<'_>) -> Result<(), OpsError> {
        match twins::count_partition(&mut patient.connection, &self.pair).await? {
            0 => Ok(()),
            late => Err(refused(&format!("{late} rows came late into {}: they are kept", self.partition))),
        }
    }

    /// Is the partition there, as it was planned with, and what stands in its twin's place?
    async fn look(&self, patient: &mut Patient<'_>) -> Result<(bool, Option<Twin>), OpsError> {
        let (partitions, twin) = self.look_whole(patient).await?;
        Ok((partitions.iter().any(|partition| partition.name == self.partition), twin))
    }

    /// The same, with all partitions.
    pub(super) async fn look_whole(
        &self,
        patient: &mut Patient<'_>,
    ) -> Result<(Vec<Partition>, Option<Twin>), OpsError> {
        let (schema, table) = (&self.attempt.history.spec.schema, &self.attempt.step.table);
        let state = partitions::read_one(&mut patient.connection, schema, table).await?;
        let TableState::Partitioned { partitions, twins, .. } = state else {
            return Err(refused("the table is missing, or has no partitions any more"));
        };
        unchanged(&partitions, self.partition, self.before, &self.attempt.step.action).map_err(|how| refused(&how))?;
        let name = self.attempt.step.action.twin();
        Ok((partitions, twins.into_iter().find(|twin| Some(twin.name.as_str()) == name)))
    }

    /// The twin, if it is this partition's and has its columns.
    pub(super) fn sound(&self, twin: Option<Twin>) -> Result<Twin, OpsError> {
        let twin = twin.ok_or_else(|| refused("the twin is not there"))?;
        is_sound(&twin, self.partition, self.before).map_err(|how| refused(&how))?;
        Ok(twin)
    }
}

/// Says what keeps a twin from being that partition's.
pub(super) fn is_sound(twin: &Twin, partition: &str, before: chrono::DateTime<chrono::Utc>) -> Result<(), String> {
    let name = &twin.name;
    if twin.state == TwinState::Foreign {
        return Err(format!("payhist did not make {name}"));
    }
    if !twin.same_columns {
        return Err(format!("{name} has not the columns of the partitioned table"));
    }
    if twin.partition.as_deref() != Some(partition) || twin.before.is_some_and(|edge| edge != before) {
        return Err(format!("{name} was made for another partition"));
    }
    Ok(())
}

/// Moves late rows to the twin, all or none.
pub(super) async fn move_late_rows(pool: &Pool, pair: &Pair) -> Result<u64, StorageError> {
    tx::run(pool, "rotation.late_rows", |connection| {
        let pair = pair.clone();
        Box::pin(async move { twins::move_late_rows(connection, &pair).await })
    })
    .await
}

fn unchanged(
    partitions: &[Partition],
    name: &str,
    before: chrono::DateTime<chrono::Utc>,
    action: &Action,
) -> Result<(), String> {
    if partitions.iter().any(|partition| matches!(partition.upper, Boundary::Unknown(_))) {
        return Err("the table has a partition whose edge cannot be read".to_owned());
    }
    match partitions.iter().find(|partition| partition.name == name) {
        Some(partition) if partition.upper != Boundary::Before(before) => {
            Err(format!("the partition {name} no longer ends where it did when the plan was made"))
        }
        Some(_) if action.is_destructive() && partitions.len() < 2 => {
            Err(format!("{name} is the table's last partition by now"))
        }
        None if !action.is_destructive() => Err(format!("the partition {name} is gone")),
        _ => Ok(()),
    }
}

fn refused(how: &str) -> OpsError {
    OpsError::refused(how, NEW_PLAN)
}
