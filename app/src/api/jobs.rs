//! Scheduled jobs.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::jobs::Job;

use super::Result;
use super::server::{answer, authorise};

/// All jobs with their latest runs.
#[server(prefix = "/api/ui", endpoint = "jobs", input = GetUrl)]
pub async fn jobs() -> Result<Vec<Job>> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::jobs::list(&ops, &permit).await)
}

/// One job with its runs.
#[server(name = ReadJob, prefix = "/api/ui", endpoint = "job", input = GetUrl)]
pub async fn job(name: String) -> Result<Job> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::jobs::show(&ops, &permit, &name).await)
}

/// Makes a run due now; answers its number.
#[server(prefix = "/api/ui", endpoint = "jobs/run")]
pub async fn run_job(
    /// The job.
    name: String,
) -> Result<u64> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::jobs::run_now(&ops, &permit, &name).await)
}

/// Pauses or resumes a job.
#[server(prefix = "/api/ui", endpoint = "jobs/pause")]
pub async fn pause_job(
    /// The job.
    name: String,
    /// Pause it, or let it go on.
    paused: bool,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::jobs::pause(&ops, &permit, &name, paused).await)
}
