//! The form of a policy. It is sent by GET and leads to the simulation, where the policy can be saved.

use crate::components::{Icon, IconName};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use payhist_types::policy::Blockers;
use payhist_types::policy_edit::PolicyEdit;

/// What the address says of a policy: what it does not name stays as it is.
pub(crate) fn edit_of_url() -> PolicyEdit {
    let query = use_query_map().read_untracked();
    let typed = |field: &str| query.get(field);
    PolicyEdit {
        premake_months: typed("premake_months"),
        retention: typed("retention"),
        quarantine_days: typed("quarantine_days"),
        windows: typed("windows"),
        max_drop_bytes_outside_windows: typed("max_drop_bytes_outside_windows"),
        blockers: typed("blockers"),
        replica_lag_max_secs: typed("replica_lag_max_secs"),
        archive: typed("archive"),
        zone: typed("zone"),
    }
}

/// The form, filled with that.
#[component]
pub(crate) fn PolicyForm(history: String, edit: PolicyEdit) -> impl IntoView {
    let kills = edit.blockers == Some(Blockers::Kill.to_string());
    let windows = edit.windows.unwrap_or_default();
    view! {
        <form method="get" action="/partitions/simulate" class="stack">
            <input type="hidden" name="history" value=history />
            <div class="filters">
                {field("premake_months", "Months made ahead", "none", edit.premake_months)}
                {field("retention", "Kept: months or years", "for ever", edit.retention)}
                {field("quarantine_days", "Days in quarantine", "none", edit.quarantine_days)}
                {field("archive", "Archive before the drop", "none", edit.archive)}
                {field("zone", "Business zone", "Europe/London", edit.zone)}
            </div>
            <div class="filters">
                <div class="field">
                    <label for="policy-windows">"Maintenance windows, one a line"</label>
                    <textarea id="policy-windows" name="windows" rows="3" placeholder="Sat,Sun 01:00-05:00" spellcheck="false">
                        {windows}
                    </textarea>
                </div>
                {field(
                    "max_drop_bytes_outside_windows",
                    "Bytes dropped outside of windows, at most",
                    "none",
                    edit.max_drop_bytes_outside_windows,
                )}
                {field("replica_lag_max_secs", "Seconds a replica may be behind", "10", edit.replica_lag_max_secs)}
                <div class="field">
                    <label for="policy-blockers">"Transactions in the way of a lock"</label>
                    <select id="policy-blockers" name="blockers">
                        <option value="wait" selected=!kills>"wait, then give up"</option>
                        <option value="kill" selected=kills>"wait, then kill them"</option>
                    </select>
                </div>
            </div>
            <p class="quiet">"Months are dropped at any time when no window is given. An empty field means none."</p>
            <div><button type="submit" class="primary"><Icon name=IconName::Play />"Simulate 24 months"</button></div>
        </form>
    }
}

fn field(name: &'static str, label: &'static str, hint: &'static str, typed: Option<String>) -> impl IntoView + use<> {
    let id = format!("policy-{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input id=id name=name value=typed placeholder=hint autocomplete="off" spellcheck="false" />
        </div>
    }
}
