//! The REST API over real HTTP: who may, by token or by session, and the one error body.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::error::{ApiError, ErrorKind};
use payhist_types::history::{Policy, Switches};
use payhist_types::operator::{Permission, Role};
use payhist_types::token::NewToken;
use reqwest::{Client, Method, Response};
use support::{Browser, Serve, configuration, operator, token};

const PAYMENTS: &str = "/api/v1/payments";

async fn served() -> (TestOps, tempfile::TempDir, Serve) {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:00Z").await;
    let policy = Policy { premake_months: Some(1), zone: "UTC".to_owned(), ..Policy::default() };
    test.history(2, policy, Switches::default(), "2026-10", "2026-12").await;
    let folder = tempfile::tempdir().unwrap();
    let serve = Serve::start(&configuration(&test, folder.path()));
    (test, folder, serve)
}

/// A program with what it sends as `Authorization`.
struct Program {
    client: Client,
    url: String,
    authorization: String,
}

impl Program {
    fn new(serve: &Serve, authorization: &str) -> Self {
        // reqwest has no cryptography of its own here, and wants some even for plain HTTP (payhist_archive::store).
        let _installed_already = rustls::crypto::ring::default_provider().install_default();
        Self { client: Client::new(), url: serve.url.clone(), authorization: authorization.to_owned() }
    }

    fn with(serve: &Serve, token: &NewToken) -> Self {
        Self::new(serve, &format!("Bearer {}", token.secret))
    }

    async fn send(&self, method: Method, path: &str) -> Response {
        let request = self.client.request(method, format!("{}{path}", self.url));
        request.header("authorization", &self.authorization).send().await.unwrap()
    }

    async fn status(&self, path: &str) -> u16 {
        self.send(Method::GET, path).await.status().as_u16()
    }
}

/// The one error body, which every failure has.
async fn error(answer: Response, status: u16) -> ApiError {
    let (url, headers, got) = (answer.url().clone(), answer.headers().clone(), answer.status());
    let text = answer.text().await.unwrap();
    assert_eq!(got, status, "{url}: {text}");
    assert_eq!(headers["content-type"], "application/json", "{url}");
    let error: ApiError = serde_json::from_str(&text).unwrap();
    assert_eq!(error.request_id.as_deref(), headers["x-request-id"].to_str().ok(), "{url}");
    error
}

#[tokio::test]
async fn a_token_opens_the_api_and_nothing_else() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Admin).await;
    let made = token(&test, Role::Admin, &[Permission::ViewPayments, Permission::ManageJobs]).await;
    let program = Program::with(&serve, &made);
    assert_eq!(program.status(PAYMENTS).await, 200);
    for closed in ["/payments", "/settings/tokens", "/api/ui/jobs", "/api/v1x"] {
        let answer = program.send(Method::GET, closed).await;
        let ends_at_login = answer.status() == 401 || answer.url().path() == "/login";
        assert!(ends_at_login, "{closed}: {} {}", answer.status(), answer.url());
    }
    assert_eq!(program.send(Method::POST, "/api/ui/jobs/run").await.status(), 401);
}

#[tokio::test]
async fn a_token_is_held_to_its_scopes_and_its_owners_present_role() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Admin).await;
    let program = Program::with(&serve, &token(&test, Role::Admin, &[Permission::ViewJobs]).await);
    let refused = error(program.send(Method::GET, PAYMENTS).await, 403).await;
    assert_eq!(refused.kind, ErrorKind::Forbidden);

    let made = token(&test, Role::Admin, &[Permission::ViewPayments]).await;
    let program = Program::with(&serve, &made);
    assert_eq!(program.status(PAYMENTS).await, 200);
    let mut connection = test.db.connect().await;
    for (off, on) in [
        ("UPDATE operator SET disabled_at = NOW(6)", "UPDATE operator SET disabled_at = NULL"),
        ("UPDATE api_token SET expires_at = '2026-01-01'", "UPDATE api_token SET expires_at = '9000-01-01'"),
        ("UPDATE api_token SET revoked_at = NOW(6)", "UPDATE api_token SET revoked_at = NULL"),
    ] {
        sqlx::query(off).execute(&mut connection).await.unwrap();
        let refused = program.send(Method::GET, PAYMENTS).await;
        assert_eq!(refused.headers()["www-authenticate"], "Bearer");
        assert_eq!(error(refused, 401).await.kind, ErrorKind::LoginRequired, "{off}");
        sqlx::query(on).execute(&mut connection).await.unwrap();
        assert_eq!(program.status(PAYMENTS).await, 200, "{on}");
    }
}

#[tokio::test]
async fn a_wrong_token_never_falls_back_to_the_session() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Admin).await;
    let made = token(&test, Role::Admin, &[Permission::ViewPayments]).await;
    let browser = Browser::logged_in(&serve, Role::Admin).await;
    assert_eq!(browser.get(PAYMENTS).await.status(), 200);
    let wrong = format!("payhist_{}", "0".repeat(64));
    for header in [
        format!("Bearer {wrong}"),
        format!("Basic {}", made.secret),
        made.secret.clone(),
        "Bearer".to_owned(),
        String::new(),
    ] {
        let refused = error(browser.get_with(PAYMENTS, &[("authorization", &header)]).await, 401).await;
        assert_eq!(refused.kind, ErrorKind::LoginRequired, "{header}");
    }
    let both = [("authorization", format!("Bearer {}", made.secret)), ("authorization", format!("Bearer {wrong}"))];
    let both: Vec<_> = both.iter().map(|(name, value)| (*name, value.as_str())).collect();
    error(browser.get_with(PAYMENTS, &both).await, 401).await;
    assert_eq!(
        browser.get_with("/payments", &[("authorization", "Bearer x")]).await.status(),
        200,
        "pages do not look at it"
    );
}

#[tokio::test]
async fn every_failure_has_the_one_error_body() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Viewer).await;
    error(Browser::new(&serve).get(PAYMENTS).await, 401).await;
    error(Browser::new(&serve).get("/api/v1/nowhere").await, 401).await;
    let program = Program::with(&serve, &token(&test, Role::Viewer, &[Permission::ViewPayments]).await);
    for (method, path, status) in [
        (Method::GET, "/api/v1", 404),
        (Method::GET, "/api/v1/", 404),
        (Method::GET, "/api/v1/nowhere", 404),
        (Method::GET, "/api/v1/payments/", 404),
        (Method::GET, "/api/v1/payments/1", 404),
        (Method::GET, "/api/v1/payments?history=nothing", 404),
        (Method::POST, PAYMENTS, 405),
        (Method::DELETE, "/api/v1/payments/1", 405),
        (Method::GET, "/api/v1/payments/x", 400),
        (Method::GET, "/api/v1/payments/%FF", 400),
        (Method::GET, "/api/v1/payments/search/%FF", 400),
        (Method::GET, "/api/v1/payments/search/%20", 400),
    ] {
        error(program.send(method, path).await, status).await;
    }
    let session = Browser::logged_in(&serve, Role::Viewer).await;
    error(session.get("/api/v1/nowhere").await, 404).await;
    let elsewhere = error(session.post_from_elsewhere(PAYMENTS, &[]).await, 403).await;
    assert_eq!(elsewhere.kind, ErrorKind::Forbidden);
    assert_eq!(program.send(Method::POST, PAYMENTS).await.headers()["allow"], "GET,HEAD");
}

#[tokio::test]
async fn a_filter_never_fails_to_count_in_silence() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Viewer).await;
    let program = Program::with(&serve, &token(&test, Role::Viewer, &[Permission::ViewPayments]).await);
    for (query, field) in [
        ("user_id=7", "user_id"),
        ("user=", "user"),
        ("user=%20", "user"),
        ("user=7%20", "user"),
        ("user=7&user=8", "user"),
        ("user", "user"),
        ("=7", ""),
        ("%FF=7", "\u{FFFD}"),
        ("query[user]=7", "query[user]"),
    ] {
        let wrong = error(program.send(Method::GET, &format!("{PAYMENTS}?{query}")).await, 400).await;
        assert_eq!(wrong.fields.iter().map(|field| field.field.as_str()).collect::<Vec<_>>(), [field], "{query}");
    }
    for path in ["/api/v1/payments/1?user=7", "/api/v1/payments/search/1?order=7"] {
        error(program.send(Method::GET, path).await, 400).await;
    }
    assert_eq!(program.status("/api/v1/payments?user=7&limit=1").await, 200);
}

#[tokio::test]
async fn the_document_is_served_to_everybody_and_is_the_kept_one() {
    let (_test, _folder, serve) = served().await;
    let answer = Browser::new(&serve).get("/api/v1/openapi.json").await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
        (200, "application/json")
    );
    assert_eq!(answer.text().await.unwrap(), include_str!("../../docs/openapi.json"));
}

#[tokio::test]
async fn the_page_shows_a_new_tokens_secret_once_and_no_log_ever() {
    let (test, folder, quiet) = served().await;
    drop(quiet);
    let serve = Serve::start_logging(&configuration(&test, folder.path()), "trace");
    operator(&test, Role::Viewer).await;
    let browser = Browser::logged_in(&serve, Role::Viewer).await;
    let form = [("name", "nightly report"), ("days", "7"), ("scopes", "view_payments"), ("scopes", "view_jobs")];
    let answer = browser.post("/settings/tokens", &form).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["cache-control"].to_str().unwrap()), (200, "no-store"));
    let page = answer.text().await.unwrap();
    let secret = page.split("<code>payhist_").nth(1).unwrap().split('<').next().unwrap();
    let program = Program::new(&serve, &format!("Bearer payhist_{secret}"));
    let sql = "UPDATE api_token SET expires_at = '9000-01-01'"; // the server's clock may be later than the test's
    sqlx::query(sql).execute(&mut test.db.connect().await).await.unwrap();
    assert_eq!(program.status(PAYMENTS).await, 200);
    assert_eq!(Program::new(&serve, &format!("Bearer payhist_{secret}0")).status(PAYMENTS).await, 401);

    let page = browser.get("/settings/tokens").await.text().await.unwrap();
    assert!(page.contains("nightly report") && page.contains("view payments, view jobs"), "{page}");
    assert!(!page.contains(secret), "it is shown once");
    let log = serve.log();
    assert!(log.contains("/settings/tokens") && log.contains("api_token"), "it logs all that it does: {log}");
    assert!(!log.contains(secret), "the log holds no secret");

    for (form, field) in [
        ([("name", ""), ("scopes", "view_payments")], "name"),
        ([("name", "x"), ("scopes", "manage_jobs")], "scopes"),
        ([("name", "x"), ("scopes", "everything")], "scopes"),
        ([("name", "x"), ("days", "soon")], "days"),
    ] {
        let answer = browser.post("/settings/tokens", &form).await;
        assert_eq!(answer.status(), 400, "{form:?}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("role=\"alert\"") && page.contains(&format!("<strong>{field}<")), "{form:?}");
    }
    assert_eq!(browser.post("/api/ui/tokens/revoke", &[("token", "1")]).await.status(), 200);
    assert_eq!(program.status(PAYMENTS).await, 401);
}
