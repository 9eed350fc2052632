//! The one place that every destruction of rows passes.

use crate::{Ops, OpsError};
use payhist_dialect::Destructive;
use payhist_dialect::held::Original;
use payhist_storage::histories::History;
use payhist_storage::permit::Gate;
use payhist_storage::{PooledConnection, ddl, fault, held};
use payhist_types::holds::RowHold;
use payhist_types::{Month, ShardId};
use std::time::Duration;

/// For how long writers to a month that is not in quarantine may wait while its held rows are compared with their copies.
const WRITERS_WAIT_MAX: Duration = Duration::from_secs(2);
/// For how long whoever places a hold may wait while those of a quarantined month are. Less than a lease's term.
const PLACING_WAITS_MAX: Duration = Duration::from_mins(2);

/// A month of a shard whose rows are about to be destroyed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doomed<'a> {
    pub(crate) history: &'a History,
    pub(crate) shard: ShardId,
    pub(crate) month: Month,
    pub(crate) table: &'a str,
    pub(crate) partition: &'a str,
    /// The twin that has the month's rows, if the partition has not.
    pub(crate) twin: Option<&'a str>,
}

impl Doomed<'_> {
    /// Runs a statement that destroys the month's rows, unless a hold keeps them at this very moment.
    ///
    /// # Errors
    /// [`OpsError::Held`]; [`OpsError::Storage`] when the holds cannot be read, and what the statement fails with.
    pub(crate) async fn destroy(
        &self,
        ops: &Ops,
        connection: &mut PooledConnection,
        statement: &Destructive,
    ) -> Result<(), OpsError> {
        let spec = &self.history.spec;
        let doomed = held::Doomed {
            spec,
            shard: self.shard,
            table: self.table,
            month: self.month,
            original: Original::new(&spec.schema, self.partition, self.twin)
                .map_err(|error| OpsError::Internal(error.to_string()))?,
            capabilities: ops.source(spec.source.of(self.shard))?.capabilities().await?,
            compared_for_max: if self.twin.is_some() { PLACING_WAITS_MAX } else { WRITERS_WAIT_MAX },
        };
        let mut control = ops.control().acquire("holds.gate").await?;
        let mut gate = Gate::enter(&mut control, self.history.id).await?;
        let destroyed = match gate.permit(&doomed, connection, ops.now()).await {
            Ok(Ok(permit)) => {
                fault::point("holds.before_destroy");
                ddl::destroy(connection, statement, &permit).await.map(drop).map_err(OpsError::from)
            }
            Ok(Err(guard)) => Err(OpsError::Held(guard)),
            Err(error) => Err(error.into()),
        };
        // Whatever came of it, nothing stays locked.
        let unlocked = held::unlock(connection).await;
        gate.leave().await?;
        destroyed?;
        Ok(unlocked?)
    }

    /// Runs a statement that deletes carved-out rows but for those of `keeps`, unless another hold keeps any at this very
    /// moment. Answers how many.
    ///
    /// # Errors
    /// As [`Self::destroy`].
    pub(crate) async fn release(
        &self,
        ops: &Ops,
        connection: &mut PooledConnection,
        statement: &Destructive,
        keeps: &[RowHold],
    ) -> Result<u64, OpsError> {
        let mut control = ops.control().acquire("holds.gate").await?;
        let mut gate = Gate::enter(&mut control, self.history.id).await?;
        let route = &self.history.spec.route;
        let deleted = match gate.permit_release(route, self.shard, self.month, keeps, ops.now()).await? {
            Ok(permit) => Ok(ddl::destroy(connection, statement, &permit).await?),
            Err(guard) => Err(OpsError::Held(guard)),
        };
        gate.leave().await?;
        deleted
    }
}
