//! One job: what it does, when it runs next, and its runs.

use super::jobs::{FOLLOW_SECS, JobButtons, duration, is_moving, status_badge};
use crate::api;
use crate::components::{Badge, Columns, Icon, IconName, Live, Table, Time, Tone, failure_of, loaded, part_of_path};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::jobs::{Job, JobRun};
use payhist_types::operator::Permission;

/// The page.
#[component]
pub(crate) fn JobPage() -> impl IntoView {
    let name = part_of_path("name");
    view! {
        <Title text=format!("Job {name}") />
        <div class="page-head">
            <h1>"Job "{name.clone()}</h1>
            <a class="button" href="/jobs"><Icon name=IconName::Back />"All jobs"</a>
        </div>
        {failure_of::<api::RunJob>()}
        {failure_of::<api::PauseJob>()}
        {loaded(api::job(name), |job| view! {
            <Live id="job" secs=is_moving(&job).then_some(FOLLOW_SECS)>
                <Facts job=job.clone() />
                {api::may(Permission::ManageJobs).then(|| view! { <JobButtons job=job.clone() /> })}
                <section class="card">
                    <h2>"Runs"</h2>
                    <Runs runs=job.runs />
                </section>
            </Live>
        })}
    }
}

#[component]
fn Facts(job: Job) -> impl IntoView {
    let next = if job.paused {
        view! { <Badge tone=Tone::Warning text="paused" icon=IconName::Pause />" No new run becomes due." }.into_any()
    } else {
        let times = job.next.into_iter().map(|at| view! { <li><Time at /></li> });
        view! { <ol class="job-next">{times.collect_view()}</ol> }.into_any()
    };
    view! {
        <dl class="card facts facts-row">
            <div><dt>"Purpose"</dt><dd>{job.purpose}</dd></div>
            <div>
                <dt>"Schedule"</dt>
                <dd>{job.schedule_words}" "<span class="quiet"><code>{job.schedule}</code>" in "{job.zone}</span></dd>
            </div>
            <div><dt>"Next"</dt><dd>{next}</dd></div>
        </dl>
    }
}

#[component]
fn Runs(runs: Vec<JobRun>) -> impl IntoView {
    if runs.is_empty() {
        return view! { <p class="quiet">"This job has not run yet."</p> }.into_any();
    }
    let rows = runs.into_iter().map(|run| view! { <RunRow run /> });
    view! {
        <Table
            label="Runs"
            caption="Runs of the job, newest first"
            class="folding"
            columns=Columns::default().words(["Due", "Status", "Started"]).figures(["Took"]).words(["What it did", "Started by", "Instance"])
        >
            {rows.collect_view()}
        </Table>
    }
    .into_any()
}

#[component]
fn RunRow(run: JobRun) -> impl IntoView {
    let rotation =
        run.rotation_run.map(|id| view! { " "<a href=format!("/partitions/runs/{id}")>"Rotation run "{id}</a> });
    let took = duration(&run);
    let fence = format!("Fencing token {}", run.fencing_token);
    view! {
        <tr id=format!("run-{}", run.id)>
            <td data-name="due"><Time at=run.scheduled_at /></td>
            <td>{status_badge(run.status)}</td>
            <td data-name=run.started_at.map(|_| "started")>{run.started_at.map(|at| view! { <Time at /> })}</td>
            <td class="number" data-name=took.as_ref().map(|_| "took")>{took.clone()}</td>
            <td class="job-summary whole">{run.summary}{rotation}</td>
            <td data-name="by">{run.trigger}</td>
            <td class="mono" data-name="on" title=fence>{run.instance}</td>
        </tr>
    }
}
