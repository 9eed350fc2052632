//! The partition map and what steers it: findings, runway, switches, runs.

mod findings;
mod map;
mod months;
mod runs;
mod switches;

pub(super) use findings::Findings;
pub(super) use months::{RestoreForm, held, held_rows};
pub(super) use runs::{duration, outcome_tone};

use crate::components::{Time, failure_of, history_of_url, loaded};
use crate::{api, format, links};
use findings::RunwayWords;
use leptos::prelude::*;
use leptos_meta::Title;
use map::MapTable;
use months::MonthsTable;
use payhist_types::history::Switch;
use payhist_types::operator::Permission;
use payhist_types::partition::PartitionMap;
use payhist_types::plan::{Guard, RotationPlan, Step};
use runs::RunsTable;
use serde::{Deserialize, Serialize};
use switches::SwitchPanel;

/// What this page needs of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Due {
    /// Steps that may run now.
    active: usize,
    /// Steps that something blocks.
    blocked: usize,
    /// Drops that only the drop switch blocks.
    drops_waiting: usize,
    /// Their rows, estimated.
    drops_rows: u64,
    /// Their bytes.
    drops_bytes: u64,
}

impl Due {
    fn of(plan: &RotationPlan) -> Self {
        let only_switched_off = [Guard::SwitchOff { switch: Switch::Drop }];
        let waiting: Vec<&Step> = plan.steps.iter().filter(|step| step.blocked_by == only_switched_off).collect();
        let active = plan.active_steps().count();
        Self {
            active,
            blocked: plan.steps.len() - active,
            drops_waiting: waiting.len(),
            drops_rows: waiting.iter().map(|step| step.rows_estimate).sum(),
            drops_bytes: waiting.iter().map(|step| step.bytes).sum(),
        }
    }

    fn words(&self) -> String {
        match (self.active, self.blocked) {
            (0, 0) => "Plan: nothing due".to_owned(),
            (0, blocked) => format!("Plan: {blocked} blocked"),
            (active, 0) => format!("Plan: {active} due"),
            (active, blocked) => format!("Plan: {active} due, {blocked} blocked"),
        }
    }
}

/// The page.
#[component]
pub(crate) fn PartitionsPage() -> impl IntoView {
    let history = history_of_url();
    let runs = api::rotation_runs(history.clone());
    // Awaited twice: by the head and by the body.
    let page = OnceResource::new(async move {
        let map = api::partition_map(history.clone()).await?;
        let due = Due::of(&api::rotation_plan(history).await?);
        Ok((map, due))
    });
    view! {
        <Title text="Partitions" />
        <div class="page-head">
            <h1>"Partitions"</h1>
            {loaded(page, |(map, due)| {
                let href = links::with_history("/partitions/plan", &map.history);
                let class = if due.active > 0 { "button primary" } else { "button" };
                let simulate = links::with_history("/partitions/simulate", &map.history);
                view! { <a class="button" href=simulate>"Simulate"</a><a class=class href=href>{due.words()}</a> }
            })}
        </div>
        {failure_of::<api::TurnSwitch>()}
        {failure_of::<api::RestoreMonth>()}
        {loaded(page, |(map, due)| view! {
            <Facts map=map.clone() />
            <Findings findings=map.findings.clone() />
            <section class="card">
                <h2>"Map"</h2>
                <MapTable map=map.clone() />
                <details>
                    <summary>"The same as a table, month by month"</summary>
                    <MonthsTable map=map.clone() may=api::may(Permission::ManagePartitions) />
                </details>
            </section>
            <SwitchPanel map due may=api::may(Permission::ManagePartitions) />
        })}
        <section class="card">
            <h2>"Recent runs"</h2>
            {loaded(runs, |runs| view! { <RunsTable runs /> })}
        </section>
    }
}

/// History, policy and runway in a few words.
#[component]
fn Facts(map: PartitionMap) -> impl IntoView {
    let (rows, bytes) = months::totals(&map);
    let ahead = map.premake_months.map_or_else(
        || "none are added by payhist".to_owned(),
        |months| format!("{months} months beyond the running one"),
    );
    let kept = map
        .retention_months
        .map_or_else(|| "for ever".to_owned(), |months| format!("{months} months before the running one"));
    view! {
        <dl class="card facts facts-row">
            <div><dt>"History"</dt><dd class="mono">{map.history.clone()}</dd></div>
            <div><dt>"Runway"</dt><dd><RunwayWords runway=map.runway.clone() /></dd></div>
            <div><dt>"Made ahead"</dt><dd>{ahead}</dd></div>
            <div><dt>"Kept"</dt><dd>{kept}</dd></div>
            <div><dt>"Size"</dt><dd>"≈ "{format::count(rows)}" rows, "{format::bytes(bytes)}</dd></div>
            <div><dt>"Read"</dt><dd><Time at=map.read_at />" "<span class="quiet">{map.zone}</span></dd></div>
        </dl>
    }
}
