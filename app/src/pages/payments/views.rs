//! Lists that were given a name: links that lead to them, and the form that keeps this one.

use super::query::ListState;
use crate::api;
use crate::components::{Icon, IconName};
use crate::language::tr;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use payhist_types::view::SavedView;

/// One's own views and the shared ones. `state` is the list that is shown.
pub(super) fn views(saved: Vec<SavedView>, state: &ListState) -> impl IntoView + use<> {
    let address = state.with(|query| query.cursor.clear()).address();
    let here = address.split_once('?').map(|(_, asked)| asked.to_owned());
    let is_saved = saved.iter().any(|view| Some(&view.address) == here.as_ref());
    let links = saved.into_iter().map(|view| link(view, here.as_deref())).collect_view();
    let form = here.filter(|_| !is_saved).map(|here| view! { <SaveForm address=here /> });
    view! { <div class="saved-views"><ul aria-label=tr!("Saved views")>{links}</ul>{form}</div> }
}

fn link(saved: SavedView, here: Option<&str>) -> impl IntoView + use<> {
    let SavedView { id, name, owner, shared, address } = saved;
    let current = (here == Some(address.as_str())).then_some("true");
    let is_mine = api::is_me(&owner);
    let shared_by = match (shared, is_mine) {
        (true, true) => Some(tr!("shared")),
        (true, false) => Some(owner.strip_prefix("operator ").unwrap_or(&owner).to_owned()),
        (false, _) => None,
    };
    let forget = is_mine.then(|| {
        view! {
            <form method="post" action=api::ForgetView::PATH>
                <input type="hidden" name="id" value=id.to_string() />
                <button type="submit" class="quiet-button" title=tr!("Forget this view") aria-label=tr!("Forget the view {}", name)>
                    <Icon name=IconName::Drop />
                </button>
            </form>
        }
    });
    view! {
        <li>
            <a href=format!("/payments?{address}") aria-current=current>{name}</a>
            {shared_by.map(|who| view! { <span class="quiet">{who}</span> })}
            {forget}
        </li>
    }
}

#[component]
fn SaveForm(address: String) -> impl IntoView {
    view! {
        <details class="save-view">
            <summary>{tr!("Save this view")}</summary>
            <form method="post" action=api::SaveView::PATH class="inline-form">
                <input type="hidden" name="address" value=address />
                <label class="visually-hidden" for="view-name">{tr!("Name of the view")}</label>
                <input id="view-name" name="name" required maxlength="60" placeholder=tr!("Name") autocomplete="off" />
                <label class="check"><input type="checkbox" name="shared" value="true" />{tr!("for everybody")}</label>
                <button type="submit">{tr!("Save")}</button>
            </form>
        </details>
    }
}
