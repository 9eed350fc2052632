//! The stop switches, with what each allows. Allowing drops asks for the history's name.

use super::Due;
use crate::components::{Badge, Icon, IconName, Tone};
use crate::{api, format};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::history::Switch;
use payhist_types::partition::PartitionMap;

/// Create and drop; those who may not turn them see how they stand.
#[component]
pub(super) fn SwitchPanel(map: PartitionMap, due: Due, may: bool) -> impl IntoView {
    let ahead = map.premake_months.map_or_else(
        || "The policy asks for no months ahead, so payhist adds none by itself.".to_owned(),
        |months| {
            format!("Keeps {months} months made ahead on every shard. Without it inserts fail once the runway ends.")
        },
    );
    let waiting = match due.drops_waiting {
        0 => "No drop waits for this switch alone.".to_owned(),
        1 => format!(
            "One drop waits for it: ≈ {} rows, {}.",
            format::count(due.drops_rows),
            format::bytes(due.drops_bytes)
        ),
        many => {
            format!(
                "{many} drops wait for it: ≈ {} rows, {}.",
                format::count(due.drops_rows),
                format::bytes(due.drops_bytes)
            )
        }
    };
    let expires = format!(
        "Lets the job expire, and whoever applies a plan, take months out into quarantine as the policy says, and drop those past retention with all their rows. A quarantined month can be restored; a dropped one cannot. {waiting}"
    );
    view! {
        <section class="card switches">
            <h2>"Switches"</h2>
            <div class="grid-2">
                <SwitchCard history=map.history.clone() switch=Switch::Create on=map.switches.create words=ahead may />
                <SwitchCard history=map.history switch=Switch::Drop on=map.switches.drop words=expires may />
            </div>
            {(!may).then(|| view! { <p class="quiet">"Your role may look at switches, not turn them: a DBA or an administrator can."</p> })}
        </section>
    }
}

#[component]
fn SwitchCard(history: String, switch: Switch, on: bool, words: String, may: bool) -> impl IntoView {
    let title = match switch {
        Switch::Create => "Add months",
        Switch::Drop => "Drop expired months",
        Switch::Erase => "Erase personal data",
    };
    let (tone, state, icon) = match (on, switch) {
        (true, Switch::Create) => (Tone::Good, "on", IconName::Check),
        (true, _) => (Tone::Warning, "on", IconName::Warning),
        (false, _) => (Tone::Neutral, "off", IconName::Blocked),
    };
    view! {
        <section class="switch">
            <h3>{title}<Badge tone text=state icon /></h3>
            <p>{words}</p>
            {may.then(|| view! { <SwitchForm history switch on /> })}
        </section>
    }
}

#[component]
fn SwitchForm(history: String, switch: Switch, on: bool) -> impl IntoView {
    let allows_destruction = !on && switch != Switch::Create;
    let confirm = allows_destruction.then(|| {
        let id = format!("confirm-{switch}");
        view! {
            <div class="field">
                <label for=id.clone()>"Type "<code>{history.clone()}</code>" to allow it"</label>
                <input id=id name="confirm" required autocomplete="off" spellcheck="false" pattern=history.clone() />
            </div>
        }
    });
    let class = if allows_destruction { "danger" } else { "button" };
    let (icon, verb) = if on { (IconName::Pause, "off") } else { (IconName::Play, "on") };
    view! {
        <form method="post" action=api::TurnSwitch::PATH class="inline-form">
            <input type="hidden" name="history" value=history.clone() />
            <input type="hidden" name="switch" value=switch.to_string() />
            <input type="hidden" name="on" value=(!on).to_string() />
            {confirm}
            <button type="submit" class=class><Icon name=icon />{format!("Turn {switch} {verb}")}</button>
        </form>
    }
}
