//! A step about to act, and what must be so for it to begin and to go on.

use super::execute::Lease;
use crate::holds::Doomed;
use crate::{Ops, OpsError, replicas, zone};
use payhist_plan::windows::Outside;
use payhist_storage::Source;
use payhist_storage::histories::{self, History};
use payhist_types::history::Policy;
use payhist_types::plan::Step;

/// A step about to act.
pub(super) struct Attempt<'a> {
    pub(super) ops: &'a Ops,
    pub(super) history: &'a History,
    pub(super) run: u64,
    /// The one that the run was planned by.
    pub(super) policy: &'a Policy,
    pub(super) sequence: u32,
    pub(super) step: &'a Step,
    /// What long work must renew.
    pub(super) lease: &'a Lease,
    /// Rows that an earlier process, which was killed in this step, had counted and recorded.
    pub(super) counted: Option<u64>,
}

impl Attempt<'_> {
    /// Where the step's table lives.
    pub(super) fn source(&self) -> Result<&Source, OpsError> {
        self.ops.source(self.source_name())
    }

    pub(super) fn source_name(&self) -> &str {
        self.history.spec.source.of(self.step.shard)
    }

    /// The month whose rows the step is about to destroy.
    pub(super) fn doomed(&self) -> Doomed<'_> {
        let Step { shard, table, action, .. } = self.step;
        let (month, partition, twin) = (action.month(), action.partition(), action.twin());
        Doomed { history: self.history, shard: *shard, month, table, partition, twin }
    }

    /// What has come to forbid the step since its run was planned.
    pub(super) async fn forbidden(&self) -> Result<Option<String>, OpsError> {
        let mut connection = self.ops.control().acquire("rotation.step").await?;
        let switch = self.step.action.switch();
        if !histories::switches(&mut connection, self.history.id).await?.is_on(switch) {
            return Ok(Some(format!("the {switch} switch was turned off during the run")));
        }
        // A longer retention must keep what a run by the shorter one has not dropped yet.
        let current = histories::find(&mut connection, &self.history.spec.name).await?;
        if current.is_none_or(|current| current.spec.policy != *self.policy) {
            return Ok(Some("the policy was changed since the run was planned".to_owned()));
        }
        let outside = Outside::of(self.policy, zone::parse(&self.policy.zone)?, self.ops.now());
        let outside = outside.filter(|_| self.step.action.is_destructive());
        let guard = outside.and_then(|outside| outside.guard(self.step.bytes));
        Ok(guard.map(|guard| guard.to_string()))
    }

    /// Which replica is too far behind to be burdened with the step.
    pub(super) async fn held_back(&self) -> Result<Option<String>, OpsError> {
        let action = &self.step.action;
        if !action.is_destructive() && !action.copies_rows() {
            return Ok(None);
        }
        replicas::in_the_way(self.ops, self.source_name(), self.policy).await
    }

    /// Between two batches: proves that the lease is still held; why there must not be another one now, if there must not.
    pub(super) async fn stops(&self) -> Result<Option<String>, OpsError> {
        self.lease.renew(self.ops).await?;
        match self.forbidden().await? {
            Some(why) => Ok(Some(why)),
            None => self.held_back().await,
        }
    }
}
