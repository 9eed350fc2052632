//! The step that archives a quarantined month, and the look at its archive before the final drop.
//!
//! Invariant: a month is dropped only while its twin's rows are, counted and checksummed once more, exactly those of its
//! verified archive; else that archive is outdated, and the next plan archives the month again.

use super::attempt::Attempt;
use super::patience::Patient;
use super::quarantine::Site;
use super::step::record_rows;
use crate::OpsError;
use crate::archive::{self, Subject};
use payhist_dialect::TableName;
use payhist_storage::archives::Place;
use payhist_storage::runs::StepResult;
use payhist_storage::twins;
use payhist_types::inventory::{Boundary, Partition, TwinState};
use payhist_types::run::StepOutcome;

impl Site<'_> {
    pub(super) async fn archive(
        &self,
        patient: &mut Patient<'_>,
        result: &mut StepResult,
    ) -> Result<StepOutcome, OpsError> {
        let place = self.place().ok_or_else(|| OpsError::refused("the policy names no archive", "Make a new plan."))?;
        let (partitions, twin) = self.look_whole(patient).await?;
        if !matches!(self.sound(twin)?.state, TwinState::Quarantined { .. }) {
            return Err(OpsError::refused("the month is not in quarantine", "Make a new plan."));
        }
        if archive::verified(self.attempt.ops, &place).await?.is_some() {
            return Ok(StepOutcome::AlreadyDone);
        }
        self.refuse_late_rows(patient).await?;
        let Attempt { ops, history, .. } = *self.attempt;
        let subject = Subject {
            history,
            partition: self.partition,
            from: lower_edge(&partitions, self.partition),
            table: self.twin()?,
            place,
        };
        let rows = archive::write(ops, &subject, &mut patient.connection, self.attempt.lease, &self.actor()).await?;
        record_rows(self.attempt, rows, result).await?;
        let there = twins::count_twin(&mut patient.connection, &self.pair).await?;
        if there != rows {
            return Err(OpsError::Internal(format!("{rows} rows were archived, but {there} are in quarantine")));
        }
        Ok(StepOutcome::Done)
    }

    /// Refuses to go on unless the twin's rows are exactly those of the archive that the policy demands.
    pub(super) async fn refuse_unarchived(&self, patient: &mut Patient<'_>) -> Result<(), OpsError> {
        let Some(place) = self.place() else { return Ok(()) };
        let twin = self.twin()?;
        let Attempt { ops, lease, .. } = *self.attempt;
        archive::still_equal(ops, &place, &twin, &mut patient.connection, lease).await?.map_err(|how| {
            OpsError::refused(
                format!("{} is kept: {how}", twin.table()),
                "Make a new plan: it archives the month again.",
            )
        })
    }

    fn place(&self) -> Option<Place> {
        let Attempt { history, step, .. } = *self.attempt;
        Some(Place {
            history_id: history.id,
            shard: step.shard,
            month: step.action.month(),
            table: step.table.clone(),
            before: self.before,
            target: history.spec.policy.archive.clone()?,
        })
    }

    fn twin(&self) -> Result<TableName, OpsError> {
        let name = self.attempt.step.action.twin().unwrap_or_default();
        TableName::new(&self.attempt.history.spec.schema, name).map_err(|error| OpsError::Internal(error.to_string()))
    }

    fn actor(&self) -> String {
        format!("run {}", self.attempt.run)
    }
}

/// The upper edge of the partition before that one.
fn lower_edge(partitions: &[Partition], name: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    let place = partitions.iter().position(|partition| partition.name == name)?;
    match partitions.get(place.checked_sub(1)?)?.upper {
        Boundary::Before(edge) => Some(edge),
        Boundary::MaxValue | Boundary::Unknown(_) => None,
    }
}
