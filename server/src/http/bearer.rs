//! API tokens in `Authorization: Bearer …`, for the API alone.
//!
//! Invariant: a request with that header is its token's or nobody's: it never falls back to the session, and takes no part in
//! cookies. So it needs no check of where it comes from: no other site can make a browser send that header.

use super::api::{self, Failure};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use payhist_ops::{Ops, OpsError, tokens};
use tower::ServiceExt;

/// The API without sessions.
#[derive(Clone)]
pub(super) struct ByToken {
    pub(super) ops: Ops,
    pub(super) api: Router,
}

/// Answers requests of the API that have the header; all others go on to their session.
pub(super) async fn by_token(
    State(ByToken { ops, api: routes }): State<ByToken>,
    mut request: Request,
    next: Next,
) -> Response {
    if !api::has(request.uri()) || !request.headers().contains_key(AUTHORIZATION) {
        return next.run(request).await;
    }
    let principal = match secret(request.headers()) {
        Some(secret) => tokens::authenticate(&ops, secret).await,
        None => Err(OpsError::TokenRefused),
    };
    match principal {
        Ok(principal) => {
            // What the router around this one noted of the path is not for the API's own.
            request.extensions_mut().clear();
            request.extensions_mut().insert(principal);
            routes.oneshot(request).await.into_response()
        }
        Err(error) => Failure::from(error).into_response(),
    }
}

/// What follows `Bearer`, when there is one such header.
fn secret(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (given.next(), given.next()) else { return None };
    let (scheme, secret) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}
