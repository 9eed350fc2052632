//! Being written.

use leptos::prelude::*;

#[component]
pub(crate) fn PartitionsPage() -> impl IntoView {
    view! { <h1>"PartitionsPage"</h1> }
}
