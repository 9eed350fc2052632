//! Reading back: a table or an archive's file, batch by batch, with what was counted on the way.

use super::keys::{self, Wanted};
use crate::rotation::Lease;
use crate::{Ops, OpsError};
use payhist_archive::file::FileReader;
use payhist_archive::layout::Layout;
use payhist_archive::seal;
use payhist_archive::store::Target;
use payhist_archive::tally::Counting;
use payhist_dialect::{TableName, archive};
use payhist_storage::columns::{self, Batch};
use payhist_storage::histories::History;
use payhist_storage::{PooledConnection, StorageError};
use payhist_types::archive::{Column, Manifest, Tally};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// What an archive's file holds.
pub(super) struct Contained {
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) tally: Tally,
    /// Rows whose personal columns nobody can read any more.
    pub(super) unreadable: u64,
}

/// What is to be found in an archive's file.
#[derive(Clone)]
pub(super) struct Expected {
    pub(super) columns: Vec<Column>,
    pub(super) encrypted: Vec<String>,
}

impl From<&Manifest> for Expected {
    fn from(manifest: &Manifest) -> Self {
        Self { columns: manifest.columns.clone(), encrypted: manifest.encrypted.clone() }
    }
}

/// Reads an archive's file from its store, and renews the lease, if there is one, at each batch; `each` gets every batch,
/// decrypted, on a thread of its own.
pub(super) async fn file(
    ops: &Ops,
    history: &History,
    target: &Target,
    key: &str,
    expected: Expected,
    lease: Option<&Lease>,
    mut each: impl FnMut(&Handle, &Batch) -> Result<(), OpsError> + Send + 'static,
) -> Result<Contained, OpsError> {
    let (file, bytes, sha256) = target.read(key).await?;
    let (name, handle) = (history.spec.name.clone(), Handle::current());
    let Expected { columns, encrypted } = expected;
    let layout = Layout::of(&columns)?;
    let mut reader = FileReader::open(file, &columns, &encrypted)?;
    let (sender, batches) = mpsc::channel(1);
    let (keyed_sender, mut keyed) = mpsc::channel(1);
    let with_keys = keys::find(Wanted::ToOpen, ops, history, lease, &layout, batches, keyed_sender);
    let decode = move || {
        while let Some(batch) = reader.read()? {
            if sender.blocking_send(batch).is_err() {
                break; // why nobody takes it, the other thread says
            }
        }
        Ok(())
    };
    let its_layout = layout.clone();
    let count = move || {
        let (mut counting, mut unreadable) = (Counting::new(its_layout.clone()), 0);
        while let Some((mut batch, keys)) = keyed.blocking_recv() {
            unreadable += seal::open(&mut batch, &columns, &its_layout, name.as_str(), &keys)?;
            counting.add(&batch)?;
            each(&handle, &batch)?;
        }
        Ok(Contained { bytes, sha256, tally: counting.finish(), unreadable })
    };
    // Decoding keeps one core busy, decrypting and counting another; neither waits for keys.
    let (decoded, found, counted) = tokio::join!(on_a_thread(decode), with_keys, on_a_thread(count));
    let counted = counted?;
    found?;
    decoded?;
    Ok(counted)
}

/// Counts and checksums a table's rows, in one snapshot.
pub(super) async fn table(
    ops: &Ops,
    connection: &mut PooledConnection,
    name: &TableName,
    lease: &Lease,
) -> Result<Tally, OpsError> {
    let columns = columns::of_table(connection, name).await?;
    let mut counting = Counting::new(Layout::of(&columns)?);
    let (sender, mut batches) = mpsc::channel(1);
    let select = archive::select(name);
    let (ops, lease, handle) = (ops.clone(), lease.clone(), Handle::current());
    let counted = on_a_thread(move || {
        while let Some(batch) = batches.blocking_recv() {
            handle.block_on(lease.renew(&ops))?;
            counting.add(&batch)?;
        }
        Ok(counting.finish())
    });
    let (read, counted) = tokio::join!(columns::stream(connection, &select, &columns, sender), counted);
    read?;
    counted
}

/// Encoding, hashing and decrypting take their time: not on the threads that serve requests.
pub(super) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpsError> + Send + 'static,
) -> Result<T, OpsError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StorageError::Inconsistent(error.to_string()).into())
        .flatten()
}
