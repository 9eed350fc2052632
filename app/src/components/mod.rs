//! What pages are made of. Semantic HTML first; state is never colour alone; nothing needs JavaScript to be read.

mod frame;
mod icon;
mod keyboard;
mod payment;
mod status;
mod text;
mod theme;

pub(crate) use frame::Frame;
pub(crate) use icon::{Icon, IconName};
use keyboard::Keyboard;
pub(crate) use payment::{PaymentTable, StatusBadge, status_word};
pub(crate) use status::{Badge, ErrorView, Notice, Tone, loaded};
pub(crate) use text::{Amount, Copy, Time};
use theme::ThemeSwitch;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// Which history the URL asks for; empty means the default one. Tracked.
pub(crate) fn history_of_url() -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.read().get("history").unwrap_or_default())
}
