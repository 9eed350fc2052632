//! Deleting the archives of a month.
//!
//! Invariants: nothing is deleted that a legal hold may keep rows in, which is looked at before anything is recorded and again,
//! with the holds locked, around each deletion; what was begun is good for no drop any more, and is finished by repeating the
//! command; the manifest goes first, so that what is left in between is no archive.

use super::{manifest_key, stored, view};
use crate::auth::{ManagePartitions, Permit};
use crate::rotation::{Lease, take_lease};
use crate::{Ops, OpsError, histories};
use payhist_storage::archives::{self, StoredArchive};
use payhist_storage::histories::{self as stored_histories, History};
use payhist_storage::permit::Gate;
use payhist_storage::{audit, fault, tx};
use payhist_types::Month;
use payhist_types::archive::{ArchiveDeleted, ArchiveState};
use payhist_types::history::Switch;
use serde_json::json;

/// Deletes every archive of a month. One that fails never stops the others.
///
/// # Errors
/// [`OpsError::Held`] when a hold may keep rows of any of them: then none is deleted. [`OpsError::Refused`] without archives,
/// while the drop switch is off, or while a run is at work.
pub async fn delete(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &str,
    month: Month,
    reason: &str,
) -> Result<Vec<ArchiveDeleted>, OpsError> {
    if reason.trim().is_empty() {
        return Err(OpsError::field("reason", "say why they may go"));
    }
    let history = histories::find(ops, history).await?;
    let lease = take_lease(ops, &history).await?.ok_or_else(|| {
        OpsError::refused(format!("a run is at work on {}", history.spec.name), "Wait for its end, then try again.")
    })?;
    let deleted = all(ops, permit, &history, month, reason, &lease).await;
    lease.release(ops).await?;
    deleted
}

async fn all(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &History,
    month: Month,
    reason: &str,
    lease: &Lease,
) -> Result<Vec<ArchiveDeleted>, OpsError> {
    let mut connection = ops.control().acquire("archive.switches").await?;
    if !stored_histories::switches(&mut connection, history.id).await?.is_on(Switch::Drop) {
        let why = format!("the drop switch of {} is off", history.spec.name);
        return Err(OpsError::refused(
            why,
            "Nothing that cannot be undone is done without it: `payhist partitions switch`.",
        ));
    }
    drop(connection);
    let mut archives = stored(ops, history, Some(month)).await?;
    archives.retain(|archive| archive.contents.is_some() && archive.state != ArchiveState::Deleted);
    if archives.is_empty() {
        let why = format!("{month} of {} has no archive", history.spec.name);
        return Err(OpsError::refused(why, "`payhist archive list` shows those that there are."));
    }
    for archive in &archives {
        guarded(ops, history, archive, async |_| Ok(())).await?;
    }
    let mut deleted = Vec::new();
    for archive in &archives {
        lease.renew(ops).await?;
        tell(ops, permit, history, archive, ArchiveState::Deleting, reason).await?;
        fault::point("archive.after_delete_begun");
        let gone = guarded(ops, history, archive, async |permit| {
            if let Some(contents) = &archive.contents {
                let target = ops.archive().target(&archive.place.target)?;
                target.delete(&manifest_key(&contents.key), permit).await?;
                fault::point("archive.after_manifest_deleted");
                target.delete(&contents.key, permit).await?;
            }
            Ok(())
        })
        .await;
        let problem = match gone {
            Ok(()) => {
                tell(ops, permit, history, archive, ArchiveState::Deleted, reason).await?;
                None
            }
            Err(error) => Some(error.to_string()),
        };
        deleted.push(ArchiveDeleted { archive: view(history, archive)?, problem });
    }
    Ok(deleted)
}

/// Does something to an archive for as long as the holds are locked, unless one of them may keep rows of it.
async fn guarded(
    ops: &Ops,
    history: &History,
    archive: &StoredArchive,
    work: impl AsyncFnOnce(&payhist_storage::permit::DropPermit<'_>) -> Result<(), OpsError>,
) -> Result<(), OpsError> {
    let mut control = ops.control().acquire("holds.gate").await?;
    let mut gate = Gate::enter(&mut control, history.id).await?;
    let done = match gate.permit_archive(archive.place.month, ops.now()).await? {
        Ok(permit) => work(&permit).await,
        Err(guard) => Err(OpsError::Held(guard)),
    };
    gate.leave().await?;
    done
}

async fn tell(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &History,
    archive: &StoredArchive,
    state: ArchiveState,
    reason: &str,
) -> Result<(), OpsError> {
    let now = ops.now();
    let action = if state == ArchiveState::Deleted { "archive.deleted" } else { "archive.delete" };
    tx::run(ops.control(), "archive.delete", |connection| {
        let (actor, name, archive) = (permit.actor().to_owned(), history.spec.name.to_string(), archive.clone());
        let detail = json!({ "archive": archive.id, "month": archive.place.month, "table": archive.place.table, "reason": reason });
        Box::pin(async move {
            archives::deletion(connection, archive.id, state).await?;
            audit::append(connection, &audit::Entry { at: now, actor: &actor, action, target: &name, detail }).await
        })
    })
    .await?;
    Ok(())
}
