//! How long the latest runs took, oldest at the left: a glance, not a chart. The figures are on the job's page.

use crate::format;
use leptos::prelude::*;
use payhist_types::jobs::{JobRun, JobRunStatus};

const WIDTH: u64 = 90;
const HEIGHT: u64 = 28;
const BAR: u64 = 2;
const STEP: u64 = 3;
/// The shortest run is still seen.
const BAR_MIN: u64 = 3;

/// Takes the runs newest first.
#[component]
pub(super) fn Sparkline(runs: Vec<JobRun>) -> impl IntoView {
    let mut timed: Vec<(u64, JobRun)> =
        runs.into_iter().filter_map(|run| Some((run.duration_ms()?.unsigned_abs(), run))).collect();
    timed.truncate(usize::try_from(WIDTH / STEP).unwrap_or(usize::MAX));
    timed.reverse();
    let (Some(least), Some(most)) = (timed.iter().map(|run| run.0).min(), timed.iter().map(|run| run.0).max()) else {
        return view! { <span class="quiet">"no run yet"</span> }.into_any();
    };
    let failed = timed.iter().filter(|(_, run)| run.status == JobRunStatus::Failed).count();
    let label = format!(
        "The latest {} runs took {} to {}; {failed} failed",
        timed.len(),
        format::millis(least),
        format::millis(most)
    );
    let bars = timed.into_iter().zip(0_u64..).map(|((millis, run), place)| {
        let height = BAR_MIN + millis * (HEIGHT - BAR_MIN) / most.max(1);
        let title = format!("{} · {} · {}", format::time(&run.scheduled_at), run.status, format::millis(millis));
        let class = if run.status == JobRunStatus::Failed { "bar failed" } else { "bar" };
        view! {
            <rect class=class x=place * STEP y=HEIGHT - height width=BAR height=height><title>{title}</title></rect>
        }
    });
    view! {
        <svg class="sparkline" role="img" aria-label=label viewBox=format!("0 0 {WIDTH} {HEIGHT}") width=WIDTH height=HEIGHT>
            {bars.collect_view()}
        </svg>
    }
    .into_any()
}
