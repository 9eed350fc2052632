//! Browsing payments.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::PaymentId;
use payhist_types::payment::{Explained, PaymentDetail, PaymentPage, PaymentQuery};
use payhist_types::search::SearchAnswer;
use payhist_types::summary::{Summary, SummaryQuery};

use super::Result;
use super::server::{answer, authorise, principal, respond_with};

/// One page of payments, newest first.
#[server(prefix = "/api/ui", endpoint = "payments", input = GetUrl)]
pub async fn payments(#[server(default)] query: PaymentQuery) -> Result<PaymentPage> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::browse::list(&ops, &permit, &query).await)
}

/// What a text of the search box may mean.
#[server(prefix = "/api/ui", endpoint = "search", input = GetUrl)]
pub async fn search(#[server(default)] history: String, text: String) -> Result<SearchAnswer> {
    let (ops, permit) = authorise()?;
    let may_see = principal()?.permit().ok();
    answer(payhist_ops::browse::search(&ops, &permit, may_see.as_ref(), &history, &text).await)
}

/// Figures of a range of months.
#[server(name = ReadSummary, prefix = "/api/ui", endpoint = "summary", input = GetUrl)]
pub async fn summary(#[server(default)] query: SummaryQuery) -> Result<Summary> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::summary::view(&ops, &permit, &query).await)
}

/// One payment. Errors: `NotFound`, also when `id` is no payment id at all.
#[server(prefix = "/api/ui", endpoint = "payment", input = GetUrl)]
pub async fn payment(#[server(default)] history: String, id: String) -> Result<PaymentDetail> {
    let (ops, permit) = authorise()?;
    let may_see = principal()?.permit().ok();
    answer(payhist_ops::browse::show(&ops, &permit, may_see.as_ref(), &history, payment_id(&id)?).await)
}

/// How the engine finds one payment.
#[server(prefix = "/api/ui", endpoint = "payment/explain", input = GetUrl)]
pub async fn explain_payment(#[server(default)] history: String, id: String) -> Result<Explained> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::browse::explain(&ops, &permit, &history, payment_id(&id)?).await)
}

/// Shows whoever asks one payment's personal fields for a few minutes, and records it. Errors: `BadInput` without a reason.
#[server(prefix = "/api/ui", endpoint = "payment/reveal")]
pub async fn reveal_payment(
    /// The history.
    #[server(default)]
    history: String,
    /// The payment's id.
    id: String,
    /// Why.
    reason: String,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::browse::reveal(&ops, &permit, &history, payment_id(&id)?, &reason).await)
}

fn payment_id(id: &str) -> Result<PaymentId> {
    use payhist_types::error::{ApiError, ErrorKind};
    let unknown = |error| ApiError::new(ErrorKind::NotFound, format!("There is no such payment: {error}."));
    id.parse().map_err(|error| respond_with(unknown(error)))
}
