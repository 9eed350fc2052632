//! A table as most pages have it: in a region that scrolls by itself where it has no room, named for those who cannot see it.

use leptos::prelude::*;

/// The headings of a table from left to right, each with its class.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns(Vec<(String, &'static str)>);

impl Columns {
    /// Adds columns of words.
    pub(crate) fn words<T: Into<String>>(mut self, headings: impl IntoIterator<Item = T>) -> Self {
        self.0.extend(headings.into_iter().map(|heading| (heading.into(), "")));
        self
    }

    /// Adds columns of figures, whose cells have the class `number`.
    pub(crate) fn figures<T: Into<String>>(mut self, headings: impl IntoIterator<Item = T>) -> Self {
        self.0.extend(headings.into_iter().map(|heading| (heading.into(), "number")));
        self
    }
}

/// The frame of a table; its children are the rows.
#[component]
pub(crate) fn Table(
    /// What its region is called.
    #[prop(into)]
    label: String,
    /// What it shows, and in which order.
    #[prop(into)]
    caption: String,
    /// `folding` where rows become cards on a telephone, `wrapping` where its few columns have sentences.
    #[prop(optional)]
    class: &'static str,
    columns: Columns,
    children: Children,
) -> impl IntoView {
    let headings = columns.0.into_iter().map(|(heading, class)| view! { <th scope="col" class=class>{heading}</th> });
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=label>
            <table class=class>
                <caption class="visually-hidden">{caption}</caption>
                <thead><tr>{headings.collect_view()}</tr></thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}
