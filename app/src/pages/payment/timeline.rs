//! The payment's timeline, newest first.

use crate::components::Time;
use leptos::prelude::*;
use payhist_types::timeline::TimelineEntry;

pub(super) fn timeline(entries: Vec<TimelineEntry>) -> impl IntoView {
    let line = |TimelineEntry { at, event, by }: TimelineEntry| {
        let by = by.map(|by| view! { <span class="quiet">{format!(" by {by}")}</span> });
        view! { <li><Time at /><span>{event.to_string()}{by}</span></li> }
    };
    view! { <ol class="timeline">{entries.into_iter().map(line).collect_view()}</ol> }
}
