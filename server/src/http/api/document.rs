//! The OpenAPI document, which is gathered from the routes themselves. Public: it says nothing that the source does not.

use super::errors::Failures;
use axum::Extension;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use payhist_ops::Ops;
use payhist_types::error::ApiError;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// About the API as a whole.
const DESCRIPTION: &str = "\
Payment history as JSON. Log in by an API token in `Authorization: Bearer …` (Settings, API tokens, or \
`payhist operator token create`), or by the session cookie of the pages. Every failure has the same body, `ApiError`. \
A query parameter that is not named here, is given twice or is empty is refused with 400, so that a mistyped filter never \
widens an answer. Lists are paged by the cursors `older` and `newer` of each answer; there are no page numbers and no total. \
An answer names the shards that did not answer in `missing`; `complete` is false then.";

#[derive(OpenApi)]
#[openapi(
    info(title = "payhist", description = DESCRIPTION, license(name = "MIT OR Apache-2.0")),
    components(schemas(ApiError)),
    security(("token" = []), ("session" = [])),
    modifiers(&Shared),
)]
struct Base;

/// What the routes refer to.
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.responses.extend(Failures::named().map(|(name, response)| (name.to_owned(), response.into())));
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::http::SESSION_COOKIE));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    }
}

/// What the routes' own descriptions are added to.
pub(super) fn base() -> OpenApiRouter<Ops> {
    OpenApiRouter::with_openapi(Base::openapi())
}

pub(super) fn routes() -> OpenApiRouter<Ops> {
    OpenApiRouter::new().routes(routes!(openapi))
}

/// The document as it is served, and as `docs/openapi.json` keeps it.
#[derive(Clone)]
pub(super) struct Text(Bytes);

impl Text {
    pub(super) fn of(document: &utoipa::openapi::OpenApi) -> Self {
        let text = serde_json::to_string_pretty(document).expect("names are text, and nothing in it can fail");
        Self((text + "\n").into())
    }
}

#[cfg(test)]
impl std::fmt::Display for Text {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// This document
///
/// It needs no login.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "about",
    security(()),
    responses((status = 200, description = "An OpenAPI document.", body = Object, content_type = "application/json"))
)]
async fn openapi(Extension(Text(text)): Extension<Text>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], text)
}
