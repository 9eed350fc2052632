//! The payment's timeline, newest first.

use crate::components::{Time, status_word};
use crate::language::tr;
use leptos::prelude::*;
use payhist_types::timeline::{PaymentEvent, TimelineEntry};

pub(super) fn timeline(entries: Vec<TimelineEntry>) -> impl IntoView {
    let line = |TimelineEntry { at, event, by }: TimelineEntry| {
        let by = by.map(|by| view! { <span class="quiet">{tr!(" by {}", by)}</span> });
        view! { <li><Time at /><span>{words(&event)}{by}</span></li> }
    };
    view! { <ol class="timeline">{entries.into_iter().map(line).collect_view()}</ol> }
}

fn words(event: &PaymentEvent) -> String {
    match event {
        PaymentEvent::Created => tr!("event" => "Created"),
        PaymentEvent::Changed { status, version: None } => tr!("Last change: {}", status_word(*status)),
        PaymentEvent::Changed { status, version: Some(version) } => {
            tr!("Last change, to version {}: {}", version, status_word(*status))
        }
        PaymentEvent::Revealed { reason } => tr!("Personal data shown in clear: {}", reason),
        PaymentEvent::Held { hold, case_number } => tr!("Hold {} placed, case {}", hold, case_number),
        PaymentEvent::HoldEnds { hold } => tr!("Hold {} ends", hold),
        PaymentEvent::RestoredEnds => tr!("The restored month is no longer left alone"),
        PaymentEvent::Archived { target } => tr!("The month was archived to {}", target),
        PaymentEvent::Expires => tr!("The month's retention ends"),
    }
}
