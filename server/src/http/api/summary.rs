//! `/api/v1/payments/summary`

use super::errors::{Failure, Failures};
use super::extract::{Json, Query};
use axum::Extension;
use axum::extract::State;
use payhist_ops::{Ops, Principal, summary};
use payhist_types::summary::{Summary, SummaryQuery};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Ops> {
    OpenApiRouter::new().routes(routes!(view))
}

/// Sums of payments
///
/// Count, amount and failure rate by month, day, provider, method, currency and status. Each month says where its figures
/// come from; what is not known is in no row.
#[utoipa::path(
    get,
    path = "/payments/summary",
    operation_id = "summarise_payments",
    tag = "payments",
    params(SummaryQuery),
    responses((status = 200, description = "The figures.", body = Summary), Failures)
)]
async fn view(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Query(query): Query<SummaryQuery>,
) -> Result<Json<Summary>, Failure> {
    Ok(Json(summary::view(&ops, &me.permit()?, &query).await?))
}
