//! Being written.

use leptos::prelude::*;

#[component]
pub(crate) fn JobsPage() -> impl IntoView {
    view! { <h1>"JobsPage"</h1> }
}
