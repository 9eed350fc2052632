//! Login, logout, and the session that every other request needs. Plain form posts: they work without JavaScript.
//!
//! Invariant: a session's principal is read anew after [`PRINCIPAL_TRUSTED_FOR`], so that a disabled operator or a
//! changed role counts then, on every instance; a log-out counts at once on the instance that did it.

use super::api::Failure;
use axum::Router;
use axum::extract::{Form, FromRef, Request, State};
use axum::http::Method;
use axum::http::header::{ACCEPT, REFERER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use moka::sync::Cache;
use payhist_ops::{Ops, OpsError, Principal, auth};
use serde::Deserialize;
use std::time::Duration;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_sessions::Session;
use tower_sessions::session::Id;

/// The session's key of the operator's row id.
const OPERATOR: &str = "operator";
/// Logins at once: each takes 19 MiB and a core for its argon2 hash.
const LOGINS_AT_ONCE: usize = 2;

/// For how long a session's principal is taken from memory: without it each request costs two more statements.
const PRINCIPAL_TRUSTED_FOR: Duration = Duration::from_secs(1);
/// Most principals kept.
const PRINCIPALS_MAX: u64 = 10_000;

/// Who is behind a session.
#[derive(Clone)]
pub(super) struct Auth {
    ops: Ops,
    principals: Cache<Id, Principal>,
}

impl Auth {
    pub(super) fn new(ops: Ops) -> Self {
        let principals = Cache::builder().max_capacity(PRINCIPALS_MAX).time_to_live(PRINCIPAL_TRUSTED_FOR).build();
        Self { ops, principals }
    }

    async fn principal(&self, session: &Session) -> Result<Option<Principal>, OpsError> {
        let Some(id) = session.id() else { return Ok(None) };
        if let Some(principal) = self.principals.get(&id) {
            return Ok(Some(principal));
        }
        let operator = session.get::<u64>(OPERATOR).await.map_err(|error| OpsError::Internal(error.to_string()))?;
        let Some(operator) = operator else { return Ok(None) };
        let principal = auth::principal(&self.ops, operator).await?;
        if let Some(principal) = &principal {
            self.principals.insert(id, principal.clone());
        }
        Ok(principal)
    }
}

impl FromRef<Auth> for Ops {
    fn from_ref(auth: &Auth) -> Self {
        auth.ops.clone()
    }
}

pub(super) fn routes() -> Router<Auth> {
    Router::new()
        .route("/login", post(login).layer(GlobalConcurrencyLimitLayer::new(LOGINS_AT_ONCE)))
        .route("/logout", post(logout))
}

#[derive(Deserialize)]
struct LoginForm {
    login: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn login(State(ops): State<Ops>, session: Session, Form(form): Form<LoginForm>) -> Response {
    let next = local_path(&form.next);
    match auth::login(&ops, form.login.trim(), &form.password).await {
        Ok(principal) => {
            let renewed = async {
                session.cycle_id().await?; // a session id from before the login is worth nothing after it
                session.insert(OPERATOR, principal.operator().id).await
            };
            match renewed.await {
                Ok(()) => Redirect::to(next).into_response(),
                Err(error) => failed(OpsError::Internal(error.to_string())),
            }
        }
        Err(OpsError::LoginRequired) => back("wrong", next),
        Err(OpsError::TooMany(_)) => back("locked", next),
        Err(error) => failed(error),
    }
}

fn back(error: &str, next: &str) -> Response {
    Redirect::to(&format!("/login?error={error}&next={}", encode(next))).into_response()
}

async fn logout(State(auth): State<Auth>, session: Session) -> Response {
    if let Some(id) = session.id() {
        auth.principals.invalidate(&id);
    }
    match session.flush().await {
        Ok(()) => Redirect::to("/login").into_response(),
        Err(error) => failed(OpsError::Internal(error.to_string())),
    }
}

/// Only paths of ours: `next` must not lead to another site.
pub(super) fn local_path(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.chars().all(|c| !c.is_control());
    if ours { next } else { "/" }
}

fn encode(path: &str) -> String {
    percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn failed(error: OpsError) -> Response {
    Failure::from(error).into_response()
}

/// Lets a request through with its [`auth::Principal`], or sends it to the login page.
pub(super) async fn require_session(
    State(auth): State<Auth>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    match auth.principal(&session).await {
        Ok(Some(principal)) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Ok(None) if is_public(&request) => next.run(request).await,
        Ok(None) if wants_page(&request) => {
            let here = request.uri().path_and_query().map_or("/", |path| path.as_str());
            Redirect::to(&format!("/login?next={}", encode(here))).into_response()
        }
        Ok(None) if is_plain_form(&request) => {
            let here = page_of_form(&request).unwrap_or("/");
            Redirect::to(&format!("/login?error=ended&next={}", encode(here))).into_response()
        }
        Ok(None) => failed(OpsError::LoginRequired),
        Err(error) => failed(error),
    }
}

fn is_public(request: &Request) -> bool {
    matches!(request.uri().path(), "/login" | "/logout" | "/language" | "/favicon.ico" | "/api/v1/openapi.json")
}

fn wants_page(request: &Request) -> bool {
    request.method() == Method::GET && !request.uri().path().starts_with("/api/")
}

fn is_plain_form(request: &Request) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    request.method() == Method::POST && accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Path and query of the page that a form was sent from.
fn page_of_form(request: &Request) -> Option<&str> {
    let (_, after_scheme) = request.headers().get(REFERER)?.to_str().ok()?.split_once("://")?;
    after_scheme.find('/').map(|path| &after_scheme[path..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_never_leads_to_another_site() {
        for (next, to) in [
            ("/payments?user=1", "/payments?user=1"),
            ("//evil", "/"),
            ("https://evil", "/"),
            ("/\\evil", "/"),
            ("", "/"),
            ("/a\nb", "/"),
        ] {
            assert_eq!(local_path(next), to, "{next:?}");
        }
    }
}
