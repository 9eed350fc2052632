//! `/api/v1/exports`: payments as a file, streamed.
//!
//! Invariants: an export that fails before its first byte is an answer with the error's status; one that fails later is
//! aborted, so that no client takes the short file for a whole one. It is recorded as complete before its last byte is sent.

use super::errors::{Failure, Failures};
use super::extract::{Form, Json, Path, Query, Which};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use futures::stream;
use payhist_ops::export::{self, Running};
use payhist_ops::{Ops, OpsError, Principal};
use payhist_types::export::{Export, ExportManifest, ExportRequest};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The export's number, for `GET /api/v1/exports/NUMBER`.
const EXPORT: HeaderName = HeaderName::from_static("payhist-export");
/// What was written last gets out before the connection is aborted.
const FLUSH_WAIT: Duration = Duration::from_millis(200);

/// Ends exports when payhist stops.
#[derive(Clone)]
pub(super) struct Stop(pub(super) CancellationToken);

pub(super) fn routes() -> OpenApiRouter<Ops> {
    OpenApiRouter::new().routes(routes!(list, start)).routes(routes!(find, cancel)).routes(routes!(manifest))
}

// A form of a page that fails is answered by its page.
/// Payments as a file
///
/// Months from the newest, shards in order. The header `payhist-export` has the export's number: its manifest says whether the
/// file is whole. A file that ends early ends with an error, and CSV and NDJSON say so in their last line.
#[utoipa::path(
    post,
    path = "/exports",
    operation_id = "start_export",
    tag = "exports",
    request_body(content = ExportRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The file.", content(
            (String = "text/csv; charset=utf-8"),
            (String = "application/x-ndjson"),
            (String = "application/vnd.apache.parquet")
        )),
        Failures
    )
)]
async fn start(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Extension(Stop(stop)): Extension<Stop>,
    headers: HeaderMap,
    Form(request): Form<ExportRequest>,
) -> Response {
    let started = async {
        let permit = me.permit()?;
        export::start(&ops, &permit, || me.permit(), &request, stop.child_token()).await
    };
    match started.await {
        Ok(running) => file(running),
        Err(error) if is_of_a_page(&headers) => Redirect::to(&back(&request, error)).into_response(),
        Err(error) => Failure::from(error).into_response(),
    }
}

fn is_of_a_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// The page of the same request, which says what is wrong; `refused` tells it what it cannot find out by itself.
fn back(request: &ExportRequest, error: OpsError) -> String {
    let refused = match &error {
        OpsError::BadInput(fields) => fields.first().map_or_else(String::new, |wrong| wrong.field.clone()),
        error => error.kind().to_string(),
    };
    let _logged = payhist_types::error::ApiError::from(error);
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let fields = match serde_json::to_value(request) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let asked = fields.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let asked = asked.filter(|(_, value)| !value.is_empty()).chain([("refused", refused.as_str())]);
    let query: Vec<_> = asked.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("/payments/export?{}", query.join("&"))
}

fn file(running: Running) -> Response {
    let export = running.export();
    let (id, kind) = (export.id, export.format.content_type());
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (EXPORT, HeaderValue::from(id)),
        attachment(&export.file_name()),
        (LOCATION, HeaderValue::try_from(format!("/api/v1/exports/{id}")).unwrap_or(HeaderValue::from_static("/"))),
    ];
    let pieces = stream::unfold(Some(running), |running| async {
        let mut running = running?;
        let error = match running.next().await {
            Some(Ok(bytes)) => return Some((Ok(bytes), Some(running))),
            None => running.finish().await.err()?,
            Some(Err(error)) => error,
        };
        tokio::time::sleep(FLUSH_WAIT).await;
        Some((Err(error), None))
    });
    (headers, Body::from_stream(pieces)).into_response()
}

/// The names are made of a history's, which is plain.
fn attachment(name: &str) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    (CONTENT_DISPOSITION, value.unwrap_or(HeaderValue::from_static("attachment")))
}

/// The exports of a history
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/exports",
    operation_id = "list_exports",
    tag = "exports",
    params(Which),
    responses((status = 200, description = "The exports.", body = Vec<Export>), Failures)
)]
async fn list(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Export>>, Failure> {
    Ok(Json(export::list(&ops, &me.permit()?, &which.history).await?))
}

/// One export
#[utoipa::path(
    get,
    path = "/exports/{id}",
    operation_id = "show_export",
    tag = "exports",
    params(("id" = u64, Path, description = "The export's number.")),
    responses((status = 200, description = "The export.", body = Export), Failures)
)]
async fn find(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Json<Export>, Failure> {
    Ok(Json(export::find(&ops, &me.permit()?, number(&id)?).await?))
}

/// The manifest of an export
///
/// Keep it beside the file: rows, bytes and SHA-256 are the file's only when its state is `complete`.
#[utoipa::path(
    get,
    path = "/exports/{id}/manifest",
    operation_id = "export_manifest",
    tag = "exports",
    params(("id" = u64, Path, description = "The export's number.")),
    responses((status = 200, description = "The manifest.", body = ExportManifest), Failures)
)]
async fn manifest(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let export = export::find(&ops, &me.permit()?, number(&id)?).await?;
    let file = export.file_name();
    let headers = [attachment(&format!("{file}.manifest.json"))];
    Ok((headers, Json(ExportManifest::new(export, file))).into_response())
}

/// Cancel an export
#[utoipa::path(
    delete,
    path = "/exports/{id}",
    operation_id = "cancel_export",
    tag = "exports",
    params(("id" = u64, Path, description = "The export's number.")),
    responses((status = 202, description = "It is ending."), Failures)
)]
async fn cancel(
    State(ops): State<Ops>,
    Extension(me): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    export::cancel(&ops, &me.permit()?, number(&id)?).await?;
    Ok(StatusCode::ACCEPTED)
}

fn number(id: &str) -> Result<u64, OpsError> {
    id.parse().map_err(|_| OpsError::NotFound(format!("The export {id}")))
}
