//! Being written.

use leptos::prelude::*;

#[component]
pub(crate) fn DeadlockPage() -> impl IntoView {
    view! { <h1>"DeadlockPage"</h1> }
}
