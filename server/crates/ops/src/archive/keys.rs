//! The keys of persons: found or made in the control database, unwrapped in memory alone.

use crate::rotation::Lease;
use crate::{Ops, OpsError};
use payhist_archive::cipher::PersonKey;
use payhist_archive::layout::Layout;
use payhist_archive::seal::{self, Keys};
use payhist_storage::archive_keys::{self, KEYS_MAX, WrappedKey};
use payhist_storage::columns::Batch;
use payhist_storage::histories::History;
use payhist_types::UserId;
use std::collections::BTreeSet;
use tokio::sync::mpsc;

/// Which keys.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    /// Those of a batch's persons, by user id.
    ToSeal,
    /// Those that it was encrypted with, by their number.
    ToOpen,
}

/// Finds the keys of each batch while the batch before is worked on, and renews the lease, if there is one. Ends quietly when
/// nobody takes them.
pub(super) async fn find(
    wanted: Wanted,
    ops: &Ops,
    history: &History,
    lease: Option<&Lease>,
    layout: &Layout,
    mut batches: mpsc::Receiver<Batch>,
    keyed: mpsc::Sender<(Batch, Keys)>,
) -> Result<(), OpsError> {
    while let Some(batch) = batches.recv().await {
        if let Some(lease) = lease {
            lease.renew(ops).await?;
        }
        let keys = match wanted {
            Wanted::ToSeal => of_users(ops, history, seal::persons(&batch, layout)).await?,
            Wanted::ToOpen => of_numbers(ops, history, seal::keys_used(&batch, layout)?).await?,
        };
        if keyed.send((batch, keys)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The keys of those persons, by user id; who has none gets one, which is stored before anything relies on it.
async fn of_users(ops: &Ops, history: &History, users: BTreeSet<UserId>) -> Result<Keys, OpsError> {
    let users: Vec<_> = users.into_iter().collect();
    let (mut keys, name) = (Keys::new(), history.spec.name.as_str());
    let mut connection = ops.control().acquire("archive.keys").await?;
    for users in users.chunks(KEYS_MAX) {
        let mut found = archive_keys::of_users(&mut connection, history.id, users).await?;
        let known: BTreeSet<_> = found.iter().map(|key| key.user).collect();
        let missing: Vec<_> = users.iter().copied().filter(|user| !known.contains(user)).collect();
        if !missing.is_empty() {
            let made = missing.iter().map(|user| Ok((*user, ops.archive().master_key()?.new_key(name, *user)?)));
            let made = made.collect::<Result<Vec<_>, OpsError>>()?;
            archive_keys::add(&mut connection, history.id, &made, ops.now()).await?;
            found.extend(archive_keys::of_users(&mut connection, history.id, &missing).await?);
        }
        for key in found {
            keys.insert(key.user.0, unwrap(ops, name, &key)?);
        }
    }
    Ok(keys)
}

/// The keys of those numbers that have not been destroyed, by their number.
async fn of_numbers(ops: &Ops, history: &History, numbers: BTreeSet<u64>) -> Result<Keys, OpsError> {
    let numbers: Vec<_> = numbers.into_iter().collect();
    let (mut keys, name) = (Keys::new(), history.spec.name.as_str());
    let mut connection = ops.control().acquire("archive.keys").await?;
    for numbers in numbers.chunks(KEYS_MAX) {
        for key in archive_keys::of_ids(&mut connection, history.id, numbers).await? {
            keys.insert(key.id, unwrap(ops, name, &key)?);
        }
    }
    Ok(keys)
}

fn unwrap(ops: &Ops, history: &str, key: &WrappedKey) -> Result<PersonKey, OpsError> {
    Ok(ops.archive().master_key()?.unwrap(history, key.user, key.id, &key.wrapped)?)
}
