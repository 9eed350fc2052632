//! `payhist jobs`

use super::output::{Outcome, say, table};
use anyhow::Context;
use clap::Subcommand;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, jobs};
use payhist_types::jobs::{Job, JobRun, JobRunStatus};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    /// All jobs with their schedules, last runs and next times.
    #[command(after_help = "Example: payhist jobs list --json")]
    List,
    /// Run a job now, here, and wait for it.
    #[command(after_help = "Example: payhist jobs run premake")]
    Run {
        /// The job's name.
        job: String,
    },
    /// No new runs become due until it is resumed.
    #[command(after_help = "Example: payhist jobs pause expire")]
    Pause {
        /// The job's name.
        job: String,
    },
    /// Let it become due again.
    #[command(after_help = "Example: payhist jobs resume expire")]
    Resume {
        /// The job's name.
        job: String,
    },
    /// A job's runs, newest first.
    #[command(after_help = "Example: payhist jobs history premake")]
    History {
        /// The job's name.
        job: String,
    },
}

pub(super) async fn run(command: JobsCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    jobs::ensure(ops).await?;
    match command {
        JobsCommand::List => {
            let jobs = jobs::list(ops, &Permit::for_command()).await?;
            Ok(say(json, &jobs, || jobs_words(&jobs)))
        }
        JobsCommand::Run { job } => run_now(ops, &job, json).await,
        JobsCommand::Pause { job } => pause(ops, &job, true, json).await,
        JobsCommand::Resume { job } => pause(ops, &job, false, json).await,
        JobsCommand::History { job } => {
            let job = jobs::show(ops, &Permit::for_command(), &job).await?;
            Ok(say(json, &job.runs, || runs_words(&job.runs)))
        }
    }
}

async fn run_now(ops: &Ops, job: &str, json: bool) -> anyhow::Result<Outcome> {
    let id = jobs::run_now(ops, &Permit::for_command(), job).await?;
    let run = jobs::wait_for(ops, job, id).await.with_context(|| format!("run {id} of {job}"))?;
    say(json, &run, || format!("{}: {} — {}", run.job, run.status, run.summary.as_deref().unwrap_or("")));
    Ok(match run.status {
        JobRunStatus::Succeeded => Outcome::Done,
        JobRunStatus::Partial => Outcome::Partial,
        _ => Outcome::Failed,
    })
}

async fn pause(ops: &Ops, job: &str, paused: bool, json: bool) -> anyhow::Result<Outcome> {
    jobs::pause(ops, &Permit::for_command(), job, paused).await?;
    let words = || format!("{job} is {}.", if paused { "paused" } else { "resumed" });
    Ok(say(json, &json!({ "job": job, "paused": paused }), words))
}

fn jobs_words(jobs: &[Job]) -> String {
    let time = |at: &chrono::DateTime<chrono::FixedOffset>| at.format("%Y-%m-%d %H:%M").to_string();
    let rows: Vec<_> = jobs
        .iter()
        .map(|job| {
            let last = job
                .runs
                .first()
                .map_or_else(|| "never".to_owned(), |run| format!("{} {}", time(&run.scheduled_at), run.status));
            let next = job.next.first().map_or_else(|| "paused".to_owned(), time);
            vec![job.name.clone(), job.schedule.clone(), last, next, job.purpose.clone()]
        })
        .collect();
    table(&["JOB", "SCHEDULE", "LAST", "NEXT", "PURPOSE"], &rows)
}

fn runs_words(runs: &[JobRun]) -> String {
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            let duration = run.duration_ms().map_or_else(String::new, |ms| format!("{ms} ms"));
            let scheduled = run.scheduled_at.format("%Y-%m-%d %H:%M:%S").to_string();
            vec![
                run.id.to_string(),
                scheduled,
                run.status.to_string(),
                duration,
                run.trigger.clone(),
                run.summary.clone().unwrap_or_default(),
            ]
        })
        .collect();
    if rows.is_empty() {
        "No run yet.".to_owned()
    } else {
        table(&["RUN", "SCHEDULED", "STATUS", "TIME", "BY", "WHAT"], &rows)
    }
}
