//! REST under `/api/v1`: the same answers as the pages, as JSON. One file for each kind of thing.
//!
//! Invariants: a route is made by `routes!` from a handler with `#[utoipa::path]`, so that it is in the OpenAPI document; every
//! failure has the one error body ([`errors`]); a query is read by [`extract::Query`], which refuses what the document does
//! not name.

mod document;
mod errors;
mod exports;
mod extract;
mod payments;
mod summary;

#[cfg(test)]
mod tests;

pub(super) use errors::{Failure, one_error_body};

use axum::http::Uri;
use axum::{Extension, Router};
use errors::no_such_address;
use payhist_ops::Ops;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

/// Where the API is.
const PREFIX: &str = "/api/v1";

/// Is that an address of the API?
pub(super) fn has(uri: &Uri) -> bool {
    uri.path().strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The API at its place, with its document. `stop` ends what would otherwise outlast its request.
pub(super) fn routes(ops: &Ops, stop: &CancellationToken) -> Router {
    let (routes, document) = resources().split_for_parts();
    let routes = routes.layer(Extension(document::Text::of(&document))).layer(Extension(exports::Stop(stop.clone())));
    routes.with_state(ops.clone())
}

/// Every resource. A new one is merged here.
fn resources() -> OpenApiRouter<Ops> {
    let resources = OpenApiRouter::new()
        .merge(payments::routes())
        .merge(summary::routes())
        .merge(exports::routes())
        .merge(document::routes())
        .fallback(no_such_address);
    document::base().nest(PREFIX, resources)
}
