//! Leptos pages, components and server functions.
//!
//! Built twice: with `ssr` into the server, with `hydrate` into the browser. Invariants: every page is complete
//! and usable without JavaScript; the URL is the page's whole state; whatever needs a database goes through a
//! server function in [`api`], which is four lines long and decides nothing.

#![expect(unreachable_pub, reason = "the component macro makes a component's props pub whatever its own visibility")]
#![expect(clippy::needless_pass_by_value, reason = "components own their props")]

pub mod api;
mod components;
mod format;
mod links;
mod pages;
mod routes;
#[cfg(feature = "ssr")]
mod shell;

pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::shell;
