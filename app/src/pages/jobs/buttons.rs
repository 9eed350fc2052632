//! Run now, pause, resume: plain forms.

use super::JobActions;
use crate::components::{Icon, IconName};
use leptos::form::ActionForm;
use leptos::prelude::*;
use payhist_types::jobs::Job;

/// The buttons of one job, for those who may.
#[component]
pub(in crate::pages) fn JobButtons(job: Job, actions: JobActions) -> impl IntoView {
    let (icon, verb) = if job.paused { (IconName::Play, "Resume") } else { (IconName::Pause, "Pause") };
    // Read aloud, each button names its job.
    let which = || view! { <span class="visually-hidden">" "{job.name.clone()}</span> };
    let (run_which, pause_which) = (which(), which());
    let (run_name, pause_name) = (job.name.clone(), job.name.clone());
    view! {
        <div class="inline-form">
            <ActionForm action=actions.run>
                <input type="hidden" name="name" value=run_name />
                <button type="submit"><Icon name=IconName::Play /><span>"Run"{run_which}" now"</span></button>
            </ActionForm>
            <ActionForm action=actions.pause>
                <input type="hidden" name="name" value=pause_name />
                <input type="hidden" name="paused" value=(!job.paused).to_string() />
                <button type="submit"><Icon name=icon /><span>{verb}{pause_which}</span></button>
            </ActionForm>
        </div>
    }
}
