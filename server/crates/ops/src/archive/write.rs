//! Writing the archive of one shard's month.
//!
//! Invariants:
//! - The rows are those of one snapshot, and are counted and checksummed as they leave the table.
//! - The file gets its own key, and its manifest, only after it was read back from the store and found to hold them.
//! - It is recorded as verified after everything else, with the audit entry.

use super::keys::{self, Wanted};
use super::manifest_key;
use super::read::{self, Expected, on_a_thread};
use crate::rotation::Lease;
use crate::{Ops, OpsError};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use payhist_archive::file::FileWriter;
use payhist_archive::layout::{Layout, PERSONAL_COLUMNS};
use payhist_archive::seal::{self, Keys};
use payhist_archive::store::Target;
use payhist_archive::tally::Counting;
use payhist_dialect::{TableName, archive};
use payhist_storage::archives::{self, Contents, Place};
use payhist_storage::columns::{self, Batch};
use payhist_storage::histories::History;
use payhist_storage::{PooledConnection, audit, fault, tx};
use payhist_types::archive::{ArchiveFile, Column, Manifest, Tally};
use payhist_types::history::HistoryName;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

/// A month that is to be archived from the table that holds nothing else.
pub(crate) struct Subject<'a> {
    pub(crate) history: &'a History,
    pub(crate) place: Place,
    pub(crate) partition: &'a str,
    /// The partition's lower edge, if it has one.
    pub(crate) from: Option<DateTime<Utc>>,
    /// The table with the rows.
    pub(crate) table: TableName,
}

/// Writes and verifies the archive; answers its rows.
pub(crate) async fn write(
    ops: &Ops,
    subject: &Subject<'_>,
    connection: &mut PooledConnection,
    lease: &Lease,
    actor: &str,
) -> Result<u64, OpsError> {
    let Subject { history, place, .. } = subject;
    let target = ops.archive().target(&place.target)?;
    ops.archive().master_key()?;
    let id = {
        let mut control = ops.control().acquire("archive.begin").await?;
        archives::begin(&mut control, place, ops.now()).await?
    };
    fault::point("archive.after_begin");
    let key = format!("{}/{}/{}.{id:06}.parquet", history.spec.name, place.month, place.table);
    let temporary = format!("{key}.tmp");
    let columns = columns::of_table(connection, &subject.table).await?;
    let encrypted: Vec<_> = PERSONAL_COLUMNS.map(str::to_owned).to_vec();
    let expected = Expected { columns, encrypted };
    let (file, tally) = pour(ops, subject, connection, &target, &temporary, &expected, lease).await?;
    fault::point("archive.after_upload");

    let back = read::file(ops, history, &target, &temporary, expected.clone(), Some(lease), |_, _| Ok(())).await?;
    if (back.bytes, &back.sha256, &back.tally) != (file.0, &file.1, &tally) {
        let words = format!("{temporary} read back is not what was written: {:?} instead of {tally:?}", back.tally);
        return Err(OpsError::Internal(words));
    }
    target.rename(&temporary, &key).await?;
    fault::point("archive.after_rename");
    let file = ArchiveFile { key: key.clone(), bytes: file.0, sha256: file.1 };
    let manifest = manifest(ops, subject, expected, tally, file);
    let manifest_sha256 = put_manifest(&target, &manifest).await?;
    fault::point("archive.after_manifest");
    let contents = Contents {
        key,
        rows: manifest.tally.rows,
        bytes: manifest.file.bytes,
        checksum: manifest.tally.checksum.clone(),
        manifest_sha256,
    };
    record(ops, id, contents, &manifest, actor).await?;
    fault::point("archive.after_record");
    Ok(manifest.tally.rows)
}

fn manifest(ops: &Ops, subject: &Subject, expected: Expected, tally: Tally, file: ArchiveFile) -> Manifest {
    let Subject { history, place, .. } = subject;
    Manifest {
        version: 1,
        history: history.spec.name.clone(),
        shard: place.shard,
        month: place.month,
        table: place.table.clone(),
        partition: subject.partition.to_owned(),
        from: subject.from,
        before: place.before,
        policy: history.spec.policy.clone(),
        archived_at: ops.now(),
        columns: expected.columns,
        encrypted: expected.encrypted,
        tally,
        file,
    }
}

/// From the table into the store: reading, finding keys, encrypting, encoding and uploading at the same time, a few batches at
/// most in between.
async fn pour(
    ops: &Ops,
    subject: &Subject<'_>,
    connection: &mut PooledConnection,
    target: &Target,
    key: &str,
    expected: &Expected,
    lease: &Lease,
) -> Result<((u64, String), Tally), OpsError> {
    let (batch_sender, batches) = mpsc::channel(1);
    let (keyed_sender, keyed) = mpsc::channel(1);
    let (sealed_sender, sealed) = mpsc::channel(1);
    let (piece_sender, pieces) = mpsc::channel(1);
    let history = subject.history;
    let layout = Layout::of(&expected.columns)?;
    let with_keys = keys::find(Wanted::ToSeal, ops, history, Some(lease), &layout, batches, keyed_sender);
    let (columns, name, encrypted) = (expected.columns.clone(), history.spec.name.clone(), expected.clone());
    let facts = vec![
        ("payhist.history".to_owned(), history.spec.name.to_string()),
        ("payhist.shard".to_owned(), subject.place.shard.to_string()),
        ("payhist.month".to_owned(), subject.place.month.to_string()),
        ("payhist.table".to_owned(), subject.place.table.clone()),
        ("payhist.before".to_owned(), subject.place.before.to_rfc3339()),
        ("payhist.policy".to_owned(), json!(history.spec.policy).to_string()),
        ("payhist.archived_at".to_owned(), ops.now().to_rfc3339()),
    ];
    let select = archive::select(&subject.table);
    let (read, found, sealed, encoded, written) = tokio::join!(
        columns::stream(connection, &select, &expected.columns, batch_sender),
        with_keys,
        on_a_thread(move || seal(&columns, &name, keyed, &sealed_sender)),
        on_a_thread(move || encode(&encrypted, sealed, &piece_sender, facts)),
        target.write(key, pieces),
    );
    read?;
    found?;
    let written = written?;
    encoded?;
    Ok((written, sealed?))
}

/// Counts and encrypts each batch. Ends quietly when nobody takes them: why, the encoder says.
fn seal(
    columns: &[Column],
    history: &HistoryName,
    mut keyed: mpsc::Receiver<(Batch, Keys)>,
    sealed: &mpsc::Sender<Sealed>,
) -> Result<Tally, OpsError> {
    let layout = Layout::of(columns)?;
    let mut counting = Counting::new(layout.clone());
    while let Some((mut batch, keys)) = keyed.blocking_recv() {
        counting.add(&batch)?;
        seal::seal(&mut batch, columns, &layout, history.as_str(), &keys)?;
        if sealed.blocking_send(Sealed::Batch(batch)).is_err() {
            break;
        }
    }
    let tally = counting.finish();
    let _nobody_takes_it = sealed.blocking_send(Sealed::All(tally.clone()));
    Ok(tally)
}

/// What is to be encoded.
enum Sealed {
    Batch(Batch),
    /// There are no more, and these were their rows.
    All(Tally),
}

/// Encodes each batch. Ends quietly when nobody takes the pieces, or when no more batches come although they were not all: why,
/// the upload or the sealer says, and what is left of the file is no Parquet.
fn encode(
    expected: &Expected,
    mut sealed: mpsc::Receiver<Sealed>,
    pieces: &mpsc::Sender<Bytes>,
    mut facts: Vec<(String, String)>,
) -> Result<(), OpsError> {
    let mut writer = FileWriter::new(&expected.columns, &expected.encrypted)?;
    while let Some(sealed) = sealed.blocking_recv() {
        let piece = match sealed {
            Sealed::Batch(batch) => writer.write(&batch)?,
            Sealed::All(tally) => {
                facts.push(("payhist.tally".to_owned(), json!(tally).to_string()));
                let _nobody_takes_it = pieces.blocking_send(writer.finish(facts)?);
                return Ok(());
            }
        };
        if pieces.blocking_send(piece).is_err() {
            break;
        }
    }
    Ok(())
}

/// Puts the manifest beside the file, reads it back, and answers its SHA-256.
async fn put_manifest(target: &Target, manifest: &Manifest) -> Result<String, OpsError> {
    let json = serde_json::to_vec_pretty(manifest).map_err(|error| OpsError::Internal(error.to_string()))?;
    let key = manifest_key(&manifest.file.key);
    target.put(&key, json.clone().into()).await?;
    if target.get(&key).await? != json || target.size(&manifest.file.key).await? != manifest.file.bytes {
        return Err(OpsError::Internal(format!("{key} read back is not what was written")));
    }
    Ok(hex::encode(Sha256::digest(&json)))
}

async fn record(ops: &Ops, id: u64, contents: Contents, manifest: &Manifest, actor: &str) -> Result<(), OpsError> {
    let now = ops.now();
    tx::run(ops.control(), "archive.record", |connection| {
        let (contents, manifest, actor) = (contents.clone(), manifest.clone(), actor.to_owned());
        Box::pin(async move {
            archives::verified(connection, id, &contents, now).await?;
            let detail = json!({
                "archive": id, "table": manifest.table, "month": manifest.month, "key": contents.key,
                "tally": manifest.tally, "manifest_sha256": contents.manifest_sha256,
            });
            let target = manifest.history.as_str();
            audit::append(
                connection,
                &audit::Entry { at: now, actor: &actor, action: "archive.verified", target, detail },
            )
            .await
        })
    })
    .await?;
    Ok(())
}
