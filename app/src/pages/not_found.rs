//! There is no such page.

use crate::language::{Language, tr};
use leptos::prelude::*;
use leptos_meta::Title;

/// What is shown for an unknown address; the server sets 404.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(axum::http::StatusCode::NOT_FOUND);
    }
    provide_context(Language::of_frame());
    view! {
        <Title text=tr!("Not found") />
        <main class="alone">
            <h1>{tr!("There is no such page")}</h1>
            <p class="quiet">{tr!("The address may be mistyped, or the link old. Nothing was changed.")}</p>
            <p><a href="/">{tr!("Go to the overview")}</a></p>
        </main>
    }
}
