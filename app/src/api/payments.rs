//! Browsing payments.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::payment::{PaymentDetail, PaymentPage, PaymentQuery};
use payhist_types::search::SearchAnswer;

use super::Result;
use super::server::{answer, authorise, respond_with};

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
    answer(payhist_ops::browse::search(&ops, &permit, &history, &text).await)
}

/// One payment. Errors: `NotFound`, also when `id` is no payment id at all.
#[server(prefix = "/api/ui", endpoint = "payment", input = GetUrl)]
pub async fn payment(#[server(default)] history: String, id: String) -> Result<PaymentDetail> {
    use payhist_types::error::{ApiError, ErrorKind};
    let (ops, permit) = authorise()?;
    let unknown = |error| ApiError::new(ErrorKind::NotFound, format!("There is no such payment: {error}."));
    let id = id.parse().map_err(|error| respond_with(unknown(error)))?;
    answer(payhist_ops::browse::show(&ops, &permit, &history, id).await)
}
