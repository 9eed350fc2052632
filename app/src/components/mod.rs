//! What pages are made of. Semantic HTML first; state is never colour alone; nothing needs JavaScript to be read.

mod browser_words;
mod chart;
mod frame;
mod icon;
mod kept;
mod language_switch;
mod live;
mod payment;
mod payment_rows;
mod status;
mod table;
mod text;

pub(crate) use browser_words::BrowserWords;
pub(crate) use chart::{Bar, BarChart, Known};
pub(crate) use frame::Frame;
pub(crate) use icon::{Icon, IconName};
pub(crate) use kept::Kept;
pub(crate) use language_switch::LanguageSwitch;
pub(crate) use live::Live;
pub(crate) use payment::{PaymentColumn, PaymentTable, StatusBadge, status_word};
pub(crate) use status::{Badge, ErrorView, Notice, Tone, failure_of, loaded};
pub(crate) use table::{Columns, Table};
pub(crate) use text::{Amount, Copy, Time};

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

/// Which history the URL asks for; empty means the default one.
pub(crate) fn history_of_url() -> String {
    use_query_map().read_untracked().get("history").unwrap_or_default()
}

/// The part of the path that the route calls `name`.
pub(crate) fn part_of_path(name: &str) -> String {
    use_params_map().read_untracked().get(name).unwrap_or_default()
}
