//! The coming months by a history's policy or by another one, which can then be saved.

mod save;
mod steps;

use super::settings::{PolicyForm, edit_of_url};
use crate::components::{Icon, IconName, Notice, Tone, failure_of, history_of_url, loaded};
use crate::{api, links};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use payhist_types::operator::Permission;
use save::SaveForm;
use steps::Steps;

/// Months that are simulated when the address does not say.
const MONTHS: &str = "24";

/// The page.
#[component]
pub(crate) fn SimulationPage() -> impl IntoView {
    let history = history_of_url();
    let edit = edit_of_url();
    let months = use_query_map().read_untracked().get("months").unwrap_or_else(|| MONTHS.to_owned());
    let simulation = api::simulation(history.clone(), edit.clone(), months);
    let policy = OnceResource::new(api::policy(history.clone()));
    let filled = edit.clone();
    let both = async move { Ok::<_, api::Error>((simulation.await?, policy.await?)) };
    view! {
        <Title text="Simulation" />
        <div class="page-head">
            <h1>"Simulation"</h1>
            <a class="button" href=links::with_history("/settings", &history)><Icon name=IconName::Back />"Settings"</a>
        </div>
        {failure_of::<api::SetPolicy>()}
        {loaded(policy, move |policy| view! {
            <section class="card stack">
                <h2>"Policy"</h2>
                <PolicyForm history=policy.history edit=filled.or(&policy.policy) />
            </section>
        })}
        {loaded(both, move |(simulation, policy)| {
            let words = format!(
                "{} steps until {}, with both switches on and if nothing else changes.",
                simulation.steps.iter().map(|step| step.shards.len()).sum::<usize>(),
                simulation.until.format("%Y-%m-%d")
            );
            let blocked = simulation.blocked.iter().map(|block| {
                view! { <Notice tone=Tone::Warning title=format!("{} steps stay blocked: {}", block.steps, block.reason) /> }
            });
            let unknown = simulation.unknown.iter().map(|unknown| {
                view! { <Notice tone=Tone::Critical title=format!("Incomplete: {unknown}") /> }
            });
            let unknown = unknown.collect_view();
            let differs = simulation.policy != policy.policy;
            view! {
                {differs.then(|| view! { <SaveForm policy edit may=api::may(Permission::ManagePartitions) /> })}
                <p class="plan-summary">{words}</p>
                {unknown}
                {blocked.collect_view()}
                <Steps steps=simulation.steps />
            }
        })}
    }
}
