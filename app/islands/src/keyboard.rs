//! Shortcuts, and the dialog that lists them.
//!
//! Invariant: a key does what something on the page does: `data-keys="g p"` on a link follows it, `data-keys="/"` on a field
//! leads there. Keys typed into a field are text.

use leptos::html::Dialog;
use leptos::prelude::*;

/// The dialog, opened by `?`; its content lists the shortcuts. Without JavaScript nothing of it is seen.
#[island]
pub fn Keyboard(children: Children) -> impl IntoView {
    let help = NodeRef::<Dialog>::new();
    #[cfg(feature = "hydrate")]
    browser::listen(help);
    view! { <dialog node_ref=help aria-labelledby="shortcuts">{children()}</dialog> }
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::dom::all;
    use leptos::ev::keydown;
    use leptos::html::Dialog;
    use leptos::prelude::*;
    use leptos::wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlAnchorElement, HtmlElement, KeyboardEvent};

    pub(super) fn listen(help: NodeRef<Dialog>) {
        let after_g = StoredValue::new(false);
        window_event_listener(keydown, move |event| {
            if event.ctrl_key() || event.meta_key() || event.alt_key() || is_typing(&event) {
                return;
            }
            let key = event.key();
            let leads = after_g.get_value();
            after_g.set_value(key == "g");
            let done = match (leads, key.as_str()) {
                (false, "?") => help.get_untracked().is_some_and(|help| help.open() || help.show_modal().is_ok()),
                (false, "j") => step(1),
                (false, "k") => step(-1),
                (false, _) => follow(&key),
                (true, _) => follow(&format!("g {key}")),
            };
            if done {
                event.prevent_default();
            }
        });
    }

    fn is_typing(event: &KeyboardEvent) -> bool {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        target.is_some_and(|element| element.matches("input:not([type=checkbox]), textarea, select").unwrap_or(false))
    }

    /// Follows the link, or leads to the field, that has these keys.
    fn follow(keys: &str) -> bool {
        let has_keys = |element: &HtmlElement| element.get_attribute("data-keys").as_deref() == Some(keys);
        match all("[data-keys]").into_iter().find(has_keys) {
            Some(link) if link.is_instance_of::<HtmlAnchorElement>() => link.click(),
            Some(field) => return field.focus().is_ok(),
            None => return false,
        }
        true
    }

    /// Moves the focus to the next or the previous row's link; from elsewhere to the first.
    fn step(by: isize) -> bool {
        let rows = all(".row-link");
        let active = document().active_element();
        let here = rows.iter().position(|row| Some(AsRef::<Element>::as_ref(row)) == active.as_ref());
        let next = here.map_or(0, |place| place.saturating_add_signed(by).min(rows.len() - 1));
        rows.get(next).is_some_and(|row| row.focus().is_ok())
    }
}
