//! Archives of months: writing them before a month is dropped, listing, verifying, restoring and deleting them.
//!
//! Invariant: nothing is dropped on the strength of an archive that was not read back, nor of one whose rows are not
//! exactly those that would be dropped ([`still_equal`]).

mod config;
mod delete;
mod keys;
mod read;
mod restore;
mod write;

pub use config::ArchiveConfig;
pub use delete::delete;
pub use payhist_archive::cipher::MasterKey;
pub use payhist_archive::store::{Secret, TargetConfig};
pub use restore::restore;
pub(crate) use write::{Subject, write};

use crate::auth::{Permit, ViewPartitions};
use crate::rotation::Lease;
use crate::zone::local;
use crate::{Ops, OpsError, histories, zone};
use payhist_archive::ArchiveError;
use payhist_archive::store::Target;
use payhist_dialect::TableName;
use payhist_storage::PooledConnection;
use payhist_storage::archives::{self, Contents, Place, StoredArchive};
use payhist_storage::histories::History;
use payhist_types::Month;
use payhist_types::archive::{Archive, ArchiveState, Manifest, Verification};
use sha2::{Digest, Sha256};

fn manifest_key(key: &str) -> String {
    format!("{key}.json")
}

/// The archives of a history, or of one of its months, oldest month first, with those that are being written.
pub async fn list(
    ops: &Ops,
    _permit: &Permit<ViewPartitions>,
    history: &str,
    month: Option<Month>,
) -> Result<Vec<Archive>, OpsError> {
    let history = histories::find(ops, history).await?;
    stored(ops, &history, month).await?.iter().map(|archive| view(&history, archive)).collect()
}

/// Reads the archives of a history, or of one of its months, back from their stores. A bad one never stops the others.
pub async fn verify(
    ops: &Ops,
    _permit: &Permit<ViewPartitions>,
    history: &str,
    month: Option<Month>,
) -> Result<Vec<Verification>, OpsError> {
    let history = histories::find(ops, history).await?;
    let mut verified = Vec::new();
    for archive in stored(ops, &history, month).await? {
        let Some(contents) = archive.contents.as_ref().filter(|_| is_kept(archive.state)) else { continue };
        let (rows, unreadable_rows, problem) = match verify_one(ops, &history, &archive.place, contents).await {
            Ok((rows, unreadable)) => (rows, unreadable, None),
            Err(error) => (0, 0, Some(error.to_string())),
        };
        verified.push(Verification { archive: view(&history, &archive)?, rows, unreadable_rows, problem });
    }
    Ok(verified)
}

async fn verify_one(ops: &Ops, history: &History, place: &Place, contents: &Contents) -> Result<(u64, u64), OpsError> {
    let target = ops.archive().target(&place.target)?;
    let manifest = manifest_of(&target, contents).await?;
    let back = read::file(ops, history, &target, &contents.key, (&manifest).into(), None, |_, _| Ok(())).await?;
    is_whole(&back, &manifest)?;
    Ok((back.tally.rows, back.unreadable))
}

/// Is what was read what the manifest says? A person's destroyed key changes the checksum of clear rows, but neither the
/// file's bytes nor rows and sums.
fn is_whole(back: &read::Contained, manifest: &Manifest) -> Result<(), OpsError> {
    let (tally, expected) = (&back.tally, &manifest.tally);
    let same_rows = (tally.rows, &tally.sums) == (expected.rows, &expected.sums);
    let same_checksum = back.unreadable > 0 || tally.checksum == expected.checksum;
    let file = &manifest.file;
    if same_rows && same_checksum && (back.bytes, &back.sha256) == (file.bytes, &file.sha256) {
        return Ok(());
    }
    Err(OpsError::Internal(format!("{} is damaged: it holds {tally:?}, its manifest says {expected:?}", file.key)))
}

/// The manifest, if it is the one that was recorded.
async fn manifest_of(target: &Target, contents: &Contents) -> Result<Manifest, ArchiveError> {
    let key = manifest_key(&contents.key);
    let json = target.get(&key).await?;
    if hex::encode(Sha256::digest(&json)) != contents.manifest_sha256 {
        return Err(ArchiveError::Damaged(format!("{key} is not the manifest that was recorded")));
    }
    serde_json::from_slice(&json).map_err(|error| ArchiveError::Damaged(format!("{key} cannot be read: {error}")))
}

/// The verified archive of exactly that place, if there is one.
pub(crate) async fn verified(ops: &Ops, place: &Place) -> Result<Option<Contents>, OpsError> {
    let mut connection = ops.control().acquire("archive.find").await?;
    let archives = archives::list(&mut connection, place.history_id, Some(place.month)).await?;
    let is_it = |archive: &&StoredArchive| archive.state == ArchiveState::Verified && archive.place == *place;
    Ok(archives.iter().rev().find(is_it).and_then(|archive| archive.contents.clone()))
}

/// Is its file in the store still the one that was read back, byte for byte, and are the table's rows still exactly those of
/// the archive? If not, the archive is good for no drop any more, and the answer says why. The table is read last, since it
/// may change until it is dropped.
pub(crate) async fn still_equal(
    ops: &Ops,
    place: &Place,
    table: &TableName,
    connection: &mut PooledConnection,
    lease: &Lease,
) -> Result<Result<(), String>, OpsError> {
    let Some(contents) = verified(ops, place).await? else {
        return Ok(Err("it has no verified archive".to_owned()));
    };
    let target = ops.archive().target(&place.target)?;
    let why = if lease.held_while(ops, is_in_store(&target, &contents)).await? {
        let tally = read::table(ops, connection, table, lease).await?;
        if (tally.rows, tally.checksum.as_str()) == (contents.rows, contents.checksum.as_str()) {
            return Ok(Ok(()));
        }
        format!("it has {} rows, not exactly the {} of its archive", tally.rows, contents.rows)
    } else {
        format!("{} is not any more what was read back", contents.key)
    };
    let mut control = ops.control().acquire("archive.outdate").await?;
    archives::outdate(&mut control, place.history_id, place.shard, place.month).await?;
    Ok(Err(why))
}

/// Are manifest and file in the store still those that were recorded? A store that does not answer is an error, not a no.
async fn is_in_store(target: &Target, contents: &Contents) -> Result<bool, OpsError> {
    let whole = async {
        let manifest = manifest_of(target, contents).await?;
        Ok(target.digest(&contents.key).await? == (manifest.file.bytes, manifest.file.sha256))
    };
    match whole.await {
        Err(ArchiveError::Missing(_) | ArchiveError::Damaged(_)) => Ok(false),
        found => Ok(found?),
    }
}

/// Is it neither deleted nor about to be?
fn is_kept(state: ArchiveState) -> bool {
    !matches!(state, ArchiveState::Deleting | ArchiveState::Deleted)
}

async fn stored(ops: &Ops, history: &History, month: Option<Month>) -> Result<Vec<StoredArchive>, OpsError> {
    let mut connection = ops.control().acquire("archive.list").await?;
    Ok(archives::list(&mut connection, history.id, month).await?)
}

fn view(history: &History, archive: &StoredArchive) -> Result<Archive, OpsError> {
    let zone = zone::parse(&history.spec.policy.zone)?;
    let contents = archive.contents.as_ref();
    Ok(Archive {
        id: archive.id,
        history: history.spec.name.to_string(),
        shard: archive.place.shard,
        month: archive.place.month,
        table: archive.place.table.clone(),
        target: archive.place.target.clone(),
        key: contents.map(|contents| contents.key.clone()).unwrap_or_default(),
        state: archive.state,
        rows: contents.map_or(0, |contents| contents.rows),
        bytes: contents.map_or(0, |contents| contents.bytes),
        created_at: local(archive.created_at, zone),
    })
}
