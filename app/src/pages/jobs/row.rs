//! One job in the list.

use super::JobButtons;
use super::sparkline::Sparkline;
use crate::components::{Badge, IconName, Time, Tone};
use crate::format;
use leptos::prelude::*;
use payhist_types::jobs::{Job, JobRun, JobRunStatus};

/// How a run stands, as a badge.
pub(in crate::pages) fn status_badge(status: JobRunStatus) -> impl IntoView {
    let (tone, icon) = match status {
        JobRunStatus::Due => (Tone::Neutral, IconName::Clock),
        JobRunStatus::Running => (Tone::Active, IconName::Running),
        JobRunStatus::Succeeded => (Tone::Good, IconName::Check),
        JobRunStatus::Partial => (Tone::Warning, IconName::Warning),
        JobRunStatus::Failed => (Tone::Critical, IconName::Critical),
        JobRunStatus::Skipped => (Tone::Neutral, IconName::Skipped),
    };
    view! { <Badge tone text=status.to_string() icon /> }
}

/// How long a run took; empty while it runs.
pub(in crate::pages) fn duration(run: &JobRun) -> Option<String> {
    run.duration_ms().map(|millis| format::millis(millis.unsigned_abs()))
}

#[component]
pub(super) fn JobRow(job: Job, may: bool) -> impl IntoView {
    let last = job.runs.first().map(|run| {
        let at = run.started_at.unwrap_or(run.scheduled_at);
        view! { <div class="job-last">{status_badge(run.status)}<Time at /><span class="quiet">{duration(run)}</span></div> }
    });
    let next = match job.next.first() {
        Some(at) => view! { <Time at=*at /> }.into_any(),
        None => view! { <Badge tone=Tone::Warning text="paused" icon=IconName::Pause /> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="job-name whole">
                <a href=format!("/jobs/{}", job.name)>{job.name.clone()}</a>
                <p class="quiet">{job.purpose.clone()}</p>
            </th>
            <td class="job-schedule whole" data-name="schedule">{job.schedule_words.clone()}<div class="mono quiet">{job.schedule.clone()}</div></td>
            <td class="whole" data-name="next">{next}</td>
            <td class="whole" data-name=job.runs.first().map(|_| "last run")>{last}</td>
            <td class="whole" data-name=job.runs.first().map(|_| "durations")><Sparkline runs=job.runs.clone() /></td>
            {may.then(|| view! { <td class="job-buttons whole"><JobButtons job=job /></td> })}
        </tr>
    }
}
