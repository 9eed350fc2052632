//! Elements of pages.

use leptos::prelude::document;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Document, HtmlElement};

/// The element that holds a page's content; pages without the frame have none.
pub(crate) fn content(page: &Document) -> Option<HtmlElement> {
    page.get_element_by_id("content")?.dyn_into().ok()
}

/// The elements of this page that match, in their order.
pub(crate) fn all(selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = document().query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|place| found.item(place)?.dyn_into().ok()).collect()
}
