//! REST under `/api/v1`: the same answers as the pages, as JSON.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use payhist_ops::{Ops, OpsError, Principal, browse};
use payhist_types::PaymentId;
use payhist_types::error::ApiError;
use payhist_types::payment::{PaymentDetail, PaymentPage, PaymentQuery};
use payhist_types::search::SearchAnswer;
use serde::Deserialize;

pub(super) fn routes() -> Router<Ops> {
    Router::new()
        .route("/payments", get(list))
        .route("/payments/{id}", get(show))
        .route("/payments/search/{text}", get(search))
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

async fn list(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Query(query): Query<PaymentQuery>,
) -> Result<Json<PaymentPage>, Failure> {
    Ok(Json(browse::list(&ops, &me.permit()?, &query).await?))
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    history: String,
}

async fn search(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(text): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<SearchAnswer>, Failure> {
    Ok(Json(browse::search(&ops, &me.permit()?, &which.history, &text).await?))
}

async fn show(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<PaymentDetail>, Failure> {
    let id: PaymentId = id
        .parse()
        .map_err(|_| OpsError::field("id", format!("{id:?} is no payment id: it is a number of up to 20 digits")))?;
    Ok(Json(browse::show(&ops, &me.permit()?, &which.history, id).await?))
}
