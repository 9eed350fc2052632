//! The language switch: a form for each of the other languages, named in that language.

use crate::language::Language;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use strum::IntoEnumIterator;

/// Leads back to this very page. With `target` the browser loads it as a whole: its language is the document's.
#[component]
pub(crate) fn LanguageSwitch() -> impl IntoView {
    let here = use_location();
    let (path, query) = (here.pathname.get_untracked(), here.search.get_untracked());
    let next = if query.is_empty() { path } else { format!("{path}?{query}") };
    let others = Language::iter().filter(|language| *language != Language::of_frame()).map(|language| {
        view! {
            <form method="post" action="/language" target="_self">
                <input type="hidden" name="next" value=next.clone() />
                <button type="submit" class="quiet-button" name="to" value=language.code() lang=language.code()>
                    {language.name()}
                </button>
            </form>
        }
    });
    others.collect_view()
}
