//! The first page's question: is it healthy?

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::overview::Overview;

use super::Result;
use super::server::{answer, authorise};

/// Checks, runway and the last days of a history; empty means the default one.
#[server(name = ReadOverview, prefix = "/api/ui", endpoint = "overview", input = GetUrl)]
pub async fn overview(#[server(default)] history: String) -> Result<Overview> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::overview::view(&ops, &permit, &history).await)
}
