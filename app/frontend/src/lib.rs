//! The browser side: hydrates the islands of the server-rendered pages.

use leptos::prelude::{document, set_timeout};
use payhist_islands as _; // linked for the islands that it exports
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the hydration script, which then hydrates the islands one after the other. Says so on the document when that
/// is done, for tests and measurements: from then on forms and links are answered in place.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
    set_timeout(mark, Duration::ZERO);
}

fn mark() {
    if let Some(root) = document().document_element() {
        let _no_marker = root.set_attribute("data-hydrated", "");
    }
}
