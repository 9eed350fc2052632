//! Being written.

use leptos::prelude::*;

#[component]
pub(crate) fn RunPage() -> impl IntoView {
    view! { <h1>"RunPage"</h1> }
}
