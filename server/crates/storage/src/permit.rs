//! Leave to destroy rows: a [`DropPermit`], without which [`crate::ddl::destroy`] cannot be called.
//!
//! Invariants:
//! - A permit is made here alone: by a look at the legal holds while their history is locked, and good only for as long
//!   as it stays locked; or by counting that there is nothing to destroy; or by seeing that it is a conversion's copy of
//!   a table that stands.
//! - Where holds keep single rows of a month, its permit is made only when each of them was found equal in the held-rows
//!   table there and then, with both tables locked on the connection that goes on to destroy, and in bounded time.
//! - The lock is a transaction in the control database around one bounded statement on a source, or around the deletion of
//!   one archive from its store; whoever places a hold waits for it, and whoever destroys waits for a hold that is being placed.

use crate::error::{During, StorageError};
use crate::held::{self, Compared, Doomed};
use crate::{conversions, holds, twins};
use chrono::{DateTime, Utc};
use payhist_dialect::conversion::Names;
use payhist_dialect::held::Original;
use payhist_dialect::quarantine::Pair;
use payhist_plan::holds::{Keeping, guard, keeping};
use payhist_types::history::Route;
use payhist_types::holds::{Hold, HoldScope, RowHold};
use payhist_types::plan::Guard;
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

    /// Leave to destroy a month of a shard, unless a hold keeps it, or rows of it that are not carved out. `source` is the
    /// connection that will destroy it: what was compared stays locked there until [`held::unlock`].
    ///
    /// # Errors
    /// [`StorageError`] when the holds cannot be read or the rows not be compared: then nothing may be destroyed.
    pub async fn permit(
        &mut self,
        doomed: &Doomed<'_>,
        source: &mut MySqlConnection,
        now: DateTime<Utc>,
    ) -> Result<Result<DropPermit<'_>, Guard>, StorageError> {
        let active = holds::active(&mut self.transaction, self.history_id, now).await?;
        let Keeping { whole, rows } = keeping(&active, &doomed.spec.route, doomed.shard, doomed.month, now);
        if let Some(hold) = whole.first() {
            return Ok(Err(guard(hold)));
        }
        if let Some(first) = rows.first() {
            let hold = first.hold;
            match held::lock_and_compare(source, doomed, &rows).await? {
                Compared::Equal => {}
                Compared::Missing(rows) => return Ok(Err(Guard::NotCarvedOut { hold, rows })),
                Compared::TookTooLong => {
                    let in_quarantine = matches!(doomed.original, Original::Twin(_));
                    let secs = doomed.compared_for_max.as_secs();
                    return Ok(Err(Guard::ComparisonTooLong { hold, secs, in_quarantine }));
                }
            }
        }
        Ok(Ok(DropPermit(PhantomData)))
    }

    /// Leave to delete carved-out rows of a shard up to a month, but for those of `keeps`, unless another hold keeps any.
    ///
    /// # Errors
    /// [`StorageError`] when the holds cannot be read: then nothing may be destroyed.
    pub async fn permit_release(
        &mut self,
        route: &Route,
        shard: ShardId,
        month: Month,
        keeps: &[RowHold],
        now: DateTime<Utc>,
    ) -> Result<Result<DropPermit<'_>, Guard>, StorageError> {
        let active = holds::active(&mut self.transaction, self.history_id, now).await?;
        let Keeping { whole, rows } = keeping(&active, route, shard, month, now);
        let another = rows.iter().find(|rows| !keeps.contains(rows)).map(|rows| rows.hold);
        let another = active.iter().find(|hold| Some(hold.id) == another);
        Ok(match whole.first().copied().or(another) {
            Some(hold) => Err(guard(hold)),
            None => Ok(DropPermit(PhantomData)),
        })
    }

    /// Leave to delete an archive of a month, unless a hold may keep rows of it: any, but one on months that are younger. A
    /// user's hold counts on every shard, since an archive may be older than the route.
    ///
    /// # Errors
    /// [`StorageError`] when the holds cannot be read: then nothing may be destroyed.
    pub async fn permit_archive(
        &mut self,
        month: Month,
        now: DateTime<Utc>,
    ) -> Result<Result<DropPermit<'_>, Guard>, StorageError> {
        let active = holds::active(&mut self.transaction, self.history_id, now).await?;
        let is_younger = |hold: &&Hold| matches!(hold.scope, HoldScope::Month { month: held } if held > month);
        Ok(match active.iter().find(|hold| !is_younger(hold)) {
            Some(hold) => Err(guard(hold)),
            None => Ok(DropPermit(PhantomData)),
        })
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

/// Leave to drop a conversion's shadow: the table that it is a copy of is there, and still without partitions; `None` when it
/// is not, since the shadow may then be the table.
pub async fn for_shadow(
    connection: &mut MySqlConnection,
    names: &Names,
) -> Result<Option<DropPermit<'static>>, StorageError> {
    let there = conversions::there(connection, names.table.schema(), names.table.table()).await?;
    Ok((there == Some(false)).then_some(DropPermit(PhantomData)))
}
