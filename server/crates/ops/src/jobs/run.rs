//! Running what is due: under the job's lease, with a fencing token, and with an outcome whatever happens.

use super::definition;
use crate::{Ops, OpsError};
use chrono::TimeDelta;
use futures::FutureExt;
use payhist_storage::jobs::{self as stored, JobResult};
use payhist_storage::{fault, leases};
use payhist_types::jobs::JobRunStatus;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// For how long a lease is good without being renewed: after that long another instance takes over from one that died.
const LEASE_TERM: TimeDelta = TimeDelta::seconds(30);
/// How often a lease is renewed while the job works.
const LEASE_RENEWED_EVERY: Duration = Duration::from_secs(10);

/// Runs every open run whose job is not being run by anybody else; answers how many it ran.
pub async fn run_open(ops: &Ops) -> Result<usize, OpsError> {
    let open = stored::open(&mut *ops.control().acquire("jobs.open").await?).await?;
    let runs = futures::future::join_all(open.iter().map(|job| run_one(ops, job))).await;
    let mut ran = 0;
    for run in runs {
        ran += usize::from(run?);
    }
    Ok(ran)
}

/// Runs the oldest open run of a job; false when another instance holds its lease or nothing is open any more.
async fn run_one(ops: &Ops, job: &str) -> Result<bool, OpsError> {
    let lease = format!("job.{job}");
    let taken =
        leases::take(&mut *ops.control().acquire("jobs.lease").await?, &lease, ops.instance(), LEASE_TERM, ops.now())
            .await?;
    let Some(token) = taken else { return Ok(false) };
    let ran = run_leased(ops, job, &lease, token).await;
    leases::release(&mut *ops.control().acquire("jobs.release").await?, &lease, token).await?;
    ran
}

async fn run_leased(ops: &Ops, job: &str, lease: &str, token: u64) -> Result<bool, OpsError> {
    let mut connection = ops.control().acquire("jobs.begin").await?;
    let Some(id) = stored::next_open(&mut connection, job).await? else { return Ok(false) };
    if !stored::begin(&mut connection, id, ops.instance(), token, ops.now()).await? {
        return Ok(false);
    }
    drop(connection);
    fault::point("job.after_begin");
    let result = tokio::select! {
        result = work(ops, job) => result,
        lost = keep_lease(ops, lease, token) => return Err(lost),
    };
    fault::point("job.before_finish");
    let mut connection = ops.control().acquire("jobs.finish").await?;
    if !stored::finish(&mut connection, id, token, &result, ops.now()).await? {
        tracing::warn!(job, id, "another instance took this run over; its word counts");
    }
    Ok(true)
}

/// The job's work, with failure and panic as outcomes.
async fn work(ops: &Ops, job: &str) -> JobResult {
    let failed = |summary: String| JobResult { status: JobRunStatus::Failed, summary, rotation_run: None };
    let definition = match definition(job) {
        Ok(definition) => definition,
        Err(error) => return failed(format!("this version of payhist does not know the job: {error}")),
    };
    match AssertUnwindSafe((definition.work)(ops.clone())).catch_unwind().await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => {
            tracing::error!(job, error = &error as &dyn std::error::Error, "job failed");
            failed(error.to_string())
        }
        Err(_) => failed("the job panicked; the log holds where".to_owned()),
    }
}

/// Renews the lease until it is lost; answers only then.
async fn keep_lease(ops: &Ops, lease: &str, token: u64) -> OpsError {
    loop {
        tokio::time::sleep(LEASE_RENEWED_EVERY).await;
        let renewed = async {
            let mut connection = ops.control().acquire("jobs.renew").await?;
            leases::renew(&mut connection, lease, token, LEASE_TERM, ops.now()).await
        };
        match renewed.await {
            Ok(true) => {}
            Ok(false) => return OpsError::Internal(format!("the lease {lease} was lost")),
            Err(error) => {
                tracing::warn!(lease, error = &error as &dyn std::error::Error, "lease not renewed, trying again");
            }
        }
    }
}
