//! Links and forms answered in place: the page is fetched, its content swapped in, the address and the title follow.
//!
//! Invariants: what cannot be answered in place becomes a plain load; a form that changes something is never sent twice. A page
//! at another path is replaced, the same one is morphed, so that focus, scroll position and opened details stay.

use crate::answer::{Answer, ask};
use crate::dom::{all, content};
use crate::morph::morph;
use crate::words::{filled, word};
use leptos::ev::{click, popstate, submit};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Document, Element, FormData, HtmlAnchorElement, HtmlFormElement, MouseEvent, SubmitEvent, Url, UrlSearchParams,
};

const NOT_KNOWN: &str =
    "{}. Whether the change was made is not known: reload the page to see how things stand, before you try again.";
/// A little more than the server takes at most.
const WAIT_MS_MAX: u32 = 35_000;
/// How a server function tells its error to a page that was posted to: part of the answer, not of the page's address.
const OF_ERRORS: [&str; 2] = ["__err", "__path"];

/// Where a visit comes from.
enum Origin {
    Link,
    Form(UrlSearchParams),
    /// Back or forward, to where it was scrolled.
    History(f64),
}

/// The visits of this page, one at a time: the latest counts.
#[derive(Clone, Copy)]
pub(crate) struct Visits {
    number: StoredValue<u32>,
    /// The address of what is shown, without its fragment.
    shown: StoredValue<String>,
    sending: StoredValue<bool>,
    unanswered: RwSignal<Option<String>>,
}

impl Visits {
    /// Takes over links, forms, back and forward.
    pub(crate) fn listen(unanswered: RwSignal<Option<String>>) -> Self {
        let (number, sending) = (StoredValue::new(0), StoredValue::new(false));
        let visits = Self { number, shown: StoredValue::new(String::new()), sending, unanswered };
        if let Some(url) = here() {
            tidy(&url);
            visits.settle(&url, false);
        }
        window_event_listener(click, move |event| {
            if let Some(address) = address_of_link(&event) {
                event.prevent_default();
                visits.start(address, Origin::Link);
            }
        });
        window_event_listener(submit, move |event| visits.submit(&event));
        window_event_listener(popstate, move |event| {
            let address = here().map(|url| without_fragment(&url)).unwrap_or_default();
            // A step within the page is the browser's own affair.
            if content(&document()).is_some() && address != visits.shown.get_value() {
                visits.start(address, Origin::History(event.state().as_f64().unwrap_or_default()));
            }
        });
        visits
    }

    /// The address of what is shown.
    pub(crate) fn address(self) -> String {
        self.shown.get_value()
    }

    /// Changes whenever a visit begins or ends.
    pub(crate) fn number(self) -> u32 {
        self.number.get_value()
    }

    fn submit(self, event: &SubmitEvent) {
        let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
        let sent = form
            .filter(|_| !event.default_prevented() && content(&document()).is_some())
            .and_then(|form| Sent::of(&form, event));
        let Some(Sent { posts, action, fields }) = sent else { return };
        event.prevent_default();
        if !posts {
            action.set_search(&String::from(fields.to_string()));
            self.start(action.href(), Origin::Link);
        } else if !self.sending.get_value() {
            self.sending.set_value(true);
            self.start(action.href(), Origin::Form(fields));
        }
    }

    fn start(self, address: String, origin: Origin) {
        spawn_local(async move {
            self.number.update_value(|number| *number += 1);
            let number = self.number();
            set_busy(true);
            let form = if let Origin::Form(fields) = &origin { Some(fields) } else { None };
            let answer = ask(&address, form, WAIT_MS_MAX).await;
            if form.is_some() {
                self.sending.set_value(false);
            }
            if self.number() == number {
                self.number.update_value(|number| *number += 1);
                set_busy(false);
                self.unanswered.set(None);
                self.finish(&address, &origin, answer);
            }
        });
    }

    fn finish(self, asked: &str, origin: &Origin, answer: Answer) {
        let why = match (answer, origin) {
            (Answer::Page { address, page, .. }, _) => {
                return self.show(&page, &address, &fragment(asked), origin).unwrap_or_else(|| load(&address));
            }
            (Answer::Other { address, redirected: true, .. }, _) => return load(&address),
            (Answer::Other { .. } | Answer::Silence, Origin::Link | Origin::History(_)) => return load(asked),
            (Answer::Other { status, .. }, Origin::Form(_)) => {
                filled("payhist answers with status {}", &[&status.to_string()])
            }
            (Answer::Silence, Origin::Form(_)) => word("payhist does not answer"),
        };
        self.unanswered.set(Some(filled(NOT_KNOWN, &[&why])));
    }

    /// Swaps a page in. `None` when this page or that one is not as expected, or of another release.
    fn show(self, page: &Document, address: &str, fragment: &str, origin: &Origin) -> Option<()> {
        if assets(page) != assets(&document()) {
            return None;
        }
        let (from, to) = (Url::new(&self.address()).ok()?, Url::new(address).ok()?);
        to.set_hash(fragment); // an answer does not know it
        let failed = tidy(&to);
        let (old, new) = (content(&document())?, content(page)?);
        let stays = from.pathname() == to.pathname();
        let moves = match origin {
            Origin::Link => from.href() != to.href(),
            Origin::Form(_) => !stays,
            Origin::History(_) => false,
        };
        self.settle(&to, moves);
        document().set_title(&page.title());
        for part in [".rail", ".topbar"] {
            let (old, new) = (document().query_selector(part).ok()??, page.query_selector(part).ok()??);
            morph(&old, &new);
        }
        if stays {
            morph(&old, &new);
        } else {
            old.replace_with_with_node_1(&new).ok()?;
        }
        if !failed {
            reset_forms();
        }
        look_at(origin, stays, failed);
        Some(())
    }

    /// Makes `url` the address, in a new entry of the history or in the present one.
    fn settle(self, url: &Url, is_new: bool) {
        self.shown.set_value(without_fragment(url));
        let Ok(history) = window().history() else { return };
        // Browsers refuse only what comes too often; the address bar then lags behind.
        let _entered = if is_new {
            let scrolled = JsValue::from(window().scroll_y().unwrap_or_default());
            let _left = history.replace_state(&scrolled, "");
            history.push_state_with_url(&JsValue::NULL, "", Some(&url.href()))
        } else {
            let state = history.state().unwrap_or_default();
            history.replace_state_with_url(&state, "", Some(&url.href()))
        };
    }
}

/// Focus and scroll position of a page that was swapped in.
fn look_at(origin: &Origin, stays: bool, failed: bool) {
    let (page, window) = (document(), window());
    if page.active_element().is_none_or(|active| active.tag_name() == "BODY") {
        let _focused = content(&page).map(|content| content.focus());
    }
    let target = here().and_then(|url| page.get_element_by_id(url.hash().trim_start_matches('#')));
    match (origin, target) {
        (Origin::Form(_), _) if failed => {
            if let Ok(Some(alert)) = page.query_selector("main [role=alert]") {
                alert.scroll_into_view();
            }
        }
        (Origin::Form(_), _) if stays => {}
        (Origin::History(y), _) => window.scroll_to_with_x_and_y(0.0, *y),
        (_, Some(target)) => target.scroll_into_view(),
        _ => window.scroll_to_with_x_and_y(0.0, 0.0),
    }
}

fn here() -> Option<Url> {
    Url::new(&window().location().href().ok()?).ok()
}

fn without_fragment(url: &Url) -> String {
    url.href().split('#').next().unwrap_or_default().to_owned()
}

/// Takes what is no part of a page's address out of it; answers whether it told an error.
fn tidy(url: &Url) -> bool {
    let query = url.search_params();
    let failed = query.has(OF_ERRORS[0]);
    for name in OF_ERRORS.iter().filter(|_| failed) {
        query.delete(name); // which writes the query anew, even when there is nothing to delete
    }
    if url.search().is_empty() {
        url.set_search(""); // no lone question mark
    }
    failed
}

fn fragment(address: &str) -> String {
    Url::new(address).map(|url| url.hash()).unwrap_or_default()
}

/// The addresses of style and client, which change with the release.
fn assets(page: &Document) -> [Option<String>; 2] {
    let link = |kind: &str| page.query_selector(&format!("link[rel={kind}]")).ok()??.get_attribute("href");
    ["stylesheet", "modulepreload"].map(link)
}

/// A plain load.
fn load(address: &str) {
    let _leaves = window().location().assign(address);
}

fn set_busy(busy: bool) {
    if let Some(content) = content(&document()) {
        let _shown = content.toggle_attribute_with_force("data-busy", busy);
    }
}

/// Typed input gives way to what the server says.
fn reset_forms() {
    for form in all("form").into_iter().filter_map(|form| form.dyn_into::<HtmlFormElement>().ok()) {
        form.reset();
    }
}

/// Where a plain click on one of our links leads; nothing when the browser shall follow it itself.
fn address_of_link(event: &MouseEvent) -> Option<String> {
    let modified = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
    if event.default_prevented() || event.button() != 0 || modified || content(&document()).is_none() {
        return None;
    }
    let link = event.target()?.dyn_into::<Element>().ok()?.closest("a[href]").ok()??;
    let link = link.dyn_into::<HtmlAnchorElement>().ok()?;
    let ours = link.origin() == window().location().origin().ok()?;
    let special = link.matches("[download], [target], [rel~=external]").ok()?;
    let within =
        !link.hash().is_empty() && without_fragment(&Url::new(&link.href()).ok()?) == without_fragment(&here()?);
    (ours && !special && !within).then(|| link.href())
}

/// What a form sends.
struct Sent {
    posts: bool,
    action: Url,
    fields: UrlSearchParams,
}

impl Sent {
    /// With the button that was pressed. `None` for dialogs and for files: the browser deals with those itself.
    fn of(form: &HtmlFormElement, event: &SubmitEvent) -> Option<Self> {
        // Attributes: a form's properties are its fields of those names, when it has them.
        let is = |name: &str, value: &str| form.get_attribute(name).is_some_and(|it| it.eq_ignore_ascii_case(value));
        if is("method", "dialog") || form.has_attribute("enctype") || form.has_attribute("target") {
            return None;
        }
        let action = Url::new_with_base(&form.get_attribute("action").unwrap_or_default(), &here()?.href()).ok()?;
        let pairs = FormData::new_with_form(form).ok()?;
        let fields = UrlSearchParams::new_with_str_sequence_sequence(&pairs).ok()?;
        if let Some(button) = event.submitter()
            && let Some(name) = button.get_attribute("name")
        {
            fields.append(&name, &button.get_attribute("value").unwrap_or_default());
        }
        Some(Self { posts: is("method", "post"), action, fields })
    }
}
