//! The document and the routes are one; what is kept in `docs/openapi.json` is what is served.

use super::*;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::get;
use payhist_types::error::{ApiError, ErrorKind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

/// Method and path of each operation of the document.
fn documented() -> BTreeSet<(String, String)> {
    let document = serde_json::to_value(resources().into_openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations =
        paths.iter().flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (method, path)));
    operations.map(|(method, path)| (method.to_uppercase(), path.clone())).collect()
}

/// The same of the router, which tells its routes to a debugger alone: should that form change, this fails.
fn routed(routes: &Router<Ops>) -> BTreeSet<(String, String)> {
    let text = format!("{routes:?}");
    let (routes, _) = text.split_once("fallback_router").unwrap();
    let (routes, paths) = routes.split_once("node: Node { paths: {").unwrap();
    let ids = |part: &str| part.split("RouteId(").skip(1).map(str::to_owned).collect::<Vec<_>>();
    let methods: BTreeMap<_, _> = ids(routes)
        .into_iter()
        .map(|route| {
            let allowed = route.split("allow_header: Bytes(b\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            (route.split(')').next().unwrap().to_owned(), allowed)
        })
        .collect();
    let of_path = |entry: String| {
        let path = entry.split('"').nth(1).unwrap().to_owned();
        let allowed = &methods[entry.split(')').next().unwrap()];
        let methods = allowed.split(',').filter(|method| *method != "HEAD").map(str::to_owned).collect::<Vec<_>>();
        methods.into_iter().map(move |method| (method, path.clone()))
    };
    ids(paths).into_iter().flat_map(of_path).collect()
}

#[test]
fn every_route_is_in_the_document_and_every_operation_of_the_document_is_routed() {
    let (routes, _) = resources().split_for_parts();
    assert_eq!(routed(&routes), documented());
}

#[test]
fn the_kept_document_is_the_one_that_is_served() {
    let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let served = document::Text::of(&resources().into_openapi()).to_string();
    if std::env::var_os("PAYHIST_UPDATE_DOCS").is_some() {
        std::fs::write(&kept, &served).unwrap();
    }
    let kept = std::fs::read_to_string(kept).unwrap_or_default();
    assert!(
        kept == served,
        "docs/openapi.json is not what is served: run this test with PAYHIST_UPDATE_DOCS=1, and look at its diff"
    );
}

#[tokio::test]
async fn a_panic_and_a_time_out_have_the_one_error_body_too() {
    let router = Router::new()
        .route("/api/v1/panic", get(|| async { std::hint::black_box(None::<&str>).unwrap() }))
        .route("/api/v1/slow", get(std::future::pending::<()>))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(1)))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(one_error_body));
    for (path, status, kind) in
        [("/api/v1/panic", 500, ErrorKind::Internal), ("/api/v1/slow", 504, ErrorKind::Unavailable)]
    {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (status, &"application/json".parse().unwrap())
        );
        let body = axum::body::to_bytes(answer.into_body(), 4096).await.unwrap();
        assert_eq!(serde_json::from_slice::<ApiError>(&body).unwrap().kind, kind, "{path}");
    }
}
