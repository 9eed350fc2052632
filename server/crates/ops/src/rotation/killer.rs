//! Ending the transactions that keep a step from its lock, where the policy says so.
//!
//! Invariants: only holders of a lock on the step's own table are killed; who they are is in the audit log before.

use super::attempt::Attempt;
use crate::OpsError;
use payhist_storage::blockers::{self, Holder};
use payhist_storage::{PooledConnection, audit, tx};
use payhist_types::policy::Blockers;
use serde_json::json;

/// What may kill for a step, and whom it has killed.
pub(super) struct Killer<'a> {
    attempt: &'a Attempt<'a>,
    killed: Vec<Holder>,
}

impl<'a> Killer<'a> {
    /// `None`: the policy of the step's history waits.
    pub(super) fn of(attempt: &'a Attempt<'a>) -> Option<Self> {
        let kills = attempt.history.spec.policy.blockers == Blockers::Kill;
        kills.then_some(Self { attempt, killed: Vec::new() })
    }

    /// Kills, once for a step, those who hold a lock on its table; answers whether there were any.
    pub(super) async fn kill(&mut self, connection: &mut PooledConnection) -> Result<bool, OpsError> {
        if !self.killed.is_empty() {
            return Ok(false);
        }
        let schema = &self.attempt.history.spec.schema;
        let holders = blockers::holders(connection, schema, &self.attempt.step.table).await?;
        if holders.is_empty() {
            return Ok(false);
        }
        self.tell(&holders).await?;
        for holder in &holders {
            blockers::kill(connection, holder).await?;
            tracing::warn!(step = self.attempt.step.key(), holder = %holder, "killed, as the policy says");
        }
        self.killed = holders;
        Ok(true)
    }

    /// Whom it has killed, in words.
    pub(super) fn words(&self) -> Option<String> {
        let killed: Vec<_> = self.killed.iter().map(ToString::to_string).collect();
        (!killed.is_empty()).then(|| format!("killed to get the lock: {}", killed.join(", ")))
    }

    async fn tell(&self, holders: &[Holder]) -> Result<(), OpsError> {
        let Attempt { ops, history, run, step, .. } = self.attempt;
        let now = ops.now();
        tx::run(ops.control(), "rotation.kill", |connection| {
            let words: Vec<_> = holders.iter().map(ToString::to_string).collect();
            let detail = json!({ "run": run, "step": step.key(), "table": step.table, "killed": words });
            let target = history.spec.name.to_string();
            let actor = format!("run {run}");
            Box::pin(async move {
                let entry = audit::Entry { at: now, actor: &actor, action: "blockers.kill", target: &target, detail };
                audit::append(connection, &entry).await
            })
        })
        .await?;
        Ok(())
    }
}
