//! The executor of a recorded run, under the history's lease: its sources side by side, on each step by step.
//!
//! Invariants:
//! - A step's intent is recorded before it acts; its outcome after the catalogue was read again.
//! - The run is resumed from its records, whoever was killed: a step that is done is found done.
//! - A failed step, and a drop that is blocked at its turn, ends its table's turn; the other tables go on and the run ends `partial`.
//! - Every step proves that its lease's token is still the newest, its switch still on, its policy still the history's,
//!   and, if it destroys, that its window is still open and no replica of its source too far behind.

use super::attempt::Attempt;
use super::step::{self, Performed};
use crate::{Ops, OpsError, catalogue};
use chrono::TimeDelta;
use futures::{StreamExt, stream};
use payhist_storage::histories::History;
use payhist_storage::runs::{self, StepResult, StoredRun, StoredStep};
use payhist_storage::{audit, fault, leases, tx};
use payhist_types::plan::{RotationPlan, Step};
use payhist_types::run::{RunOutcome, StepOutcome};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// For how long a run's lease is good: longer than a step may take with all its retries.
const LEASE_TERM: TimeDelta = TimeDelta::minutes(3);

/// Sources that are worked on at once: each takes connections to the control database.
const SOURCES_AT_ONCE_MAX: usize = 4;

/// How often it is renewed by work that lasts.
const LEASE_RENEWAL: Duration = Duration::from_secs(30);

/// Why a step is not tried after another one of its table.
const EARLIER_STEP: &str = "an earlier step on this table failed or was blocked";

/// A recorded run whose lease is held.
pub(super) struct Started {
    pub(super) run: u64,
    history: History,
    lease: Lease,
}

/// The lease of a history, to be renewed while work goes on.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    name: String,
    token: u64,
}

impl Lease {
    /// Renews it.
    ///
    /// # Errors
    /// [`OpsError::Internal`] when it was lost: whoever holds it goes on.
    pub(crate) async fn renew(&self, ops: &Ops) -> Result<(), OpsError> {
        let mut connection = ops.control().acquire("rotation.renew").await?;
        if leases::renew(&mut connection, &self.name, self.token, LEASE_TERM, ops.now()).await? {
            return Ok(());
        }
        Err(OpsError::Internal(format!("the lease {} was lost; its new holder goes on", self.name)))
    }

    /// Renews it again and again while the work goes on, which has no batches of its own to do so.
    ///
    /// # Errors
    /// As [`Self::renew`], and the work's.
    pub(crate) async fn held_while<T>(
        &self,
        ops: &Ops,
        work: impl Future<Output = Result<T, OpsError>>,
    ) -> Result<T, OpsError> {
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(LEASE_RENEWAL, &mut work).await {
                Ok(done) => return done,
                Err(_elapsed) => self.renew(ops).await?,
            }
        }
    }

    /// Gives it back.
    pub(crate) async fn release(&self, ops: &Ops) -> Result<(), OpsError> {
        let mut connection = ops.control().acquire("rotation.release").await?;
        Ok(leases::release(&mut connection, &self.name, self.token).await?)
    }
}

/// Records a run for the plan, with its audit entry, and takes the history's lease.
pub(super) async fn begin(ops: &Ops, history: &History, plan: RotationPlan, actor: &str) -> Result<Started, OpsError> {
    let lease = take_lease(ops, history).await?.ok_or_else(|| {
        OpsError::refused(
            format!("another run is at work on {}", history.spec.name),
            "Wait for its end, or look at it under recent runs.",
        )
    })?;
    let now = ops.now();
    let recorded = tx::run(ops.control(), "rotation.begin", |connection| {
        let (plan, actor, id) = (plan.clone(), actor.to_owned(), history.id);
        Box::pin(async move {
            let run = runs::create(connection, id, &plan, &actor, now).await?;
            let detail = json!({ "run": run, "plan": plan.hash, "steps": plan.active_steps().map(Step::key).collect::<Vec<_>>() });
            let entry = audit::Entry { at: now, actor: &actor, action: "rotation.apply", target: plan.history.as_str(), detail };
            audit::append(connection, &entry).await?;
            Ok(run)
        })
    })
    .await?;
    fault::point("rotation.after_begin");
    Ok(Started { run: recorded, history: history.clone(), lease })
}

/// Takes up the runs that nobody works on any more; answers how many.
pub(super) async fn resume(ops: &Ops, history: &History) -> Result<usize, OpsError> {
    let mut connection = ops.control().acquire("rotation.unfinished").await?;
    let unfinished = runs::unfinished(&mut connection, history.id).await?;
    drop(connection);
    let mut resumed = 0;
    for run in unfinished {
        let Some(lease) = take_lease(ops, history).await? else { return Ok(resumed) };
        tracing::info!(run = run.id, "resuming a run that was left behind");
        Started { run: run.id, history: history.clone(), lease }.work(ops).await?;
        resumed += 1;
    }
    Ok(resumed)
}

pub(crate) async fn take_lease(ops: &Ops, history: &History) -> Result<Option<Lease>, OpsError> {
    let name = format!("rotation.{}", history.spec.name);
    let mut connection = ops.control().acquire("rotation.lease").await?;
    let token = leases::take(&mut connection, &name, ops.instance(), LEASE_TERM, ops.now()).await?;
    Ok(token.map(|token| Lease { name, token }))
}

impl Started {
    /// Works through the run and records its end.
    pub(super) async fn work(self, ops: &Ops) -> Result<(), OpsError> {
        let worked = self.steps(ops).await;
        catalogue::forget(ops);
        self.lease.release(ops).await?;
        worked
    }

    async fn steps(&self, ops: &Ops) -> Result<(), OpsError> {
        let (run, steps) = self.read(ops).await?;
        let mut by_source: BTreeMap<&str, Vec<(&Step, StoredStep)>> = BTreeMap::new();
        for stored in steps {
            let planned = &run.plan.steps[stored.sequence as usize];
            by_source.entry(self.history.spec.source.of(planned.shard)).or_default().push((planned, stored));
        }
        let works: Vec<_> = by_source.into_iter().map(|(name, steps)| self.of_source(ops, &run, name, steps)).collect();
        // Each goes on to its own end: a future that is dropped would leave its ALTER running.
        let ended: Vec<_> = stream::iter(works).buffer_unordered(SOURCES_AT_ONCE_MAX).collect().await;
        ended.into_iter().collect::<Result<(), _>>()?;
        let mut connection = ops.control().acquire("rotation.finish").await?;
        let outcome = outcome(&run.plan, &runs::steps(&mut connection, run.id).await?);
        fault::point("rotation.before_finish");
        Ok(runs::finish(&mut connection, run.id, outcome, ops.now()).await?)
    }

    /// The steps on one source, one after the other.
    async fn of_source(
        &self,
        ops: &Ops,
        run: &StoredRun,
        name: &str,
        steps: Vec<(&Step, StoredStep)>,
    ) -> Result<(), OpsError> {
        let (mut stopped_tables, mut is_lost) = (BTreeSet::new(), false);
        for (planned, stored) in steps {
            let mut outcome = stored.outcome;
            if matches!(outcome, StepOutcome::Pending | StepOutcome::Intended) {
                let stopped = if is_lost {
                    Some(format!("its source {name} was lost during the run"))
                } else {
                    stopped_tables.contains(&planned.table).then(|| EARLIER_STEP.to_owned())
                };
                let Performed { result, is_source_lost } = self.one(ops, run, planned, &stored, stopped).await?;
                is_lost |= is_source_lost;
                let mut connection = ops.control().acquire("rotation.settle").await?;
                runs::settle(&mut connection, run.id, stored.sequence, &result, ops.now()).await?;
                fault::point("rotation.after_settle");
                outcome = result.outcome;
            }
            if stops_its_table(planned, outcome) {
                stopped_tables.insert(&planned.table);
            }
        }
        Ok(())
    }

    async fn read(&self, ops: &Ops) -> Result<(StoredRun, Vec<StoredStep>), OpsError> {
        let mut connection = ops.control().acquire("rotation.read").await?;
        let run = runs::find(&mut connection, self.run)
            .await?
            .ok_or_else(|| OpsError::Internal(format!("run {} is gone", self.run)))?;
        let steps = runs::steps(&mut connection, self.run).await?;
        if steps.len() != run.plan.steps.len() {
            return Err(OpsError::Internal(format!(
                "run {} has {} records for {} steps",
                self.run,
                steps.len(),
                run.plan.steps.len()
            )));
        }
        Ok((run, steps))
    }

    /// One step: still ours, still allowed, nothing in its way, intent, act.
    async fn one(
        &self,
        ops: &Ops,
        run: &StoredRun,
        planned: &Step,
        stored: &StoredStep,
        stopped: Option<String>,
    ) -> Result<Performed, OpsError> {
        self.lease.renew(ops).await?;
        let mut attempt = Attempt {
            ops,
            history: &self.history,
            run: run.id,
            policy: &run.plan.policy,
            sequence: stored.sequence,
            step: planned,
            lease: &self.lease,
            counted: stored.rows,
        };
        if let Some(why) = attempt.forbidden().await? {
            return Ok(blocked(why).into());
        }
        if let Some(why) = stopped {
            return Ok(skipped(why).into());
        }
        if let Some(why) = attempt.held_back().await? {
            return Ok(blocked(why).into());
        }
        fault::point("rotation.before_intent");
        let mut connection = ops.control().acquire("rotation.intend").await?;
        runs::intend(&mut connection, run.id, stored.sequence, ops.now()).await?;
        drop(connection); // not held while the ALTER waits for its lock
        fault::point("rotation.after_intent");
        Ok(step::perform(&mut attempt).await)
    }
}

/// What failed ends its table's turn. A drop that waits keeps those behind it waiting too, or they would leave a gap; so does
/// a copy, since the month's drop relies on it.
fn stops_its_table(planned: &Step, outcome: StepOutcome) -> bool {
    match outcome {
        StepOutcome::Failed | StepOutcome::Skipped => true,
        StepOutcome::Blocked => {
            planned.is_active() && (planned.action.takes_partition() || planned.action.copies_rows())
        }
        StepOutcome::Pending | StepOutcome::Intended | StepOutcome::Done | StepOutcome::AlreadyDone => false,
    }
}

fn blocked(why: String) -> StepResult {
    StepResult { outcome: StepOutcome::Blocked, attempts: 0, wait_ms: None, rows: None, detail: Some(why) }
}

fn skipped(why: String) -> StepResult {
    StepResult { outcome: StepOutcome::Skipped, attempts: 0, wait_ms: None, rows: None, detail: Some(why) }
}

fn outcome(plan: &RotationPlan, steps: &[StoredStep]) -> RunOutcome {
    let done = |step: &StoredStep| matches!(step.outcome, StepOutcome::Done | StepOutcome::AlreadyDone);
    // What the plan had blocked already has no detail of its own: the run was not to do it.
    let blocked = |step: &StoredStep| step.outcome == StepOutcome::Blocked && step.detail.is_some();
    let left = |step: &StoredStep| step.outcome == StepOutcome::Failed || blocked(step);
    match (steps.iter().any(left), steps.iter().any(done)) {
        (false, _) if plan.is_partial() => RunOutcome::Partial,
        (false, _) => RunOutcome::Done,
        (true, true) => RunOutcome::Partial,
        (true, false) => RunOutcome::Failed,
    }
}
