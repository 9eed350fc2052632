//! Every job: when it runs, how its latest runs went, and the buttons that run or pause it.

mod buttons;
mod row;
mod sparkline;

pub(super) use buttons::JobButtons;
pub(super) use row::{duration, status_badge};

use super::live::follow;
use super::permitted::permitted;
use crate::api;
use crate::components::{ErrorView, loaded};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::jobs::{Job, JobRunStatus};
use payhist_types::operator::Permission;
use row::JobRow;
use std::time::Duration;

/// Between two looks at a job that is at work.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// The two things that an operator may do with a job.
#[derive(Clone, Copy)]
pub(super) struct JobActions {
    pub(super) run: ServerAction<api::RunJob>,
    pub(super) pause: ServerAction<api::PauseJob>,
}

impl JobActions {
    pub(super) fn new() -> Self {
        Self { run: ServerAction::new(), pause: ServerAction::new() }
    }

    /// Changes when one of them is done. Tracked.
    pub(super) fn version(self) -> (usize, usize) {
        (self.run.version().get(), self.pause.version().get())
    }

    /// Why the last one failed. Tracked.
    pub(super) fn failure(self) -> impl IntoView {
        let ran = self.run.value().get().and_then(Result::err);
        ran.or_else(|| self.pause.value().get().and_then(Result::err))
            .map(|api::Error(error)| view! { <ErrorView error /> })
    }
}

/// Is a run of it due or at work?
pub(super) fn is_moving(job: &Job) -> bool {
    job.runs.iter().any(|run| matches!(run.status, JobRunStatus::Due | JobRunStatus::Running))
}

/// The page.
#[component]
pub(crate) fn JobsPage() -> impl IntoView {
    let actions = JobActions::new();
    let tick = RwSignal::new(0);
    let page = Resource::new(
        move || (actions.version(), tick.get()),
        |_| async move { Ok((api::jobs().await?, permitted(Permission::ManageJobs).await?)) },
    );
    follow(page, tick, PAUSE, |(jobs, _)| jobs.iter().any(is_moving));
    view! {
        <Title text="Jobs" />
        <div class="page-head"><h1>"Jobs"</h1></div>
        {move || actions.failure()}
        {loaded(page, move |(jobs, may)| view! { <JobsTable jobs may actions /> })}
    }
}

#[component]
fn JobsTable(jobs: Vec<Job>, may: bool, actions: JobActions) -> impl IntoView {
    let zone = jobs.first().map(|job| job.zone.clone());
    let rows = jobs.into_iter().map(|job| view! { <JobRow job may actions /> });
    view! {
        <p class="quiet">
            "Every instance of payhist looks for due runs; each run is done once, by one of them. Schedules are in "
            {zone}"."
        </p>
        <div class="table-scroll" tabindex="0" role="region" aria-label="Jobs">
            <table class="jobs">
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
    }
}
