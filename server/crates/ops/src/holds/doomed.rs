//! The one place that every destruction of rows passes.

use crate::{Ops, OpsError};
use payhist_dialect::Destructive;
use payhist_storage::histories::History;
use payhist_storage::permit::Gate;
use payhist_storage::{PooledConnection, ddl};
use payhist_types::{Month, ShardId};

/// A month of a shard whose rows are about to be destroyed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doomed<'a> {
    pub(crate) history: &'a History,
    pub(crate) shard: ShardId,
    pub(crate) month: Month,
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
        let mut control = ops.control().acquire("holds.gate").await?;
        let mut gate = Gate::enter(&mut control, self.history.id).await?;
        let destroyed = match gate.permit(&self.history.spec.route, self.shard, self.month, ops.now()).await? {
            Ok(permit) => Ok(ddl::destroy(connection, statement, &permit).await?),
            Err(hold) => Err(OpsError::Held(payhist_plan::holds::guard(&hold))),
        };
        gate.leave().await?;
        destroyed
    }
}
