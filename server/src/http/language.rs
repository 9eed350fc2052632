//! The choice of a language: a plain form post, kept in a cookie, with or without a session.

use super::auth::local_path;
use axum::Router;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::post;
use payhist_app::{LANGUAGE_COOKIE, Language};
use serde::Deserialize;
use tower_sessions::cookie::time::Duration;
use tower_sessions::cookie::{Cookie, SameSite};

const KEPT_FOR: Duration = Duration::days(365);

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/language", post(choose))
}

#[derive(Deserialize)]
struct Choice {
    to: String,
    #[serde(default)]
    next: String,
}

/// Keeps the choice and leads back. A language that there is none of is 400.
async fn choose(Form(Choice { to, next }): Form<Choice>) -> Response {
    let Ok(language) = to.parse::<Language>() else { return StatusCode::BAD_REQUEST.into_response() };
    let cookie = Cookie::build((LANGUAGE_COOKIE, language.code()))
        .path("/")
        .max_age(KEPT_FOR)
        .same_site(SameSite::Lax)
        .http_only(true)
        .build();
    (AppendHeaders([(SET_COOKIE, cookie.to_string())]), Redirect::to(local_path(&next))).into_response()
}
