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

/// The site as it was built.
pub(super) struct Site {
    /// What Leptos wants to know.
    pub(super) options: LeptosOptions,
    /// Are its assets named by a hash of their content? A release leaves it in `hash.txt` beside the executable.
    is_hashed: bool,
}

/// Where the site is.
pub(super) fn find(config: &Config, address: SocketAddr) -> Site {
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let shipped = beside.as_ref().map(|folder| folder.join("site")).filter(|site| site.is_dir());
    let root = std::env::var_os("LEPTOS_SITE_ROOT")
        .map(PathBuf::from)
        .or_else(|| config.server.site.clone())
        .or_else(|| shipped.clone())
        .unwrap_or_else(|| PathBuf::from("target/site"));
    let hash = beside.filter(|_| shipped.as_ref() == Some(&root));
    let hash = hash.and_then(|folder| std::fs::read_to_string(folder.join("hash.txt")).ok());
    let name = hash.as_ref().map_or_else(|| "payhist".to_owned(), |hash| format!("payhist.{}", hash.trim()));
    let options = LeptosOptions::builder()
        .output_name(name)
        .site_root(root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(address)
        .build();
    Site { options, is_hashed: hash.is_some() }
}

/// The assets: nothing in them needs a session.
pub(super) fn assets(Site { options, is_hashed }: &Site) -> Router {
    let cache = if *is_hashed { CACHE_HASHED } else { CACHE_NAMED };
    let service = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, cache))
        .service(site_pkg_dir_service(options));
    Router::new().route_service(&site_pkg_dir_service_route_path(options), service)
}
