//! The web server: pages, server functions, the REST API and what protects them.
//!
//! Invariant: everything but the login page, its assets, the choice of a language, the health check and the API's document needs a session or, for the
//! API alone, a token; what changes anything needs a request from our own pages (Origin / Sec-Fetch-Site) or a token, and
//! a permission, which ops checks.

mod api;
mod auth;
mod bearer;
mod events;
mod headers;
mod language;
mod session_store;
mod site;
mod tokens;

use crate::config::Config;
use auth::Auth;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use bearer::ByToken;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list};
use payhist_app::{App, shell};
use payhist_ops::Ops;
use payhist_types::export::ExportFormat;
use session_store::ControlSessionStore;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::csrf::CsrfLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration as CookieDuration;
use tower_sessions::{Expiry, SessionManagerLayer};

/// The cookie that names a session.
const SESSION_COOKIE: &str = "payhist_session";
/// Largest request body: forms and JSON of people, not files.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest time that a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A session ends after so much idleness.
const SESSION_IDLE: CookieDuration = CookieDuration::hours(12);

/// The whole web server. `stop` ends what would otherwise outlast its request.
pub(crate) fn router(ops: &Ops, config: &Config, address: SocketAddr, stop: &CancellationToken) -> Router {
    let site = site::find(config, address);
    let options = site.options.clone();
    let (for_routes, for_fallback) = (ops.clone(), ops.clone());
    let context = move || {
        provide_context(for_routes.clone());
        headers::content_security_policy(address);
    };
    let fallback_context = move || {
        provide_context(for_fallback.clone());
        headers::content_security_policy(address);
    };
    let shell_options = options.clone();
    let tokens = tokens::routes(tokens::Pages { ops: ops.clone(), options: options.clone(), context: context.clone() });
    let pages = Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context, move || shell(shell_options.clone()))
        .fallback(leptos_axum::file_and_error_handler_with_context(fallback_context, shell))
        .with_state(options.clone());
    let sessions = SessionManagerLayer::new(ControlSessionStore::new(ops.clone()))
        .with_name(SESSION_COOKIE)
        .with_secure(config.server.secure_cookie)
        .with_same_site(SameSite::Lax)
        .with_http_only(true)
        .with_expiry(Expiry::OnInactivity(SESSION_IDLE));
    let auth = Auth::new(ops.clone());
    let api = api::routes(ops, stop);
    let by_token = ByToken { ops: ops.clone(), api: api.clone() };
    let protected = Router::new()
        .merge(auth::routes().with_state(auth.clone()))
        .merge(language::routes())
        .merge(api)
        .merge(events::routes(ops.clone(), stop.clone()))
        .merge(pages)
        .merge(tokens)
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(by_token, bearer::by_token))
                .layer(CsrfLayer::new())
                .layer(sessions)
                .layer(from_fn_with_state(auth, auth::require_session)),
        );
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(from_fn(headers::security))
        .layer(from_fn(api::one_error_body))
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, REQUEST_TIMEOUT))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CompressionLayer::new().compress_when(compressible()));
    Router::new().route("/health", get(|| async { "ok" })).merge(site::assets(&site)).merge(protected).layer(layers)
}

/// What the log says with each line of a request: nothing of its query, which names persons.
fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", id)
}

/// What is compressed: not exports, where that would cost more than reading them does, and hold their first rows back.
fn compressible() -> impl Predicate {
    let [csv, ndjson, parquet] = [ExportFormat::Csv, ExportFormat::Ndjson, ExportFormat::Parquet]
        .map(|format| NotForContentType::const_new(format.content_type()));
    DefaultPredicate::new().and(csv).and(ndjson).and(parquet)
}
