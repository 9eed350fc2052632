//! `/api/v1/payments`

use super::Failure;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Extension, Json, Router};
use payhist_ops::{Ops, OpsError, Principal, browse};
use payhist_types::PaymentId;
use payhist_types::payment::{PaymentDetail, PaymentPage, PaymentQuery};
use payhist_types::search::SearchAnswer;
use serde::Deserialize;

pub(super) fn routes() -> Router<Ops> {
    Router::new()
        .route("/payments", get(list))
        .route("/payments/{id}", get(show))
        .route("/payments/search/{text}", get(search))
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
