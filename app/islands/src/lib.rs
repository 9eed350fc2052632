//! All that runs in the browser. Pages are rendered by the server alone.
//!
//! Built twice: with `ssr` into the server, with `hydrate` into the browser. Invariants: nothing here knows a page, a view or
//! a type of the product, so that the client does not grow with them; whatever is done here is done without it as well, only
//! slower; the behaviours listen at the window, so that HTML which is swapped in later has them too.

#![expect(unreachable_pub, reason = "the island macro makes an island's props pub whatever its own visibility")]

#[cfg(feature = "hydrate")]
mod answer;
#[cfg(feature = "hydrate")]
mod copy;
#[cfg(feature = "hydrate")]
mod dom;
mod keyboard;
#[cfg(feature = "hydrate")]
mod live;
#[cfg(feature = "hydrate")]
mod morph;
mod page;
mod theme;
#[cfg(feature = "hydrate")]
mod visit;
mod words;

pub use keyboard::Keyboard;
pub use page::Page;
pub use theme::ThemeSwitch;
pub use words::WORDS;
