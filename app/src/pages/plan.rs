//! Being written.

use leptos::prelude::*;

#[component]
pub(crate) fn PlanPage() -> impl IntoView {
    view! { <h1>"PlanPage"</h1> }
}
