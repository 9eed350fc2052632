//! The jobs that there are. Each takes no input, may run twice, and says what it did.

use crate::auth::Permit;
use crate::monitoring;
use crate::rotation::{self, Only};
use crate::summary::{self, Renewed};
use crate::{Ops, OpsError, histories};
use futures::future::BoxFuture;
use payhist_storage::jobs::JobResult;
use payhist_storage::sessions;
use payhist_types::findings::{Finding, Severity, grouped};
use payhist_types::jobs::JobRunStatus;
use payhist_types::run::RunOutcome;

/// A job.
#[derive(Debug)]
pub struct JobDefinition {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub purpose: &'static str,
    /// Its first schedule: five cron fields in the business zone.
    pub schedule: &'static str,
    /// Is it due when a maintenance window of a history opens, too?
    pub at_windows: bool,
    /// Its work.
    pub work: fn(Ops) -> BoxFuture<'static, Result<JobResult, OpsError>>,
}

/// All jobs.
pub const JOBS: &[JobDefinition] = &[
    JobDefinition {
        name: "premake",
        purpose: "Adds the coming months' partitions to every shard.",
        schedule: "15 2 * * *",
        at_windows: false,
        work: |ops| Box::pin(rotate(ops, "premake", Only::Adds)),
    },
    JobDefinition {
        name: "expire",
        purpose: "Drops months past their retention, where the drop switch is on.",
        schedule: "45 2 * * *",
        at_windows: true,
        work: |ops| Box::pin(rotate(ops, "expire", Only::Drops)),
    },
    JobDefinition {
        name: "runway-check",
        purpose: "Warns before a shard runs out of partitions.",
        schedule: "5 * * * *",
        at_windows: false,
        work: |ops| Box::pin(runway_check(ops)),
    },
    JobDefinition {
        name: "summaries",
        purpose: "Adds up closed months for the overview and the summaries.",
        schedule: "20 * * * *",
        at_windows: false,
        work: |ops| Box::pin(renew_summaries(ops)),
    },
    JobDefinition {
        name: "deadlock-capture",
        purpose: "Keeps each deadlock that a server reports.",
        schedule: "* * * * *",
        at_windows: false,
        work: |ops| Box::pin(deadlock_capture(ops)),
    },
    JobDefinition {
        name: "session-cleanup",
        purpose: "Deletes expired login sessions.",
        schedule: "30 3 * * *",
        at_windows: false,
        work: |ops| Box::pin(session_cleanup(ops)),
    },
];

/// Applies the adds or the drops of every history's plan.
async fn rotate(ops: Ops, job: &'static str, only: Only) -> Result<JobResult, OpsError> {
    let mut notes = Vec::new();
    let mut status = JobRunStatus::Succeeded;
    let mut last_run = None;
    for history in histories::all(&ops).await? {
        let name = &history.spec.name;
        match rotation::apply_for_job(&ops, &Permit::for_job(job), &history, only).await {
            Ok(applied) => {
                if applied.outcome != RunOutcome::Done {
                    status = JobRunStatus::Partial;
                }
                last_run = applied.run.or(last_run);
                notes.push(format!("{name}: {}", applied.summary));
            }
            // One bad history never stops the rest.
            Err(error) => {
                status = JobRunStatus::Partial;
                notes.push(format!("{name}: {error}"));
            }
        }
    }
    Ok(JobResult { status, summary: or_nothing(&notes), rotation_run: last_run })
}

async fn runway_check(ops: Ops) -> Result<JobResult, OpsError> {
    let mut notes = Vec::new();
    for history in histories::all(&ops).await? {
        let plan = rotation::plan_of(&ops, &history).await?;
        let loud = |finding: &&Finding| finding.severity >= Severity::Warning;
        let loud = grouped(plan.findings.iter().filter(loud));
        notes.extend(loud.iter().map(|group| format!("{}: {group}", history.spec.name)));
    }
    let status = if notes.is_empty() { JobRunStatus::Succeeded } else { JobRunStatus::Partial };
    let summary = if notes.is_empty() { "every shard is far enough ahead".to_owned() } else { notes.join("; ") };
    Ok(JobResult { status, summary, rotation_run: None })
}

async fn renew_summaries(ops: Ops) -> Result<JobResult, OpsError> {
    let mut notes = Vec::new();
    let mut status = JobRunStatus::Succeeded;
    for history in histories::all(&ops).await? {
        let name = &history.spec.name;
        match summary::renew(&ops, &history).await {
            Ok(Renewed { counted, kept, problems }) => {
                if !problems.is_empty() {
                    status = JobRunStatus::Partial;
                }
                let said = [format!("{name}: {counted} counted, {kept} still good")];
                notes.push(said.into_iter().chain(problems).collect::<Vec<_>>().join("; "));
            }
            // One bad history never stops the rest.
            Err(error) => {
                status = JobRunStatus::Partial;
                notes.push(format!("{name}: {error}"));
            }
        }
    }
    Ok(JobResult { status, summary: or_nothing(&notes), rotation_run: None })
}

async fn deadlock_capture(ops: Ops) -> Result<JobResult, OpsError> {
    let captured = monitoring::capture(&ops).await?;
    let status = if captured.failed.is_empty() { JobRunStatus::Succeeded } else { JobRunStatus::Partial };
    let mut notes = vec![format!("{} new", captured.kept)];
    notes.extend(captured.failed);
    Ok(JobResult { status, summary: notes.join("; "), rotation_run: None })
}

async fn session_cleanup(ops: Ops) -> Result<JobResult, OpsError> {
    let mut connection = ops.control().acquire("jobs.session_cleanup").await?;
    let swept = sessions::sweep(&mut connection, ops.now()).await?;
    Ok(JobResult { status: JobRunStatus::Succeeded, summary: format!("{swept} deleted"), rotation_run: None })
}

fn or_nothing(notes: &[String]) -> String {
    if notes.is_empty() { "there is no history yet".to_owned() } else { notes.join("; ") }
}
