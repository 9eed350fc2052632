//! One error body for every failure below `/api/v1`, whoever found it: a use case, a layer, or the router.

use super::PREFIX;
use axum::Json;
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use payhist_ops::OpsError;
use payhist_types::error::{ApiError, ErrorKind};
use std::collections::BTreeMap;
use tower_http::request_id::RequestId;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

/// An error as JSON with the status of its kind.
pub(in crate::http) struct Failure(pub(super) ApiError);

impl From<OpsError> for Failure {
    fn from(error: OpsError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self.0)).into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// What every route may answer instead, for the document.
pub(super) struct Failures;

const FAILURES: [(&str, &str, &str); 8] = [
    ("400", "BadInput", "The input is wrong; `fields` names where."),
    ("401", "LoginRequired", "Nobody is logged in, or the API token does not work."),
    ("403", "Forbidden", "The role, or the API token, does not include it."),
    ("404", "NotFound", "There is no such thing."),
    ("409", "Refused", "A guard refuses."),
    ("500", "Internal", "A defect in payhist; `incident` leads to its cause in the log."),
    ("503", "Unavailable", "A database does not answer."),
    ("504", "TookTooLong", "It took too long and was given up."),
];

impl Failures {
    /// Each by its name, to which the routes refer.
    pub(super) fn named() -> impl Iterator<Item = (&'static str, utoipa::openapi::Response)> {
        let body = || ContentBuilder::new().schema(Some(Ref::from_schema_name("ApiError"))).build();
        FAILURES.into_iter().map(move |(_, name, words)| {
            (name, ResponseBuilder::new().description(words).content("application/json", body()).build())
        })
    }
}

impl utoipa::IntoResponses for Failures {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let named = |name| RefOr::Ref(Ref::from_response_name(name));
        FAILURES.into_iter().map(|(status, name, _)| (status.to_owned(), named(name))).collect()
    }
}

/// For addresses below the prefix that lead nowhere.
pub(super) async fn no_such_address(uri: Uri) -> Failure {
    Failure(
        ApiError::new(ErrorKind::NotFound, format!("There is no address {}.", uri.path()))
            .with_remedy(format!("{PREFIX}/openapi.json says which there are.")),
    )
}

/// Gives every failure below the prefix the one body, with the request's id; other answers pass as they are.
pub(in crate::http) async fn one_error_body(request: Request, next: Next) -> Response {
    if !super::has(request.uri()) {
        return next.run(request).await;
    }
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok().map(Box::from));
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let mut error = parts.extensions.remove::<ApiError>().unwrap_or_else(|| of_status(status));
    error.request_id = id;
    for header in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
        parts.headers.remove(header);
    }
    if status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    (status, parts.headers, Json(error)).into_response()
}

/// What a layer or the router means by a status alone.
fn of_status(status: StatusCode) -> ApiError {
    let (kind, message) = match status {
        StatusCode::FORBIDDEN => (ErrorKind::Forbidden, "This request comes from a page of another site."),
        StatusCode::NOT_FOUND => (ErrorKind::NotFound, "There is no such address."),
        StatusCode::METHOD_NOT_ALLOWED => (ErrorKind::BadInput, "This address does not take that method."),
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorKind::BadInput, "The request is too large."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (ErrorKind::BadInput, "The request's body is not of a type that this takes.")
        }
        StatusCode::GATEWAY_TIMEOUT => (ErrorKind::Unavailable, "This took too long and was given up."),
        status if status.is_client_error() => (ErrorKind::BadInput, "The request cannot be read."),
        _ => (ErrorKind::Internal, "Something went wrong inside payhist."),
    };
    let error = ApiError::new(kind, message);
    if kind == ErrorKind::Internal {
        return error.with_remedy("Give the request's id to whoever looks after payhist: the log holds the cause.");
    }
    error
}
