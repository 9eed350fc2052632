//! `/api/v1/payments`

use super::errors::{Failure, Failures};
use super::extract::{Json, Path, Query, Which, Written};
use axum::Extension;
use axum::extract::State;
use payhist_ops::{Ops, OpsError, Principal, browse};
use payhist_types::PaymentId;
use payhist_types::payment::{Explained, PaymentDetail, PaymentPage, PaymentQuery};
use payhist_types::search::SearchAnswer;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Ops> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(explain))
        .routes(routes!(reveal))
        .routes(routes!(search))
}

/// Payments, newest first
///
/// Give `older` or `newer` of an answer as `cursor` for the page after or before it. Personal fields are masked.
#[utoipa::path(
    get,
    path = "/payments",
    operation_id = "list_payments",
    tag = "payments",
    params(PaymentQuery),
    responses((status = 200, description = "One page.", body = PaymentPage), Failures)
)]
async fn list(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Query(query): Query<PaymentQuery>,
) -> Result<Written, Failure> {
    Ok(Written(browse::list_json(&ops, &me.permit()?, &query).await?))
}

/// What a text may mean
///
/// A payment, a user, an order, a provider's reference or, with leave to see personal data, an e-mail address: everything of
/// that name, each where it would be.
#[utoipa::path(
    get,
    path = "/payments/search/{text}",
    operation_id = "search_payments",
    tag = "payments",
    params(
        ("text" = String, Path, description = "What to look for.", min_length = 1, max_length = 255, pattern = "\\S", example = "42"),
        Which
    ),
    responses((status = 200, description = "All that it may mean, likeliest first.", body = SearchAnswer), Failures)
)]
async fn search(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(text): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<SearchAnswer>, Failure> {
    Ok(Json(browse::search(&ops, &me.permit()?, me.permit().ok().as_ref(), &which.history, &text).await?))
}

/// One payment
///
/// Where it lives, the holds on it, and what is near it. Personal fields are masked, unless they were revealed just now.
#[utoipa::path(
    get,
    path = "/payments/{id}",
    operation_id = "show_payment",
    tag = "payments",
    params(("id" = PaymentId, Path, description = "The payment's id."), Which),
    responses((status = 200, description = "The payment.", body = PaymentDetail), Failures)
)]
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

/// How the engine finds one payment
#[utoipa::path(
    get,
    path = "/payments/{id}/explain",
    operation_id = "explain_payment",
    tag = "payments",
    params(("id" = PaymentId, Path, description = "The payment's id."), Which),
    responses((status = 200, description = "The engine's plan.", body = Explained), Failures)
)]
async fn explain(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Explained>, Failure> {
    Ok(Json(browse::explain(&ops, &me.permit()?, &which.history, payment_id(&id)?).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Why {
    /// Why somebody has to see it; the audit log keeps it.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", example = "The customer asks by telephone.")]
    reason: String,
}

/// One payment in clear
///
/// Records who wants to see it and why; `show_payment` answers it in clear for some minutes too.
#[utoipa::path(
    post,
    path = "/payments/{id}/reveal",
    operation_id = "reveal_payment",
    tag = "payments",
    params(("id" = PaymentId, Path, description = "The payment's id."), Which),
    request_body = Why,
    responses((status = 200, description = "The payment, its personal fields in clear.", body = PaymentDetail), Failures)
)]
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
