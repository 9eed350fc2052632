//! Scheduled jobs: which there are, what is due, and who runs it.
//!
//! Invariants:
//! - tokio-cron-scheduler only says "tick"; what is due is decided from rows ([`schedule`]), so that a lost tick, a
//!   restart or a second instance neither loses nor doubles a run.
//! - A job runs under its lease ([`run`]), so that its runs never overlap; a holder that lost its lease cannot
//!   record an outcome.

mod definitions;
mod run;
mod schedule;
mod scheduler;

pub use definitions::{JOBS, JobDefinition};
pub use run::run_open;
pub use schedule::make_due;
pub use scheduler::Scheduler;

use crate::auth::{ManageJobs, Permit, ViewJobs};
use crate::zone::local;
use crate::{Ops, OpsError, histories, zone};
use chrono::SubsecRound;
use chrono_tz::Tz;
use croner::Cron;
use payhist_storage::jobs::{self as stored, StoredJob, StoredJobRun};
use payhist_storage::{audit, tx};
use payhist_types::jobs::{Job, JobRun, JobRunStatus};
use serde_json::json;
use std::str::FromStr;
use std::time::Duration;

/// Runs shown beside each job of the list.
const RUNS_IN_LIST: u32 = 30;
/// Runs shown on a job's own page.
const RUNS_ON_PAGE: u32 = 100;
/// Next times shown.
const NEXT_TIMES: usize = 5;

/// How often a waiting command looks again.
const WAIT_POLL: Duration = Duration::from_millis(200);

/// Makes all jobs known to the control database.
pub async fn ensure(ops: &Ops) -> Result<(), OpsError> {
    let mut connection = ops.control().acquire("jobs.ensure").await?;
    for job in JOBS {
        stored::ensure(&mut connection, job.name, job.schedule, ops.now()).await?;
    }
    Ok(())
}

/// All jobs with their latest runs.
pub async fn list(ops: &Ops, _permit: &Permit<ViewJobs>) -> Result<Vec<Job>, OpsError> {
    ensure(ops).await?;
    let zone = zone_of_schedules(ops).await?;
    let mut connection = ops.control().acquire("jobs.list").await?;
    let mut jobs = Vec::new();
    for job in stored::all(&mut connection).await? {
        let runs = stored::runs(&mut connection, &job.name, RUNS_IN_LIST).await?;
        jobs.push(view(ops, job, runs, zone)?);
    }
    Ok(jobs)
}

/// One job with more of its runs.
pub async fn show(ops: &Ops, _permit: &Permit<ViewJobs>, name: &str) -> Result<Job, OpsError> {
    let zone = zone_of_schedules(ops).await?;
    let mut connection = ops.control().acquire("jobs.show").await?;
    let job = stored::find(&mut connection, name).await?.ok_or_else(|| unknown(name))?;
    let runs = stored::runs(&mut connection, name, RUNS_ON_PAGE).await?;
    view(ops, job, runs, zone)
}

/// Makes a run due now, whether or not the job is paused; answers its number. The next tick of any instance runs it.
pub async fn run_now(ops: &Ops, permit: &Permit<ManageJobs>, name: &str) -> Result<u64, OpsError> {
    definition(name)?;
    let now = ops.now();
    let id = tx::run(ops.control(), "jobs.run_now", |connection| {
        let (name, actor) = (name.to_owned(), permit.actor().to_owned());
        Box::pin(async move {
            let id = stored::make_due(connection, &name, now, &actor, JobRunStatus::Due).await?;
            let entry = audit::Entry {
                at: now,
                actor: &actor,
                action: "job.run_now",
                target: &name,
                detail: json!({ "run": id }),
            };
            audit::append(connection, &entry).await?;
            Ok(id)
        })
    })
    .await?;
    id.ok_or_else(|| OpsError::refused(format!("a run of {name} became due at this very moment"), "Look at its runs."))
}

/// Runs what is due of a job until that run of it has ended, here or on another instance.
pub async fn wait_for(ops: &Ops, job: &str, run: u64) -> Result<JobRun, OpsError> {
    let zone = zone_of_schedules(ops).await?;
    loop {
        run_open(ops).await?;
        let mut connection = ops.control().acquire("jobs.wait").await?;
        let runs = stored::runs(&mut connection, job, RUNS_ON_PAGE).await?;
        if let Some(ended) = runs.into_iter().find(|stored| stored.id == run && stored.finished_at.is_some()) {
            return Ok(run_view(ended, zone));
        }
        drop(connection);
        tokio::time::sleep(WAIT_POLL).await;
    }
}

/// Pauses or resumes a job.
pub async fn pause(ops: &Ops, permit: &Permit<ManageJobs>, name: &str, paused: bool) -> Result<(), OpsError> {
    definition(name)?;
    let now = ops.now();
    let known = tx::run(ops.control(), "jobs.pause", |connection| {
        let (name, actor) = (name.to_owned(), permit.actor().to_owned());
        Box::pin(async move {
            let known = stored::pause(connection, &name, paused, now).await?;
            let action = if paused { "job.pause" } else { "job.resume" };
            audit::append(
                connection,
                &audit::Entry { at: now, actor: &actor, action, target: &name, detail: json!({}) },
            )
            .await?;
            Ok(known)
        })
    })
    .await?;
    if known { Ok(()) } else { Err(unknown(name)) }
}

fn unknown(name: &str) -> OpsError {
    OpsError::NotFound(format!("The job {name}"))
}

fn definition(name: &str) -> Result<&'static JobDefinition, OpsError> {
    JOBS.iter().find(|job| job.name == name).ok_or_else(|| unknown(name))
}

/// Schedules are in the business zone of the default history; UTC while there is none.
pub(crate) async fn zone_of_schedules(ops: &Ops) -> Result<Tz, OpsError> {
    match histories::find(ops, "").await {
        Ok(history) => zone::parse(&history.spec.policy.zone),
        Err(OpsError::NotFound(_)) => Ok(Tz::UTC),
        Err(error) => Err(error),
    }
}

pub(crate) fn cron(schedule: &str) -> Result<Cron, OpsError> {
    Cron::from_str(schedule)
        .map_err(|error| OpsError::Internal(format!("the schedule {schedule:?} cannot be read: {error}")))
}

fn view(ops: &Ops, job: StoredJob, runs: Vec<StoredJobRun>, zone: Tz) -> Result<Job, OpsError> {
    let cron = cron(&job.schedule)?;
    let next = if job.paused {
        Vec::new()
    } else {
        cron.iter_after(ops.now().trunc_subsecs(0).with_timezone(&zone))
            .take(NEXT_TIMES)
            .map(|at| at.fixed_offset())
            .collect()
    };
    let known = definition(&job.name).ok();
    let at_windows = known.is_some_and(|known| known.at_windows);
    let words = cron.describe();
    Ok(Job {
        purpose: known.map(|known| known.purpose.to_owned()).unwrap_or_default(),
        schedule_words: if at_windows {
            format!("{}, and when a maintenance window opens.", words.trim_end_matches('.'))
        } else {
            words
        },
        zone: zone.name().to_owned(),
        name: job.name,
        schedule: job.schedule,
        paused: job.paused,
        next,
        runs: runs.into_iter().map(|run| run_view(run, zone)).collect(),
    })
}

fn run_view(run: StoredJobRun, zone: Tz) -> JobRun {
    JobRun {
        id: run.id,
        job: run.job,
        scheduled_at: local(run.scheduled_at, zone),
        started_at: run.started_at.map(|at| local(at, zone)),
        finished_at: run.finished_at.map(|at| local(at, zone)),
        status: run.status.0,
        trigger: run.requested_by,
        instance: run.instance,
        fencing_token: run.fencing_token,
        summary: run.summary,
        rotation_run: run.rotation_run,
    }
}
