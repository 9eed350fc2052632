//! Leave to destroy rows: a [`DropPermit`], without which [`crate::ddl::destroy`] cannot be called.
//!
//! Invariants:
//! - A permit is made here alone: by a look at the legal holds while their history is locked, and good only for as long
//!   as it stays locked; or by counting that there is nothing to destroy.
//! - The lock is a transaction in the control database around one bounded statement on a source; whoever places a hold
//!   waits for it, and whoever destroys waits for a hold that is being placed.

use crate::error::{During, StorageError};
use crate::{holds, twins};
use chrono::{DateTime, Utc};
use payhist_dialect::quarantine::Pair;
use payhist_types::history::Route;
use payhist_types::holds::Hold;
use payhist_types::{Month, ShardId};
use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, MySql, Transaction};
use std::marker::PhantomData;

/// Proof that no hold keeps what is to be destroyed.
#[derive(Debug)]
pub struct DropPermit<'gate>(PhantomData<&'gate ()>);

/// A history's holds, locked.
#[derive(Debug)]
pub struct Gate<'c> {
    transaction: Transaction<'c, MySql>,
    history_id: u64,
}

impl<'c> Gate<'c> {
    /// Locks a history's holds, in the control database, until this value is gone.
    ///
    /// # Errors
    /// [`StorageError::Retryable`] when another holds the lock for too long.
    pub async fn enter(connection: &'c mut MySqlConnection, history_id: u64) -> Result<Self, StorageError> {
        let mut transaction = connection.begin().await.during("drop permit")?;
        lock_history(&mut transaction, history_id).await?;
        Ok(Self { transaction, history_id })
    }

    /// Leave to destroy a month of a shard, unless a hold keeps it.
    ///
    /// # Errors
    /// [`StorageError`] when the holds cannot be read: then nothing may be destroyed.
    pub async fn permit(
        &mut self,
        route: &Route,
        shard: ShardId,
        month: Month,
        now: DateTime<Utc>,
    ) -> Result<Result<DropPermit<'_>, Box<Hold>>, StorageError> {
        let active = holds::active(&mut self.transaction, self.history_id, now).await?;
        let keeping = payhist_plan::holds::keeping(&active, route, shard, month, now).next().cloned();
        Ok(keeping.map_or(Ok(DropPermit(PhantomData)), |hold| Err(Box::new(hold))))
    }

    /// Ends the lock.
    pub async fn leave(self) -> Result<(), StorageError> {
        self.transaction.rollback().await.during("drop permit")
    }
}

/// Locks a history's row until the transaction ends.
pub(crate) async fn lock_history(connection: &mut MySqlConnection, history_id: u64) -> Result<(), StorageError> {
    let found: Option<u64> = sqlx::query_scalar("SELECT id FROM history WHERE id = ? FOR UPDATE")
        .bind(history_id)
        .fetch_optional(connection)
        .await
        .during("lock history")?;
    found.map(drop).ok_or_else(|| StorageError::Inconsistent(format!("history {history_id} is gone")))
}

/// Leave to drop a twin that has no rows; `None` when it has some.
pub async fn for_empty_twin(
    connection: &mut MySqlConnection,
    pair: &Pair,
) -> Result<Option<DropPermit<'static>>, StorageError> {
    Ok((twins::count_twin(connection, pair).await? == 0).then_some(DropPermit(PhantomData)))
}

/// Leave to drop a partition that has no rows, counted while nobody else can write to it; `None` when it has some.
pub async fn for_empty_partition(
    connection: &mut MySqlConnection,
    pair: &Pair,
) -> Result<Option<DropPermit<'static>>, StorageError> {
    Ok((twins::count_partition(connection, pair).await? == 0).then_some(DropPermit(PhantomData)))
}
