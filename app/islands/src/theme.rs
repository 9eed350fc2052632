//! The theme switch: automatic, dark, light. A cookie keeps the choice, so that the server paints it at once.

use leptos::prelude::*;

/// Turns to the next theme; its children name it until it is ready. Needs JavaScript; without it the system's preference holds.
#[island]
pub fn ThemeSwitch(children: Children) -> impl IntoView {
    let label = RwSignal::new(None::<String>);
    #[cfg(feature = "hydrate")]
    Effect::new(move || label.set(Some(crate::words::word("Change theme"))));
    let turn = move |_| {
        #[cfg(feature = "hydrate")]
        label.set(browser::turn().map(|theme| crate::words::word(&format!("Theme: {theme}"))));
    };
    view! {
        <button type="button" class="quiet-button needs-js theme" title=move || label.get() aria-label=move || label.get() on:click=turn>{children()}</button>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::prelude::document;
    use leptos::wasm_bindgen::JsCast;
    use web_sys::HtmlDocument;

    const ONE_YEAR_SECS: u32 = 365 * 24 * 60 * 60;

    /// Shows and keeps the next theme; answers its name, or nothing when the page does not allow it.
    pub(super) fn turn() -> Option<&'static str> {
        let root = document().document_element()?;
        let next = match root.get_attribute("data-theme").as_deref() {
            Some("dark") => "light",
            Some("light") => "auto",
            _ => "dark",
        };
        root.set_attribute("data-theme", next).ok()?;
        let cookie = format!("theme={next}; Path=/; Max-Age={ONE_YEAR_SECS}; SameSite=Lax");
        document().dyn_into::<HtmlDocument>().ok()?.set_cookie(&cookie).ok()?;
        Some(next)
    }
}
