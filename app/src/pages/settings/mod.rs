//! The policy of a history: what holds, the form that leads to a simulation of another one, and how it came about.

mod changes;
mod form;

pub(super) use form::{PolicyForm, edit_of_url};

use crate::api;
use crate::components::{Notice, Tone, history_of_url, loaded};
use changes::Changes;
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::policy_edit::PolicyEdit;

/// The page.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    view! {
        <Title text="Settings" />
        <div class="page-head">
            <h1>"Settings"</h1>
            <a class="button" href="/settings/tokens">"API tokens"</a>
        </div>
        {loaded(api::policy(history_of_url()), |policy| {
            let words = format!(
                "The policy of {} is given by the configuration: change it there. Here another one can be simulated.",
                policy.history
            );
            view! {
                {policy.configured.then(|| view! { <Notice tone=Tone::Neutral title=words /> })}
                <section class="card stack">
                    <h2>"Policy of "<code>{policy.history.clone()}</code>", version "{policy.version}</h2>
                    <PolicyForm history=policy.history.clone() edit=PolicyEdit::of(&policy.policy) />
                </section>
                <Changes changes=policy.changes />
            }
        })}
    }
}
