//! `/api/v1/payments`

use super::Failure;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use payhist_ops::{Ops, OpsError, Principal, browse};
use payhist_types::PaymentId;
use payhist_types::payment::{Explained, PaymentDetail, PaymentPage, PaymentQuery};
use payhist_types::search::SearchAnswer;
use serde::Deserialize;

pub(super) fn routes() -> Router<Ops> {
    Router::new()
        .route("/payments", get(list))
        .route("/payments/{id}", get(show))
        .route("/payments/{id}/explain", get(explain))
        .route("/payments/{id}/reveal", post(reveal))
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
    Ok(Json(browse::search(&ops, &me.permit()?, me.permit().ok().as_ref(), &which.history, &text).await?))
}

async fn show(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<PaymentDetail>, Failure> {
    let id = payment_id(&id)?;
    Ok(Json(browse::show(&ops, &me.permit()?, me.permit().ok().as_ref(), &which.history, id).await?))
}

fn payment_id(id: &str) -> Result<PaymentId, OpsError> {
    id.parse().map_err(|_| OpsError::field("id", format!("{id:?} is no payment id: it is a number of up to 20 digits")))
}

async fn explain(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Explained>, Failure> {
    Ok(Json(browse::explain(&ops, &me.permit()?, &which.history, payment_id(&id)?).await?))
}

#[derive(Deserialize)]
struct Why {
    reason: String,
}

/// Answers the payment in clear, and goes on to do so for a few minutes.
async fn reveal(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
    Json(why): Json<Why>,
) -> Result<Json<PaymentDetail>, Failure> {
    let (id, may_see) = (payment_id(&id)?, me.permit()?);
    browse::reveal(&ops, &may_see, &which.history, id, &why.reason).await?;
    Ok(Json(browse::show(&ops, &me.permit()?, Some(&may_see), &which.history, id).await?))
}
