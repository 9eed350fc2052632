//! Parts of a page that follow what happens, in browsers with JavaScript (`payhist-islands`, module `live`).

use leptos::prelude::*;

/// Fetched again with its page every `secs` seconds, while the server renders it with any: `None` once nothing moves.
///
/// What must outlast the next look (a form's error, a `noscript`) stands outside. List entries that come and go have an `id`, so
/// that focus and opened details stay with them.
#[component]
pub(crate) fn Live(id: &'static str, secs: Option<u32>, children: Children) -> impl IntoView {
    view! { <div id=id class="stack" data-live=secs>{children()}</div> }
}
