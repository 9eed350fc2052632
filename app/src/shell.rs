//! The document around every page. The theme is a cookie, so that the first paint has it already.

use crate::App;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

/// The whole HTML document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme()>
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
    let cookies = use_context::<Parts>().and_then(|parts| Some(parts.headers.get(COOKIE)?.to_str().ok()?.to_owned()));
    let chosen =
        cookies.as_deref().and_then(|cookies| cookies.split("; ").find_map(|cookie| cookie.strip_prefix("theme=")));
    match chosen {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "auto",
    }
}
