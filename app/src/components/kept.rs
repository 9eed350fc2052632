//! Parts of pages that are the same for everybody in one language: rendered once, and sent as they are from then on.
//!
//! Invariant: what is kept depends on nothing but the language, not on who looks, what is asked or what time it is.

use crate::language::Language;
use leptos::prelude::*;
use leptos::tachys::html::InertElement;
use std::sync::OnceLock;
use strum::EnumCount;

/// One part; a `static`.
pub(crate) struct Kept([OnceLock<String>; Language::COUNT]);

impl Kept {
    pub(crate) const fn new() -> Self {
        Self([const { OnceLock::new() }; Language::COUNT])
    }

    /// The part, made by `view` when it is shown for the first time. It must be one element.
    pub(crate) fn show<V: IntoView>(&'static self, view: impl FnOnce() -> V) -> InertElement {
        let html = self.0[Language::current() as usize].get_or_init(|| view().into_view().to_html());
        InertElement::new(html.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::tr;

    #[test]
    fn a_part_is_made_once_in_each_language() {
        static PART: Kept = Kept::new();
        let owner = Owner::new();
        let shown =
            |made: &str| owner.with(|| PART.show(|| view! { <p>{tr!("Payments")}{made.to_owned()}</p> }).to_html());
        let english = shown("1");
        assert!(english.contains("Payments") && english.contains('1'), "{english}");
        assert_eq!(shown("2"), english);
        owner.with(|| provide_context(Language::Korean));
        assert!(shown("3").contains('3'));
    }
}
