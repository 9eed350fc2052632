//! The document around every page. Theme and language are cookies, so that the first paint has them already.

use crate::{App, Language};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

/// The whole HTML document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let language = Language::provide();
    view! {
        <!DOCTYPE html>
        <html lang=language.code() data-theme=theme()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="data:," />
                <AutoReload options=options.clone() />
                <HydrationScripts options=options.clone() islands=true />
                <HashedStylesheet options id="payhist" />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// `light`, `dark` or `auto`.
fn theme() -> &'static str {
    let chosen = with_context::<Parts, _>(|parts| match cookie(parts, "theme") {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "auto",
    });
    chosen.unwrap_or("auto")
}

/// A cookie of the request.
pub(crate) fn cookie<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let cookies = parts.headers.get(COOKIE)?.to_str().ok()?;
    cookies.split("; ").find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='))
}
