//! Making an API token by a form: the answer is the page itself with the secret, which nothing else ever holds.

use axum::body::Body;
use axum::extract::{RawForm, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use leptos::config::LeptosOptions;
use leptos::prelude::provide_context;
use payhist_app::{TokenMade, shell};
use payhist_ops::{Ops, OpsError, Principal, tokens};
use payhist_types::error::ApiError;
use payhist_types::token::TokenRequest;

/// What rendering a page needs.
#[derive(Clone)]
pub(super) struct Pages<C> {
    pub(super) ops: Ops,
    pub(super) options: LeptosOptions,
    pub(super) context: C,
}

pub(super) fn routes<C: Fn() + Clone + Send + Sync + 'static>(pages: Pages<C>) -> Router {
    Router::new().route("/settings/tokens", post(create::<C>)).with_state(pages)
}

async fn create<C: Fn() + Clone + Send + Sync + 'static>(
    State(Pages { ops, options, context }): State<Pages<C>>,
    Extension(me): Extension<Principal>,
    mut parts: Parts,
    RawForm(form): RawForm,
) -> Response {
    let made = match request(&form) {
        Ok(request) => tokens::create(&ops, &me, request).await,
        Err(error) => Err(error),
    };
    let made = TokenMade(made.map_err(ApiError::from));
    let status = match &made.0 {
        Ok(_) => StatusCode::OK,
        Err(error) => StatusCode::from_u16(error.kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    parts.method = Method::GET;
    let context = move || {
        context();
        provide_context(made.clone());
    };
    let render = leptos_axum::render_app_async_with_context(context, move || shell(options.clone()));
    let mut page = render(Request::from_parts(parts, Body::empty())).await;
    *page.status_mut() = status;
    page
}

/// Reads the form; a name may come several times, as those of boxes do.
fn request(form: &[u8]) -> Result<TokenRequest, OpsError> {
    let mut request = TokenRequest::default();
    for (name, value) in form_urlencoded::parse(form) {
        let wrong = |message: &str| OpsError::field(&name, message);
        match &*name {
            "name" => request.name = value.into_owned(),
            "scopes" => drop(request.scopes.insert(value.parse().map_err(|_| wrong("there is no such permission"))?)),
            "days" => request.days = Some(value.parse().map_err(|_| wrong("days are a number"))?),
            _ => return Err(wrong("there is no such field")),
        }
    }
    Ok(request)
}
