//! One rotation run, step by step; while it runs the page follows it, with JavaScript or without.

mod steps;

use super::partitions::{duration, outcome_tone};
use crate::components::{Badge, Copy, Live, Notice, Time, Tone, loaded, part_of_path};
use crate::{api, links};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::run::{RotationRun, RunOutcome, StepOutcome};
use steps::RunSteps;

/// Between two looks at a run that is at work, where its events do not come.
const FOLLOW_SECS: u32 = 5;
/// For browsers without JavaScript only: others would reload as well.
const RELOAD: &str = r#"<meta http-equiv="refresh" content="2">"#;

/// The page.
#[component]
pub(crate) fn RunPage() -> impl IntoView {
    let id = part_of_path("id");
    view! {
        <Title text=format!("Run {id}") />
        <div class="page-head"><h1>"Rotation run "{id.clone()}</h1></div>
        {loaded(api::rotation_run(id), |run| {
            let is_running = run.outcome == RunOutcome::Running;
            let events = is_running.then(|| format!("/api/ui/partitions/runs/{}/events", run.id));
            view! {
                {is_running.then(|| view! { <noscript inner_html=RELOAD></noscript> })}
                <Live id="run" secs=is_running.then_some(FOLLOW_SECS) events=events>
                    <Facts run=run.clone() />
                    <NextStep run=run.clone() />
                    <RunSteps steps=run.steps />
                </Live>
            }
        })}
    }
}

#[component]
fn Facts(run: RotationRun) -> impl IntoView {
    let count = |outcome: StepOutcome| run.steps.iter().filter(|step| step.outcome == outcome).count();
    let done = count(StepOutcome::Done) + count(StepOutcome::AlreadyDone);
    let progress = format!("{done} of {} done", run.steps.len());
    let others =
        [(StepOutcome::Failed, "failed"), (StepOutcome::Skipped, "skipped"), (StepOutcome::Blocked, "blocked")];
    let others = others.map(|(outcome, word)| match count(outcome) {
        0 => String::new(),
        some => format!(", {some} {word}"),
    });
    let took = duration(&run);
    view! {
        <dl class="card facts facts-row" aria-live="polite">
            <div>
                <dt>"Outcome"</dt>
                <dd><Badge tone=outcome_tone(run.outcome) text=run.outcome.to_string() />" "{progress}{others.concat()}</dd>
            </div>
            <div><dt>"History"</dt><dd class="mono">{run.history}</dd></div>
            <div><dt>"Started by"</dt><dd>{run.trigger}</dd></div>
            <div><dt>"Started"</dt><dd><Time at=run.started_at /></dd></div>
            <div>
                <dt>"Finished"</dt>
                <dd>{run.finished_at.map(|at| view! { <Time at />" · " })}{took}</dd>
            </div>
            <div><dt>"Plan"</dt><dd><Copy value=run.plan_hash /></dd></div>
            {run.policy_version.map(|version| view! { <div><dt>"Policy"</dt><dd>"version "{version}</dd></div> })}
        </dl>
    }
}

/// What to do now.
#[component]
fn NextStep(run: RotationRun) -> impl IntoView {
    let (tone, title) = match run.outcome {
        RunOutcome::Running => {
            (Tone::Active, "At work. It goes on when this page is closed, and is resumed if its process dies.")
        }
        RunOutcome::Done => (Tone::Good, "Every step that was not blocked is done, and the catalogue says so."),
        RunOutcome::Partial => {
            (Tone::Warning, "Some of it is not done; this page says why. The rest is, and stays so.")
        }
        RunOutcome::Failed => (Tone::Critical, "No step was done. The tables below say why."),
    };
    let link = |path: &str| links::with_history(path, &run.history);
    let (map, plan) = (link("/partitions"), link("/partitions/plan"));
    let unknown = run.unknown.into_iter().map(|unknown| view! { <p>"Nothing was done on "{unknown}"."</p> });
    let again = matches!(run.outcome, RunOutcome::Partial | RunOutcome::Failed);
    view! {
        <Notice tone title>
            {unknown.collect_view()}
            <p>
                {again.then(|| view! { <a href=plan>"Look at a new plan"</a>" · " })}
                <a href=map>"See the map"</a>
            </p>
        </Notice>
    }
}
