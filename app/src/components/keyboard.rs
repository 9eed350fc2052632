//! Shortcuts, and the dialog that lists them.
//!
//! Invariant: whatever a key does, a link or a field on the page does too; keys typed into a field are text.

use leptos::html::Dialog;
use leptos::prelude::*;

const SHORTCUTS: [(&[&str], &str); 9] = [
    (&["/"], "Search"),
    (&["j"], "Next row"),
    (&["k"], "Previous row"),
    (&["Enter"], "Open the row"),
    (&["g", "p"], "Payments"),
    (&["g", "r"], "Partitions"),
    (&["g", "d"], "Database"),
    (&["g", "j"], "Jobs"),
    (&["?"], "This help"),
];

/// Listens for shortcuts while the frame is shown. Without JavaScript nothing of it is seen.
#[component]
pub(crate) fn Keyboard() -> impl IntoView {
    let help = NodeRef::<Dialog>::new();
    #[cfg(feature = "hydrate")]
    browser::listen(help);
    let rows = SHORTCUTS
        .map(|(keys, what)| {
            let keys = keys.iter().map(|key| view! { <kbd>{*key}</kbd>" " }).collect_view();
            view! { <div><dt>{keys}</dt><dd>{what}</dd></div> }
        })
        .into_iter()
        .collect_view();
    view! {
        <dialog node_ref=help aria-labelledby="shortcuts">
            <h2 id="shortcuts">"Keyboard"</h2>
            <dl class="facts">{rows}</dl>
            <form method="dialog"><button type="submit" class="primary">"Close"</button></form>
        </dialog>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::components::history_of_url;
    use crate::links;
    use leptos::ev::keydown;
    use leptos::html::Dialog;
    use leptos::prelude::*;
    use leptos::wasm_bindgen::JsCast;
    use leptos_router::NavigateOptions;
    use leptos_router::hooks::use_navigate;
    use web_sys::{Element, HtmlElement, KeyboardEvent, Node};

    pub(super) fn listen(help: NodeRef<Dialog>) {
        let navigate = use_navigate();
        let history = history_of_url();
        let after_g = StoredValue::new(false);
        let listener = window_event_listener(keydown, move |event| {
            if event.ctrl_key() || event.meta_key() || event.alt_key() || is_typing(&event) {
                return;
            }
            let key = event.key();
            let leads = after_g.get_value();
            after_g.set_value(key == "g");
            let page = match (leads, key.as_str()) {
                (true, "p") => Some("/payments"),
                (true, "r") => Some("/partitions"),
                (true, "d") => Some("/database"),
                (true, "j") => Some("/jobs"),
                _ => None,
            };
            let done = match (page, key.as_str()) {
                (Some(page), _) => {
                    navigate(&links::with_history(page, &history.get_untracked()), NavigateOptions::default());
                    true
                }
                (None, "/") => focus("#search"),
                (None, "?") => help.get_untracked().is_some_and(|help| help.open() || help.show_modal().is_ok()),
                (None, "j") => step(1),
                (None, "k") => step(-1),
                _ => false,
            };
            if done {
                event.prevent_default();
            }
        });
        on_cleanup(move || listener.remove());
    }

    fn is_typing(event: &KeyboardEvent) -> bool {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        target.is_some_and(|element| element.matches("input:not([type=checkbox]), textarea, select").unwrap_or(false))
    }

    fn focus(selector: &str) -> bool {
        let found = document()
            .query_selector(selector)
            .ok()
            .flatten()
            .and_then(|element| element.dyn_into::<HtmlElement>().ok());
        found.is_some_and(|element| element.focus().is_ok())
    }

    /// Moves the focus to the next or the previous row's link; from elsewhere to the first.
    fn step(by: i64) -> bool {
        let Ok(rows) = document().query_selector_all(".row-link") else { return false };
        let active = document().active_element().map(Node::from);
        let here = (0..rows.length()).find(|place| rows.item(*place) == active);
        let next = here.map_or(0, |place| (i64::from(place) + by).clamp(0, i64::from(rows.length()) - 1));
        let row = u32::try_from(next)
            .ok()
            .and_then(|next| rows.item(next))
            .and_then(|row| row.dyn_into::<HtmlElement>().ok());
        row.is_some_and(|row| row.focus().is_ok())
    }
}
