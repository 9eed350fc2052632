//! What the server answers when it is asked for a page.

use crate::dom::content;
use leptos::prelude::window;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Document, DomParser, Request, RequestInit, Response, SupportedType, UrlSearchParams};

/// An answer to a request.
pub(crate) enum Answer {
    /// One of our pages with its frame, at its address after redirects.
    Page { address: String, page: Document, ok: bool },
    /// Anything else: the login, a download, a proxy's error.
    Other { address: String, redirected: bool, status: u16 },
    /// No answer within the time.
    Silence,
}

/// Asks for the page at `address`; with a `form` sends it there.
pub(crate) async fn ask(address: &str, form: Option<&UrlSearchParams>, wait_ms_max: u32) -> Answer {
    let init = RequestInit::new();
    init.set_signal(Some(&AbortSignal::timeout_with_u32(wait_ms_max)));
    if let Some(form) = form {
        init.set_method("POST");
        init.set_body(form);
    }
    match fetch(address, &init).await {
        Ok((response, text)) => read(&response, &text),
        Err(_) => Answer::Silence,
    }
}

async fn fetch(address: &str, init: &RequestInit) -> Result<(Response, String), JsValue> {
    let request = Request::new_with_str_and_init(address, init)?;
    request.headers().set("accept", "text/html")?;
    let response: Response = JsFuture::from(window().fetch_with_request(&request)).await?.dyn_into()?;
    let is_html = response.headers().get("content-type")?.is_some_and(|kind| kind.starts_with("text/html"));
    // What is no page may be long: it is not waited for.
    let text = if is_html { JsFuture::from(response.text()?).await?.as_string() } else { None };
    Ok((response, text.unwrap_or_default()))
}

fn read(response: &Response, html: &str) -> Answer {
    let address = response.url();
    match DomParser::new().and_then(|parser| parser.parse_from_string(html, SupportedType::TextHtml)) {
        Ok(page) if content(&page).is_some() => {
            drop_noscript(&page);
            Answer::Page { address, page, ok: response.ok() }
        }
        _ => Answer::Other { address, redirected: response.redirected(), status: response.status() },
    }
}

/// A parsed page has real elements in its `noscript`: one that reloads must not come into a page with scripts.
fn drop_noscript(page: &Document) {
    while let Ok(Some(noscript)) = page.query_selector("noscript") {
        noscript.remove();
    }
}
