//! What the islands say themselves.
//!
//! Invariant: a text is one of [`WORDS`]. A page in another language brings them with it, `<span data-word="Reload">…</span>`.

/// All of it, in English; `{}` is filled in.
pub const WORDS: [&str; 13] = [
    "Change theme",
    "Theme: auto",
    "Theme: dark",
    "Theme: light",
    "Copied {}",
    "Reload",
    "Not updated since {} (this computer's time): {}.",
    "payhist answers with an error",
    "the session has ended",
    "something between here and payhist answers with an error",
    "payhist does not answer",
    "payhist answers with status {}",
    "{}. Whether the change was made is not known: reload the page to see how things stand, before you try again.",
];

/// A text in the page's language.
pub(crate) fn word(english: &str) -> String {
    debug_assert!(WORDS.contains(&english), "{english}");
    #[cfg(feature = "hydrate")]
    if let Some(translated) = translation_of(english) {
        return translated;
    }
    english.to_owned()
}

#[cfg(feature = "hydrate")]
fn translation_of(english: &str) -> Option<String> {
    let is_it = |entry: &web_sys::HtmlElement| entry.get_attribute("data-word").as_deref() == Some(english);
    crate::dom::all("[data-word]").into_iter().find(is_it)?.text_content()
}

/// A text in the page's language, its places filled in from left to right.
#[cfg(feature = "hydrate")]
pub(crate) fn filled(english: &str, values: &[&str]) -> String {
    values.iter().fold(word(english), |text, value| text.replacen("{}", value, 1))
}
