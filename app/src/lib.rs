//! Leptos pages, components and server functions.
//!
//! Rendered by the server alone; what runs in the browser is in `payhist-islands` and knows no page. Invariants: every page
//! is complete and usable without JavaScript; the URL is the page's whole state; whatever needs a database goes through
//! a server function in `api`, which is four lines long and decides nothing. So a page is a plain component: it awaits
//! its answer with `components::loaded`, and what must follow what happens stands in a `components::Live`.

#![expect(unreachable_pub, reason = "the component macro makes a component's props pub whatever its own visibility")]
#![expect(clippy::needless_pass_by_value, reason = "components own their props")]

mod api;
mod components;
mod format;
mod language;
mod links;
mod pages;
mod routes;
mod shell;

pub use language::{LANGUAGE_COOKIE, Language};
pub use pages::TokenMade;
pub use routes::App;
pub use shell::shell;
