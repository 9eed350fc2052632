//! Every job: when it runs, how its latest runs went, and the buttons that run or pause it.

mod buttons;
mod row;
mod sparkline;

pub(super) use buttons::JobButtons;
pub(super) use row::{duration, status_badge};

use crate::api;
use crate::components::{Live, failure_of, loaded};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::jobs::{Job, JobRunStatus};
use payhist_types::operator::Permission;
use row::JobRow;

/// Between two looks at a job that is at work.
pub(super) const FOLLOW_SECS: u32 = 1;

/// Is a run of it due or at work?
pub(super) fn is_moving(job: &Job) -> bool {
    job.runs.iter().any(|run| matches!(run.status, JobRunStatus::Due | JobRunStatus::Running))
}

/// The page.
#[component]
pub(crate) fn JobsPage() -> impl IntoView {
    view! {
        <Title text="Jobs" />
        <div class="page-head"><h1>"Jobs"</h1></div>
        {failure_of::<api::RunJob>()}
        {failure_of::<api::PauseJob>()}
        {loaded(api::jobs(), |jobs| view! { <JobsTable jobs may=api::may(Permission::ManageJobs) /> })}
    }
}

#[component]
fn JobsTable(jobs: Vec<Job>, may: bool) -> impl IntoView {
    let moves = jobs.iter().any(is_moving);
    let zone = jobs.first().map(|job| job.zone.clone());
    let rows = jobs.into_iter().map(move |job| view! { <JobRow job may /> });
    view! {
        <Live id="jobs" secs=moves.then_some(FOLLOW_SECS)>
            <p class="quiet">
                "Every instance of payhist looks for due runs; each run is done once, by one of them. Schedules are in "
                {zone}"."
            </p>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Jobs">
                <table class="jobs folding">
                    <caption class="visually-hidden">"Scheduled jobs"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Job"</th>
                            <th scope="col">"Schedule"</th>
                            <th scope="col">"Next"</th>
                            <th scope="col">"Last run"</th>
                            <th scope="col">"Durations"</th>
                            {may.then(|| view! { <th scope="col"><span class="visually-hidden">"Actions"</span></th> })}
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
            {(!may).then(|| view! { <p class="quiet">"Your role may look at jobs; a DBA or an administrator can run or pause them."</p> })}
        </Live>
    }
}
