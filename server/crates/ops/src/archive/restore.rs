//! An archived month back into tables of its own: `TABLE_restored_YYYYMM`, one for each shard.
//!
//! Invariants: no table that is in use is written to; a half restored table is known by its comment, and is begun anew; a
//! table is called restored only after its rows were counted and checksummed in it.

use super::{is_kept, is_whole, manifest_of, read, stored, view};
use crate::auth::{ManagePartitions, Permit};
use crate::rotation::{Lease, Patient, take_lease};
use crate::{Ops, OpsError, histories};
use payhist_dialect::TableName;
use payhist_dialect::archive::{Claim, RestoredTable};
use payhist_storage::archives::StoredArchive;
use payhist_storage::histories::History;
use payhist_storage::{audit, columns, fault, partitions, tx};
use payhist_types::Month;
use payhist_types::archive::{ArchiveRestored, ArchiveState, Manifest, Tally};
use payhist_types::inventory::TableState;
use serde_json::json;
use std::collections::BTreeMap;

/// Restores the newest archive of each shard's month. A shard that fails never stops the others.
///
/// # Errors
/// [`OpsError::Refused`] when the month has no archive, or while a run is at work.
pub async fn restore(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &str,
    month: Month,
) -> Result<Vec<ArchiveRestored>, OpsError> {
    let history = histories::find(ops, history).await?;
    let archives = newest(stored(ops, &history, Some(month)).await?);
    if archives.is_empty() {
        let why = format!("{month} of {} has no archive", history.spec.name);
        return Err(OpsError::refused(why, "`payhist archive list` shows those that there are."));
    }
    let lease = take_lease(ops, &history).await?.ok_or_else(|| {
        OpsError::refused(format!("a run is at work on {}", history.spec.name), "Wait for its end, then try again.")
    })?;
    let restored = shards(ops, permit, &history, month, &archives, &lease).await;
    lease.release(ops).await?;
    restored
}

async fn shards(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &History,
    month: Month,
    archives: &[StoredArchive],
    lease: &Lease,
) -> Result<Vec<ArchiveRestored>, OpsError> {
    let ids: Vec<_> = archives.iter().map(|archive| archive.id).collect();
    tell(ops, permit, history, "archive.restore", json!({ "month": month, "archives": ids })).await?;
    let mut restored = Vec::new();
    for archive in archives {
        restored.push(shard(ops, history, archive, lease).await?);
    }
    tell(ops, permit, history, "archive.restored", json!({ "month": month, "shards": restored })).await?;
    Ok(restored)
}

/// One archive for each shard: the newest verified one, or the newest of all.
fn newest(archives: Vec<StoredArchive>) -> Vec<StoredArchive> {
    let mut by_shard = BTreeMap::new();
    for archive in archives.into_iter().filter(|archive| archive.contents.is_some() && is_kept(archive.state)) {
        let rank = |archive: &StoredArchive| (archive.state == ArchiveState::Verified, archive.id);
        let best = by_shard.entry(archive.place.shard).or_insert_with(|| archive.clone());
        if rank(best) < rank(&archive) {
            *best = archive;
        }
    }
    by_shard.into_values().collect()
}

async fn tell(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &History,
    action: &'static str,
    detail: serde_json::Value,
) -> Result<(), OpsError> {
    let now = ops.now();
    tx::run(ops.control(), "archive.tell", |connection| {
        let (actor, name, detail) = (permit.actor().to_owned(), history.spec.name.to_string(), detail.clone());
        Box::pin(async move {
            audit::append(connection, &audit::Entry { at: now, actor: &actor, action, target: &name, detail }).await
        })
    })
    .await?;
    Ok(())
}

async fn shard(
    ops: &Ops,
    history: &History,
    archive: &StoredArchive,
    lease: &Lease,
) -> Result<ArchiveRestored, OpsError> {
    let mut result = ArchiveRestored {
        archive: view(history, archive)?,
        table: String::new(),
        rows: 0,
        unreadable_rows: 0,
        already_there: false,
        problem: None,
    };
    if let Err(error) = put_back(ops, history, archive, lease, &mut result).await {
        tracing::error!(archive = archive.id, error = &error as &dyn std::error::Error, "an archive was not restored");
        result.problem = Some(error.to_string());
    }
    Ok(result)
}

async fn put_back(
    ops: &Ops,
    history: &History,
    archive: &StoredArchive,
    lease: &Lease,
    result: &mut ArchiveRestored,
) -> Result<(), OpsError> {
    let internal = |error: payhist_dialect::IdentError| OpsError::Internal(error.to_string());
    let spec = &history.spec;
    let like = TableName::new(&spec.schema, &archive.place.table).map_err(internal)?;
    let source = ops.source(spec.source.of(archive.place.shard))?;
    let capabilities = source.capabilities().await?;
    let site = RestoredTable::new(like.clone(), archive.place.month, archive.id, capabilities).map_err(internal)?;
    site.table().table().clone_into(&mut result.table);
    let contents =
        archive.contents.as_ref().ok_or_else(|| OpsError::Internal("the archive is not whole".to_owned()))?;
    let target = ops.archive().target(&archive.place.target)?;
    let manifest = manifest_of(&target, contents).await?;
    let mut patient = Patient::open(ops, source).await?;
    if let Some(session) = site.session() {
        patient.run(&session).await?;
    }
    if columns::of_table(&mut patient.connection, &like).await? != manifest.columns {
        let why = format!("{} has other columns than the archive", archive.place.table);
        return Err(OpsError::refused(why, "Read the Parquet file itself: docs/archive.md."));
    }
    if make_room(ops, &mut patient, &site, archive.id, lease).await? {
        result.already_there = true;
    } else {
        patient.run(&site.create()).await?;
        fault::point("archive.after_create");
        patient.run(&site.prepare()).await?;
        fault::point("archive.after_prepare");
        result.unreadable_rows = load(ops, history, &target, &manifest, &site, lease).await?;
        fault::point("archive.after_load");
    }
    let there = read::table(ops, &mut patient.connection, site.table(), lease).await?;
    result.rows = there.rows;
    check(&there, &manifest.tally, result)?;
    if !result.already_there {
        patient.run(&site.mark()).await?;
    }
    Ok(())
}

/// Does the table hold the archive? Without the names of persons whose key was destroyed the checksum cannot be the same.
fn check(there: &Tally, expected: &Tally, result: &ArchiveRestored) -> Result<(), OpsError> {
    let same_rows = (there.rows, &there.sums) == (expected.rows, &expected.sums);
    if same_rows && (result.unreadable_rows > 0 || there.checksum == expected.checksum) {
        return Ok(());
    }
    Err(OpsError::Internal(format!("{} has not the rows of the archive: {there:?}, not {expected:?}", result.table)))
}

/// Drops what a killed process left half restored; answers whether the archive is there already.
async fn make_room(
    ops: &Ops,
    patient: &mut Patient<'_>,
    site: &RestoredTable,
    archive: u64,
    lease: &Lease,
) -> Result<bool, OpsError> {
    let table = site.table();
    let Some(comment) = columns::comment_of(&mut patient.connection, table).await? else { return Ok(false) };
    match Claim::parse(&comment) {
        Claim::Restored(id) if id == archive => return Ok(true),
        Claim::Restoring => {}
        // Created and not yet marked: the only empty partitioned table of that name is ours.
        Claim::Foreign if is_unmarked(ops, patient, table, lease).await? => {}
        Claim::Foreign | Claim::Restored(_) => {
            let why = format!("the table {} is there already, and is not of this archive", table.table());
            return Err(OpsError::refused(why, "Rename or drop it, then try again."));
        }
    }
    patient.run(&site.drop()).await?;
    Ok(false)
}

async fn is_unmarked(ops: &Ops, patient: &mut Patient<'_>, table: &TableName, lease: &Lease) -> Result<bool, OpsError> {
    let state = partitions::read_one(&mut patient.connection, table.schema(), table.table()).await?;
    Ok(matches!(state, TableState::Partitioned { .. })
        && read::table(ops, &mut patient.connection, table, lease).await?.rows == 0)
}

/// Loads the archive's rows, a batch a transaction; answers how many persons' rows cannot be read any more.
async fn load(
    ops: &Ops,
    history: &History,
    target: &payhist_archive::store::Target,
    manifest: &Manifest,
    site: &RestoredTable,
    lease: &Lease,
) -> Result<u64, OpsError> {
    let work = ops.source(history.spec.source.of(manifest.shard))?.work.clone();
    let (table, columns) = (site.table().clone(), manifest.columns.clone());
    let back =
        read::file(ops, history, target, &manifest.file.key, manifest.into(), Some(lease), move |handle, batch| {
            let loaded = tx::run(&work, "archive.load", |connection| {
                let (table, columns, batch) = (table.clone(), columns.clone(), batch.clone());
                Box::pin(async move { columns::insert(connection, &table, &columns, &batch).await })
            });
            handle.block_on(loaded)?;
            fault::point("archive.after_batch");
            Ok(())
        })
        .await?;
    is_whole(&back, manifest)?;
    Ok(back.unreadable)
}
