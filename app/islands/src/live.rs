//! Parts of a page that follow what happens: `<div id="steps" data-live="1">` is fetched with its page each second and morphed;
//! with `data-events="/address"` also at once when that address sends an event.
//!
//! The server decides: a part that it renders without `data-live` is no longer followed. Nothing is asked while the page is hidden.

use crate::answer::{Answer, ask};
use crate::dom::all;
use crate::morph::morph;
use crate::visit::Visits;
use crate::words::{filled, word};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use std::cell::RefCell;
use std::time::Duration;
use web_sys::EventSource;

const NOT_UPDATED: &str = "Not updated since {} (this computer's time): {}.";
const LIVE: &str = "[data-live]";
const TICK: Duration = Duration::from_secs(1);
/// More seconds than any part waits.
const NOW: u32 = u32::MAX / 2;
/// An answer that takes longer is none.
const WAIT_MS_MAX: u32 = 10_000;

/// Looks for live parts each second, and keeps in `stale` why they are not current.
pub(crate) fn follow(visits: Visits, stale: RwSignal<Option<String>>) {
    let (waited, looking) = (StoredValue::new(0), StoredValue::new(false));
    let current_at = StoredValue::new(clock());
    let tick = move || {
        if document().hidden() || looking.get_value() {
            return;
        }
        let Some(every) =
            all(LIVE).iter().filter_map(|part| part.get_attribute("data-live")?.parse::<u32>().ok()).min()
        else {
            current_at.set_value(clock());
            stale.set(None);
            return;
        };
        waited.update_value(|secs| *secs += 1);
        if waited.get_value() < every {
            return;
        }
        waited.set_value(0);
        looking.set_value(true);
        spawn_local(async move {
            let why = look(visits).await;
            looking.set_value(false);
            if why.is_none() {
                current_at.set_value(clock());
            }
            stale.set(why.map(|why| filled(NOT_UPDATED, &[&current_at.get_value(), &word(why)])));
        });
    };
    let heard = Closure::<dyn Fn()>::new(move || {
        waited.set_value(NOW);
        tick();
    });
    let listening = RefCell::new(None);
    let _until_the_page_is_left = set_interval_with_handle(
        move || {
            listen(&mut listening.borrow_mut(), &heard);
            tick();
        },
        TICK,
    );
}

/// Hears the events that the page names, and no others.
fn listen(listening: &mut Option<(String, EventSource)>, heard: &Closure<dyn Fn()>) {
    let named = all("[data-events]").first().and_then(|part| part.get_attribute("data-events"));
    if listening.as_ref().map(|(address, _)| address) == named.as_ref() {
        return;
    }
    if let Some((_, source)) = listening.take() {
        source.close();
    }
    *listening = named.and_then(|address| {
        let source = EventSource::new(&address).ok()?;
        source.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        Some((address, source))
    });
}

/// Brings the live parts up to date; answers why it could not.
async fn look(visits: Visits) -> Option<&'static str> {
    let number = visits.number();
    let answer = ask(&visits.address(), None, WAIT_MS_MAX).await;
    if visits.number() != number {
        return None; // it is about another page, or an older state of this one
    }
    match answer {
        Answer::Page { page, ok: true, .. } => {
            for part in all(LIVE) {
                if let Some(now) = page.get_element_by_id(&part.id()) {
                    morph(&part, &now);
                }
            }
            None
        }
        Answer::Page { .. } => Some("payhist answers with an error"),
        Answer::Other { redirected: true, .. } => Some("the session has ended"),
        Answer::Other { .. } => Some("something between here and payhist answers with an error"),
        Answer::Silence => Some("payhist does not answer"),
    }
}

/// The time of day here.
fn clock() -> String {
    js_sys::Date::new_0().to_locale_time_string("en-GB").into()
}
