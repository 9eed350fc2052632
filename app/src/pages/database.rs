//! Being written.

use leptos::prelude::*;

#[component]
pub(crate) fn DatabasePage() -> impl IntoView {
    view! { <h1>"DatabasePage"</h1> }
}
