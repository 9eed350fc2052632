//! Being written.

use leptos::prelude::*;

#[component]
pub(crate) fn PaymentPage() -> impl IntoView {
    view! { <h1>"PaymentPage"</h1> }
}
