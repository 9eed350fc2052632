//! The browser side: hydrates the server-rendered pages.

use leptos::prelude::document;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the hydration script once the module is loaded. Says so on the document when it is done, for tests and
/// measurements: from then on forms and links are answered in place.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(payhist_app::App);
    if let Some(root) = document().document_element() {
        let _no_marker = root.set_attribute("data-hydrated", "");
    }
}
