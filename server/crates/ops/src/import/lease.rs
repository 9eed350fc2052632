//! The one right to write into a history in bulk: an import or a generate run at a time.

use crate::{Ops, OpsError};
use chrono::TimeDelta;
use payhist_storage::{Pool, StorageError, leases};
use payhist_types::history::HistoryName;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a lease lasts without renewal: as long a repeated import may have to wait after a kill -9.
const LEASE_TERM: TimeDelta = TimeDelta::seconds(10);
/// How often it is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// How often a lease that is still held is asked for again, until its term must be over.
const TAKE_ATTEMPTS_MAX: u32 = 24;
/// Pause between two attempts.
const TAKE_PAUSE: Duration = Duration::from_millis(500);

/// A lease that is renewed for as long as this lives.
#[derive(Debug)]
pub(crate) struct ImportLease {
    control: Pool,
    name: String,
    token: u64,
    _renewing: DropGuard,
}

/// What a batch needs to prove the lease: cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    control: Pool,
    name: String,
    token: u64,
}

impl ImportLease {
    /// Takes the lease, waiting for the term of one that a killed process left behind.
    ///
    /// # Errors
    /// [`OpsError::Refused`] naming who holds it, when it is still held after that.
    pub(crate) async fn take(ops: &Ops, history: &HistoryName) -> Result<Self, OpsError> {
        let name = format!("import.{history}");
        let token = take(ops, &name).await?;
        let ended = CancellationToken::new();
        tokio::spawn(renew(ops.clone(), name.clone(), token, ended.clone()));
        Ok(Self { control: ops.control().clone(), name, token, _renewing: ended.drop_guard() })
    }

    pub(crate) fn fence(&self) -> Fence {
        Fence { control: self.control.clone(), name: self.name.clone(), token: self.token }
    }

    /// Gives the lease back.
    pub(crate) async fn release(self) -> Result<(), OpsError> {
        let mut connection = self.control.acquire("import.release").await?;
        Ok(leases::release(&mut connection, &self.name, self.token).await?)
    }
}

impl Fence {
    /// Proves that the lease is still ours. To be called right before a commit.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when it is not: this process stood still for too long, and another went on.
    pub(crate) async fn prove(&self) -> Result<(), StorageError> {
        let mut connection = self.control.acquire("import.fence").await?;
        if leases::is_held(&mut connection, &self.name, self.token).await? {
            return Ok(());
        }
        Err(StorageError::Inconsistent(format!(
            "the lease {} was lost: another process imports now. Run the command again",
            self.name
        )))
    }
}

async fn take(ops: &Ops, name: &str) -> Result<u64, OpsError> {
    for attempt in 1..=TAKE_ATTEMPTS_MAX {
        let mut connection = ops.control().acquire("import.lease").await?;
        if let Some(token) = leases::take(&mut connection, name, ops.instance(), LEASE_TERM, ops.now()).await? {
            return Ok(token);
        }
        drop(connection);
        if attempt == 1 {
            tracing::info!(lease = name, "held by another process, or left behind by one that was killed: waiting");
        }
        tokio::time::sleep(TAKE_PAUSE).await;
    }
    let mut connection = ops.control().acquire("import.lease").await?;
    let holder =
        leases::holder(&mut connection, name, ops.now()).await?.unwrap_or_else(|| "another process".to_owned());
    Err(OpsError::refused(
        format!("{holder} is importing into this history"),
        "Wait until it has finished, then run the command again.",
    ))
}

/// Renews until the lease is dropped. A renewal that fails is tried again: the fence decides what may be written.
async fn renew(ops: Ops, name: String, token: u64, ended: CancellationToken) {
    while ended.run_until_cancelled(tokio::time::sleep(RENEW_EVERY)).await.is_some() {
        let renewed = async {
            let mut connection = ops.control().acquire("import.renew").await?;
            leases::renew(&mut connection, &name, token, LEASE_TERM, ops.now()).await
        };
        match renewed.await {
            Ok(true) => {}
            Ok(false) => return tracing::error!(lease = name, "lost: another process has taken it"),
            Err(error) => {
                tracing::warn!(lease = name, error = &error as &dyn std::error::Error, "could not be renewed");
            }
        }
    }
}
