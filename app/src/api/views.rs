//! Saved views of payments.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::view::SavedView;

use super::Result;
use super::server::{answer, authorise};

/// One's own views and those that others share.
#[server(name = ReadViews, prefix = "/api/ui", endpoint = "views", input = GetUrl)]
pub async fn views() -> Result<Vec<SavedView>> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::views::list(&ops, &permit).await.map(|views| views.to_vec()))
}

/// Keeps a list under a name. Errors: `BadInput` by field.
#[server(prefix = "/api/ui", endpoint = "views/save")]
pub async fn save_view(
    /// What to call it; one's own of that name is replaced.
    name: String,
    /// Do all see it?
    #[server(default)]
    shared: bool,
    /// What follows the question mark of the list's address.
    address: String,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::views::save(&ops, &permit, &name, shared, &address).await)
}

/// Forgets one of one's own views. Errors: `NotFound`.
#[server(prefix = "/api/ui", endpoint = "views/forget")]
pub async fn forget_view(
    /// Its number.
    id: u64,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::views::forget(&ops, &permit, id).await)
}
