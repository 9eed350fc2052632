//! The tick: tokio-cron-scheduler says when to look, rows say what is due.

use super::{ensure, make_due, run_open};
use crate::{Ops, OpsError};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;

/// Look every second: cheap, and quick enough for "run now".
const TICK: &str = "* * * * * *";

/// A running scheduler. Dropping it does not stop it: call [`Scheduler::stop`].
pub struct Scheduler {
    cron: JobScheduler,
    stopping: CancellationToken,
    worker: JoinHandle<()>,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Scheduler").field("stopping", &self.stopping.is_cancelled()).finish_non_exhaustive()
    }
}

impl Scheduler {
    /// Makes the jobs known and begins to tick.
    pub async fn start(ops: Ops) -> Result<Self, OpsError> {
        ensure(&ops).await?;
        let defect = |error| OpsError::Internal(format!("the scheduler does not start: {error}"));
        let tick = Arc::new(Notify::new());
        let cron = JobScheduler::new().await.map_err(defect)?;
        let notify = Arc::clone(&tick);
        cron.add(Job::new(TICK, move |_, _| notify.notify_one()).map_err(defect)?).await.map_err(defect)?;
        cron.start().await.map_err(defect)?;
        let stopping = CancellationToken::new();
        let worker = tokio::spawn(work(ops, tick, stopping.clone()));
        Ok(Self { cron, stopping, worker })
    }

    /// Stops ticking; [`Ops::drain`] waits for the runs under way.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        if let Err(error) = self.cron.shutdown().await {
            tracing::warn!(%error, "the scheduler did not shut down");
        }
        if let Err(error) = self.worker.await {
            tracing::error!(%error, "the scheduler's worker died");
        }
    }
}

async fn work(ops: Ops, tick: Arc<Notify>, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tick.notified() => {}
        }
        if let Err(error) = make_due(&ops).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the scheduler could not look for due jobs");
        }
        // Not awaited, so that a long run never keeps the others from their tick; leases keep a job from overlapping.
        let running = ops.clone();
        ops.spawn(async move {
            if let Err(error) = run_open(&running).await {
                tracing::error!(error = &error as &dyn std::error::Error, "due jobs could not be run");
            }
        });
    }
}
