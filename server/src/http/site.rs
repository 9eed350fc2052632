//! Where the site's assets are, and how they are served.

use crate::config::Config;
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use leptos::config::LeptosOptions;
use leptos_axum::{site_pkg_dir_service, site_pkg_dir_service_route_path};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tower::ServiceBuilder;
use tower_http::set_header::SetResponseHeaderLayer;

/// Names with a hash of their content never change; others are asked for again each time.
const CACHE_HASHED: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const CACHE_NAMED: HeaderValue = HeaderValue::from_static("no-cache");

/// What Leptos wants to know. Assets are hashed when the build left a `hash.txt` beside the executable.
pub(super) fn options(config: &Config, address: SocketAddr) -> LeptosOptions {
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let shipped = beside.map(|folder| folder.join("site")).filter(|site| site.is_dir());
    let root = std::env::var_os("LEPTOS_SITE_ROOT")
        .map(PathBuf::from)
        .or_else(|| config.server.site.clone())
        .or_else(|| shipped.clone())
        .unwrap_or_else(|| PathBuf::from("target/site"));
    let hashed = shipped.as_ref() == Some(&root)
        && shipped.as_ref().and_then(|site| site.parent()).is_some_and(|folder| folder.join("hash.txt").is_file());
    LeptosOptions::builder()
        .output_name("payhist")
        .site_root(root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(address)
        .hash_files(hashed)
        .build()
}

/// The assets: nothing in them needs a session.
pub(super) fn assets(options: &LeptosOptions) -> Router {
    let cache = if options.hash_files { CACHE_HASHED } else { CACHE_NAMED };
    let service = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, cache))
        .service(site_pkg_dir_service(options));
    Router::new().route_service(&site_pkg_dir_service_route_path(options), service)
}
