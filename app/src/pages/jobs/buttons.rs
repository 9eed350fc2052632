//! Run now, pause, resume: plain forms.

use crate::api;
use crate::components::{Icon, IconName};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::jobs::Job;

/// The buttons of one job, for those who may.
#[component]
pub(in crate::pages) fn JobButtons(job: Job) -> impl IntoView {
    let (icon, verb) = if job.paused { (IconName::Play, "Resume") } else { (IconName::Pause, "Pause") };
    // Read aloud, each button names its job.
    let which = || view! { <span class="visually-hidden">" "{job.name.clone()}</span> };
    view! {
        <div class="inline-form">
            <form method="post" action=api::RunJob::PATH>
                <input type="hidden" name="name" value=job.name.clone() />
                <button type="submit"><Icon name=IconName::Play /><span>"Run"{which()}" now"</span></button>
            </form>
            <form method="post" action=api::PauseJob::PATH>
                <input type="hidden" name="name" value=job.name.clone() />
                <input type="hidden" name="paused" value=(!job.paused).to_string() />
                <button type="submit"><Icon name=icon /><span>{verb}{which()}</span></button>
            </form>
        </div>
    }
}
