//! What happens while somebody looks, as Server-Sent Events: each says that a page has changed, and the page asks for itself.
//!
//! Invariant: a stream is authorised as its page is, ends with its run, and is bounded, so that who may look no longer is
//! out soon, and a server that stops does not wait for those who look.

use super::api::Failure;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use axum::{Extension, Router};
use futures::stream::{self, Stream, StreamExt};
use payhist_ops::{Ops, OpsError, Principal, rotation};
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest stream; a browser that still looks connects again, and is authorised again.
const STREAM_MAX: Duration = Duration::from_mins(1);

#[derive(Debug, Clone)]
struct Context {
    ops: Ops,
    stop: CancellationToken,
}

pub(super) fn routes(ops: Ops, stop: CancellationToken) -> Router {
    Router::new().route("/api/ui/partitions/runs/{id}/events", get(of_run)).with_state(Context { ops, stop })
}

/// An event with the run's outcome at once, and for each change of its records.
async fn of_run(
    State(Context { ops, stop }): State<Context>,
    Extension(me): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let id = id.parse().map_err(|_| OpsError::NotFound(format!("The run {id}")))?;
    let run = rotation::follow(&ops, &me.permit()?, id).await?;
    let events = stream::unfold(run, |mut run| async move {
        run.changed().await.ok()?;
        let outcome = run.borrow_and_update().outcome.to_string();
        Some((Ok(Event::default().data(outcome)), run))
    });
    let end = async move { stop.run_until_cancelled_owned(tokio::time::sleep(STREAM_MAX)).await };
    Ok(Sse::new(events.take_until(Box::pin(end))).keep_alive(KeepAlive::default()))
}
