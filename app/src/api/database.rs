//! Pools, servers and deadlocks.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::database::{DatabaseView, Deadlock};

use super::Result;
use super::server::{answer, authorise, respond_with};

/// What pools and servers are doing now.
#[server(prefix = "/api/ui", endpoint = "database", input = GetUrl)]
pub async fn database() -> Result<DatabaseView> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::monitoring::database(&ops, &permit).await)
}

/// One captured deadlock. Errors: `NotFound`, also when `id` is no number at all.
#[server(name = ReadDeadlock, prefix = "/api/ui", endpoint = "deadlock", input = GetUrl)]
pub async fn deadlock(id: String) -> Result<Deadlock> {
    use payhist_types::error::{ApiError, ErrorKind};
    let (ops, permit) = authorise()?;
    let id = id
        .parse()
        .map_err(|_| respond_with(ApiError::new(ErrorKind::NotFound, format!("There is no deadlock {id:?}."))))?;
    answer(payhist_ops::monitoring::deadlock(&ops, &permit, id).await)
}
