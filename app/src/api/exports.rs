//! Exports of payments. The file itself comes from the REST API, since it is no answer of a page.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::export::{Export, ExportPreview};
use payhist_types::payment::PaymentQuery;

use super::Result;
use super::server::{answer, authorise};

/// The exports of a history, newest first.
#[server(name = ReadExports, prefix = "/api/ui", endpoint = "exports", input = GetUrl)]
pub async fn exports(#[server(default)] history: String) -> Result<Vec<Export>> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::export::list(&ops, &permit, &history).await)
}

/// What an export of these payments would read.
#[server(name = PreviewExport, prefix = "/api/ui", endpoint = "exports/preview", input = GetUrl)]
pub async fn export_preview(#[server(default)] query: PaymentQuery) -> Result<ExportPreview> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::export::preview(&ops, &permit, &query).await)
}

/// Ends an export that is being made. Errors: `Refused` when it is over.
#[server(prefix = "/api/ui", endpoint = "exports/cancel")]
pub async fn cancel_export(
    /// The export's number.
    export: u64,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::export::cancel(&ops, &permit, export).await)
}
