//! REST under `/api/v1`: the same answers as the pages, as JSON. One file for each kind of thing.

mod payments;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use payhist_ops::{Ops, OpsError};
use payhist_types::error::ApiError;

pub(super) fn routes() -> Router<Ops> {
    Router::new().merge(payments::routes())
}

/// An error as JSON with the status of its kind.
pub(super) struct Failure(ApiError);

impl From<OpsError> for Failure {
    fn from(error: OpsError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.0)).into_response()
    }
}
