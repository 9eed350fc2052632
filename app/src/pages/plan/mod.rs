//! Today's plan: what it does in a sentence, every step with its exact SQL, and the form that applies it.

mod apply;
mod steps;
mod words;

use super::partitions::Findings;
use super::permitted::permitted;
use crate::components::{Copy, Icon, IconName, history_of_url, loaded};
use crate::{api, links};
use apply::ApplyForm;
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::operator::Permission;
use payhist_types::plan::RotationPlan;
use steps::Steps;
use words::plural;

/// The page.
#[component]
pub(crate) fn PlanPage() -> impl IntoView {
    let history = history_of_url();
    let apply = ServerAction::<api::ApplyPlan>::new();
    let page = Resource::new(
        move || (history.get(), apply.version().get()),
        |(history, _)| async move {
            Ok((api::rotation_plan(history).await?, permitted(Permission::ManagePartitions).await?))
        },
    );
    view! {
        <Title text="Plan" />
        <div class="page-head">
            <h1>"Rotation plan"</h1>
            <a class="button" href=move || links::with_history("/partitions", &history.read())>
                <Icon name=IconName::Back />"Partition map"
            </a>
        </div>
        {loaded(page, move |(plan, may)| view! {
            <p class="plan-summary">{words::summary(&plan)}</p>
            <Facts plan=plan.clone() />
            <Findings findings=plan.findings.clone() shards=plan.runway.len() />
            <ApplyForm plan=plan.clone() may apply />
            <Steps steps=plan.steps />
        })}
    }
}

#[component]
fn Facts(plan: RotationPlan) -> impl IntoView {
    let made = plan.evaluated_at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let months = |months: Option<u16>, unset: &str| {
        months.map_or_else(|| unset.to_owned(), |months| plural(months.into(), "month"))
    };
    view! {
        <dl class="card facts facts-row">
            <div><dt>"History"</dt><dd class="mono">{plan.history.to_string()}</dd></div>
            <div>
                <dt>"Policy"</dt>
                <dd>
                    "make ahead "{months(plan.policy.premake_months, "none")}", keep "
                    {months(plan.policy.retention_months, "everything")}", zone "{plan.policy.zone}
                </dd>
            </div>
            <div><dt>"Running month"</dt><dd>{plan.current_month.to_string()}</dd></div>
            <div><dt>"Made"</dt><dd>{made}</dd></div>
            <div><dt>"Hash"</dt><dd><Copy value=plan.hash.0 /></dd></div>
        </dl>
    }
}
