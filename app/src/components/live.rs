//! Parts of a page that follow what happens, in browsers with JavaScript (`payhist-islands`, module `live`).

use leptos::prelude::*;

/// Fetched again with its page every `secs` seconds, while the server renders it with any: `None` once nothing moves.
///
/// With `events` the address of Server-Sent Events: each makes it ask at once, and `secs` is for when they do not come.
///
/// What must outlast the next look (a form's error, a `noscript`) stands outside. List entries that come and go have an `id`, so
/// that focus and opened details stay with them.
#[component]
pub(crate) fn Live(
    id: &'static str,
    secs: Option<u32>,
    #[prop(optional_no_strip)] events: Option<String>,
    children: Children,
) -> impl IntoView {
    view! { <div id=id class="stack" data-live=secs data-events=events>{children()}</div> }
}
