//! Today's plan: what it does in a sentence, every step with its exact SQL, and the form that applies it.

mod apply;
mod obstacles;
mod replicas;
mod steps;
mod words;

use super::partitions::Findings;
use crate::components::{Copy, Icon, IconName, failure_of, history_of_url, loaded};
use crate::{api, links};
use apply::ApplyForm;
use leptos::prelude::*;
use leptos_meta::Title;
use obstacles::InTheWay;
use payhist_types::operator::Permission;
use payhist_types::plan::RotationPlan;
use replicas::Replicas;
use steps::Steps;
use words::plural;

/// The page.
#[component]
pub(crate) fn PlanPage() -> impl IntoView {
    let history = history_of_url();
    let asked = history.clone();
    let both =
        async move { Ok::<_, api::Error>((api::rotation_plan(asked.clone()).await?, api::obstacles(asked).await?)) };
    view! {
        <Title text="Plan" />
        <div class="page-head">
            <h1>"Rotation plan"</h1>
            <a class="button" href=links::with_history("/partitions", &history)>
                <Icon name=IconName::Back />"Partition map"
            </a>
        </div>
        {loaded(both, |(plan, obstacles)| view! {
            <p class="plan-summary">{words::summary(&plan)}</p>
            <Facts plan=plan.clone() />
            <Findings findings=plan.findings.clone() />
            {failure_of::<api::ApplyPlan>()}
            <Replicas
                replicas=obstacles.replicas.clone()
                lag_max_secs=obstacles.replica_lag_max_secs
                read_at=obstacles.read_at
            />
            <InTheWay obstacles plan=plan.clone() />
            <ApplyForm plan=plan.clone() may=api::may(Permission::ManagePartitions) />
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
                    {months(plan.policy.retention_months, "everything")}", "
                    {plan.policy.quarantine_days.map_or_else(
                        || "no quarantine".to_owned(),
                        |days| format!("quarantine {}", plural(days.into(), "day")),
                    )}
                    ", zone "{plan.policy.zone}
                </dd>
            </div>
            <div><dt>"Running month"</dt><dd>{plan.current_month.to_string()}</dd></div>
            <div><dt>"Made"</dt><dd>{made}</dd></div>
            <div><dt>"Hash"</dt><dd><Copy value=plan.hash.0 /></dd></div>
        </dl>
    }
}
