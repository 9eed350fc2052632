//! Buttons that copy what their `data-copy` says.

use crate::words::filled;
use leptos::ev::click;
use leptos::prelude::{window, window_event_listener};
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

pub(crate) fn listen() {
    window_event_listener(click, |event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let button = target.and_then(|target| target.closest("[data-copy]").ok().flatten());
        let Some((button, value)) =
            button.and_then(|button| Some((button.clone(), button.get_attribute("data-copy")?)))
        else {
            return;
        };
        let _promise = window().navigator().clipboard().write_text(&value);
        let _label = button.set_attribute("aria-label", &filled("Copied {}", &[&value]));
    });
}
