//! The form that applies exactly the plan that is shown.

use super::words::plural;
use crate::components::{Icon, IconName, Notice, Tone};
use crate::{api, format};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::plan::{RotationPlan, Step};

/// No button without a step that may run; the history's name typed where rows are destroyed.
#[component]
pub(super) fn ApplyForm(plan: RotationPlan, may: bool) -> impl IntoView {
    let active = plan.active_steps().count();
    let body = match (active, may) {
        (0, _) => {
            let words = "No step of this plan may run now, so there is nothing to apply.";
            view! { <p class="quiet">{words}</p> }.into_any()
        }
        (_, false) => {
            let words = "Your role may look at plans, not apply them: a DBA or an administrator can.";
            view! { <p class="quiet">{words}</p> }.into_any()
        }
        _ => view! { <Form plan /> }.into_any(),
    };
    view! {
        <section class="card stack">
            <h2>"Apply"</h2>
            {body}
        </section>
    }
}

#[component]
fn Form(plan: RotationPlan) -> impl IntoView {
    let history = plan.history.to_string();
    let drops: Vec<&Step> = plan.active_steps().filter(|step| step.action.is_destructive()).collect();
    let destroys = !drops.is_empty();
    let confirm = destroys.then(|| {
        let rows: u64 = drops.iter().map(|step| step.rows_estimate).sum();
        let title = format!(
            "This destroys ≈ {} rows in {}. They cannot be brought back.",
            format::count(rows),
            plural(drops.len(), "step")
        );
        view! {
            <Notice tone=Tone::Warning title />
            <div class="field">
                <label for="confirm">"Type "<code>{history.clone()}</code>" to confirm"</label>
                <input id="confirm" name="confirm" required autocomplete="off" spellcheck="false" pattern=history.clone() />
            </div>
        }
    });
    let class = if destroys { "danger" } else { "primary" };
    let active = plural(plan.active_steps().count(), "step");
    view! {
        <p class="quiet">
            "Before each table is touched it is read again: if anything has changed since this plan, nothing is done. Each step waits a bounded time for its lock."
        </p>
        <form method="post" action=api::ApplyPlan::PATH class="plan-apply">
            <input type="hidden" name="history" value=history />
            <input type="hidden" name="hash" value=plan.hash.0.clone() />
            <input type="hidden" name="drops" value=destroys.to_string() />
            {confirm}
            <button type="submit" class=class><Icon name=IconName::Play />{format!("Apply {active}")}</button>
        </form>
    }
}
