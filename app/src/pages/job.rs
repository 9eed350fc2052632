//! Being written.

use leptos::prelude::*;

#[component]
pub(crate) fn JobPage() -> impl IntoView {
    view! { <h1>"JobPage"</h1> }
}
