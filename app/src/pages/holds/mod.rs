//! Legal holds: what is kept, for which case, how to place one and how one ends.

mod place;
mod table;

use crate::api;
use crate::components::{failure_of, history_of_url, loaded};
use leptos::prelude::*;
use leptos_meta::Title;
use payhist_types::holds::HoldView;
use payhist_types::operator::Permission;
use place::PlaceForm;
use table::{EndedTable, HoldTable};

/// The page.
#[component]
pub(crate) fn HoldsPage() -> impl IntoView {
    view! {
        <Title text="Holds" />
        <div class="page-head"><h1>"Holds"</h1></div>
        {failure_of::<api::PlaceHold>()}
        {failure_of::<api::AskRelease>()}
        {failure_of::<api::ApproveRelease>()}
        {loaded(api::holds(history_of_url()), |list| {
            let may = api::may(Permission::ManageHolds);
            let (active, ended): (Vec<HoldView>, Vec<HoldView>) = list.holds.into_iter().partition(|view| view.active);
            view! {
                <p class="quiet">
                    "What is held is not dropped, by any plan, page, command or job; it may still go to quarantine, where it can be restored. Rows of a held user or order are copied to a table beside their shard before their month goes, and stay there until the hold ends; the payment pages do not show such copies. Times are in "
                    {list.zone}"."
                </p>
                <section class="card">
                    <h2>"In force"</h2>
                    <HoldTable holds=active history=list.history.clone() may />
                    {(!may).then(|| view! {
                        <p class="quiet">"Your role may look at holds; compliance or an administrator can place and release them."</p>
                    })}
                </section>
                {may.then(|| view! { <PlaceForm history=list.history.clone() /> })}
                {(!ended.is_empty()).then(|| view! {
                    <section class="card">
                        <h2>"Ended"</h2>
                        <EndedTable holds=ended />
                    </section>
                })}
            }
        })}
    }
}
