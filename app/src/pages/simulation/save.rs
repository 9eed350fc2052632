//! Saving the policy that was simulated.

use crate::api;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::policy_edit::{PolicyEdit, PolicyView};

/// The history's name is typed: a shorter retention drops months.
#[component]
pub(super) fn SaveForm(policy: PolicyView, edit: PolicyEdit, may: bool) -> impl IntoView {
    if policy.configured || !may {
        let why = if policy.configured {
            "This is not the policy that holds. That one is given by the configuration: change it there."
        } else {
            "This is not the policy that holds. Your role may simulate policies, not save them: a DBA or an administrator can."
        };
        return view! { <p class="quiet">{why}</p> }.into_any();
    }
    let history = policy.history;
    let fields = [
        ("edit[premake_months]", edit.premake_months),
        ("edit[retention]", edit.retention),
        ("edit[quarantine_days]", edit.quarantine_days),
        ("edit[windows]", edit.windows),
        ("edit[max_drop_bytes_outside_windows]", edit.max_drop_bytes_outside_windows),
        ("edit[blockers]", edit.blockers),
        ("edit[replica_lag_max_secs]", edit.replica_lag_max_secs),
        ("edit[archive]", edit.archive),
        ("edit[zone]", edit.zone),
    ];
    let typed = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let typed = typed.map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    view! {
        <section class="card stack">
            <h2>"Save this policy"</h2>
            <p class="quiet">
                "It holds from then on, as the next version. What a run by the old one has not done yet is blocked."
            </p>
            <form method="post" action=api::SetPolicy::PATH class="plan-apply">
                <input type="hidden" name="history" value=history.clone() />
                <input type="hidden" name="version" value=policy.version.to_string() />
                {typed.collect_view()}
                <div class="field">
                    <label for="confirm">"Type "<code>{history.clone()}</code>" to confirm"</label>
                    <input id="confirm" name="confirm" required autocomplete="off" spellcheck="false" pattern=history />
                </div>
                <button type="submit" class="danger">"Save as the policy"</button>
            </form>
        </section>
    }
    .into_any()
}
