//! What the islands say, in the language of the frame.

use crate::language::{Language, tr};
use leptos::prelude::*;

/// The islands themselves know English.
#[component]
pub(crate) fn BrowserWords() -> impl IntoView {
    let word = |english| view! { <span data-word=english>{tr!(english)}</span> };
    (Language::current() != Language::English)
        .then(|| view! { <div hidden>{payhist_islands::WORDS.map(word).collect_view()}</div> })
}
