//! Being written.

use leptos::prelude::*;

#[component]
pub(crate) fn PaymentsPage() -> impl IntoView {
    view! { <h1>"PaymentsPage"</h1> }
}
