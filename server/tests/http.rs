//! The web server over real HTTP: nothing without a session, nothing beyond the role, nothing from other sites.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_ops::auth::Permit;
use payhist_storage::runs;
use payhist_testkit::{TestOps, waiting};
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use payhist_types::operator::Role;
use payhist_types::run::RunOutcome;
use std::collections::BTreeSet;
use std::time::Duration;
use support::{Browser, PASSWORD, Serve, configuration, operator};

const PAGES: [&str; 19] = [
    "/",
    "/payments",
    "/payments/summary",
    "/payments/1",
    "/payments/export",
    "/payments/exports",
    "/partitions",
    "/partitions/plan",
    "/partitions/runs/1",
    "/partitions/payments/2026-10",
    "/holds",
    "/partitions/simulate",
    "/settings",
    "/settings/tokens",
    "/jobs",
    "/jobs/premake",
    "/database",
    "/database/deadlocks/1",
    "/nowhere",
];
const ROLES: [Role; 5] = [Role::Viewer, Role::Operator, Role::Dba, Role::Compliance, Role::Admin];

type Mutation = (&'static str, &'static [(&'static str, &'static str)], &'static [Role]);

/// Roles that see payments.
const ALL: &[Role] = &ROLES;

type Operation = (&'static str, &'static str, &'static str, &'static [Role]);

/// Roles that take payments away or see them in clear.
const CLERKS: &[Role] = &[Role::Operator, Role::Compliance, Role::Admin];

/// The operations of the REST API with a body that they accept, and the roles that may.
const API: [Operation; 11] = [
    ("GET", "/api/v1/payments", "", ALL),
    ("GET", "/api/v1/payments/{id}", "", ALL),
    ("GET", "/api/v1/payments/{id}/explain", "", ALL),
    ("POST", "/api/v1/payments/{id}/reveal", r#"{"reason":"the customer asks"}"#, CLERKS),
    ("GET", "/api/v1/payments/search/{text}", "", ALL),
    ("GET", "/api/v1/payments/summary", "", ALL),
    ("GET", "/api/v1/exports", "", ALL),
    ("POST", "/api/v1/exports", "format=csv", CLERKS),
    ("GET", "/api/v1/exports/{id}", "", ALL),
    ("GET", "/api/v1/exports/{id}/manifest", "", ALL),
    ("DELETE", "/api/v1/exports/{id}", "", CLERKS),
];

/// The one that everybody may read.
const DOCUMENT: (&str, &str) = ("GET", "/api/v1/openapi.json");

/// Server functions and forms that change something, with a form that they accept, and the roles that may.
const MUTATIONS: [Mutation; 15] = [
    // Everybody makes and ends their own tokens; this one is nobody's.
    ("/settings/tokens", &[("name", "report"), ("scopes", "view_payments")], ALL),
    ("/api/ui/tokens/revoke", &[("token", "999")], ALL),
    (
        "/api/ui/partitions/apply",
        &[("history", "payments"), ("hash", "stale"), ("drops", "false"), ("confirm", "")],
        &[Role::Dba, Role::Admin],
    ),
    (
        "/api/ui/partitions/switch",
        &[("history", "payments"), ("switch", "create"), ("on", "true"), ("confirm", "")],
        &[Role::Dba, Role::Admin],
    ),
    ("/api/ui/partitions/restore", &[("history", "payments"), ("month", "2026-10")], &[Role::Dba, Role::Admin]),
    (
        "/api/ui/policies/set",
        &[("history", "payments"), ("version", "0"), ("confirm", "payments"), ("edit[retention]", "5 years")],
        &[Role::Dba, Role::Admin],
    ),
    ("/api/ui/jobs/run", &[("name", "runway-check")], &[Role::Dba, Role::Admin]),
    ("/api/ui/jobs/pause", &[("name", "runway-check"), ("paused", "false")], &[Role::Dba, Role::Admin]),
    (
        "/api/ui/holds/place",
        &[("history", "payments"), ("kind", "user"), ("which", "7"), ("case_number", "1"), ("reason", "audit")],
        &[Role::Compliance, Role::Admin],
    ),
    (
        "/api/ui/payment/reveal",
        &[("history", "payments"), ("id", "7"), ("reason", "the customer asks")],
        &[Role::Operator, Role::Compliance, Role::Admin],
    ),
    ("/api/ui/views/save", &[("name", "failed"), ("shared", "true"), ("address", "status=FAILED")], ALL),
    ("/api/ui/views/forget", &[("id", "1")], ALL),
    ("/api/ui/exports/cancel", &[("export", "1")], &[Role::Operator, Role::Compliance, Role::Admin]),
    ("/api/ui/holds/ask-release", &[("hold", "1"), ("reason", "closed")], &[Role::Compliance, Role::Admin]),
    ("/api/ui/holds/approve-release", &[("hold", "1")], &[Role::Compliance, Role::Admin]),
];

/// Every server function that the application has, with its method.
fn server_functions() -> Vec<(&'static str, http::Method)> {
    // Naming the application is what links it, and so registers its functions.
    std::hint::black_box(&payhist_app::App);
    leptos::server_fn::axum::server_fn_paths().collect()
}

async fn served() -> (TestOps, tempfile::TempDir, Serve) {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:00Z").await;
    let policy =
        Policy { premake_months: Some(1), retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
    test.history(2, policy, Switches::default(), "2026-10", "2026-12").await;
    let folder = tempfile::tempdir().unwrap();
    let serve = Serve::start(&configuration(&test, folder.path()));
    (test, folder, serve)
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_the_login_and_every_function_is_refused() {
    let (_test, _folder, serve) = served().await;
    let stranger = Browser::new(&serve);
    for page in PAGES {
        let answer = stranger.get(page).await;
        let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        assert!(
            answer.status() == 303 && location.starts_with("/login?next="),
            "{page}: {} {location}",
            answer.status()
        );
    }
    for (method, path, body, _) in API {
        assert_eq!(ask(&stranger, method, path, body).await, 401, "{method} {path}");
    }
    let functions = server_functions();
    assert!(functions.len() >= 15, "the server functions are registered: {functions:?}");
    for (path, method) in functions {
        let answer =
            if method == http::Method::GET { stranger.get(path).await } else { stranger.post(path, &[]).await };
        assert_eq!(answer.status(), 401, "{method} {path}");
    }
    assert_eq!(stranger.get("/health").await.status(), 200);
    assert_eq!(stranger.get("/login").await.status(), 200);
}

/// The status of an operation's answer.
async fn ask(browser: &Browser, method: &str, path: &str, body: &'static str) -> u16 {
    let path = path.replace("{id}", "1").replace("{text}", "1");
    browser.send(method.parse().unwrap(), &path, body).await.status().as_u16()
}

#[tokio::test]
async fn every_operation_of_the_api_is_held_to_its_roles() {
    let document: serde_json::Value = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    let known = API.iter().map(|(method, path, ..)| (*method, *path)).chain([DOCUMENT]);
    let known: BTreeSet<_> = known.map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(known, operations.collect(), "a new operation has to be added to the table above");

    let (test, _folder, serve) = served().await;
    for role in ROLES {
        operator(&test, role).await;
        let browser = Browser::logged_in(&serve, role).await;
        for (method, path, body, allowed) in API {
            let status = ask(&browser, method, path, body).await;
            if allowed.contains(&role) {
                assert!([200, 202, 404, 409, 429].contains(&status), "{role} {method} {path}: {status}");
            } else {
                assert_eq!(status, 403, "{role} {method} {path}");
            }
        }
    }
}

/// What is in the table of pages is asked for without a session and by every role: a new page has to be added there.
#[tokio::test]
async fn every_page_is_in_the_table() {
    let is_of = |page: &str, route: &str| {
        let (page, route): (Vec<_>, Vec<_>) = (page.split('/').collect(), route.split('/').collect());
        page.len() == route.len() && route.iter().zip(page).all(|(part, of)| part.starts_with('{') || *part == of)
    };
    let routes: Vec<_> = leptos_axum::generate_route_list(payhist_app::App);
    assert!(routes.len() > 15, "the pages are found");
    for route in routes.iter().map(leptos_axum::AxumRouteListing::path).filter(|route| *route != "/login") {
        assert!(PAGES.iter().any(|page| is_of(page, route)), "{route} is not in the test's table");
    }
}

#[tokio::test]
async fn a_form_sent_without_a_session_leads_to_the_login_and_back_to_its_page() {
    let (_test, _folder, serve) = served().await;
    let answer = Browser::new(&serve).post_from_page("/api/ui/jobs/run", &[("name", "premake")], "/jobs?a=1").await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/login?error=ended&next=%2Fjobs%3Fa%3D1");
}

#[tokio::test]
async fn every_function_that_changes_something_is_held_to_its_roles_and_the_rest_to_reading() {
    let (test, _folder, serve) = served().await;
    let mut browsers = Vec::new();
    for role in ROLES {
        operator(&test, role).await;
        browsers.push((role, Browser::logged_in(&serve, role).await));
    }
    for (path, form, allowed) in MUTATIONS {
        for (role, browser) in &browsers {
            let status = browser.post(path, form).await.status().as_u16();
            if allowed.contains(role) {
                assert!([200, 302, 303, 404, 409].contains(&status), "{role} {path}: {status}");
            } else {
                assert_eq!(status, 403, "{role} {path}");
            }
        }
    }
    // Whatever is not in the table above must be a read: a new mutation has to be added there.
    let known: Vec<_> = MUTATIONS.iter().map(|(path, ..)| *path).collect();
    for (path, method) in server_functions() {
        assert!(method == http::Method::GET || known.contains(&path), "{method} {path} is not in the test's table");
    }
    for (role, browser) in &browsers {
        for page in PAGES.iter().filter(|page| !page.ends_with("/1") && **page != "/nowhere") {
            assert_eq!(browser.get(page).await.status(), 200, "{role} {page}");
        }
        for gone in [
            "/payments/1",
            "/partitions/runs/999",
            "/partitions/payments/2026",
            "/partitions/nothing/2026-10",
            "/database/deadlocks/999",
            "/jobs/nothing",
            "/nowhere",
        ] {
            assert_eq!(browser.get(gone).await.status(), 404, "{role} {gone}");
        }
    }
}

#[tokio::test]
async fn a_hold_is_released_by_two_people_and_never_by_who_asked() {
    let (test, _folder, serve) = served().await;
    let (asker, other) = (Role::Compliance, Role::Admin);
    operator(&test, asker).await;
    operator(&test, other).await;
    let (asker, other) = (Browser::logged_in(&serve, asker).await, Browser::logged_in(&serve, other).await);
    let hold = [("history", "payments"), ("kind", "user"), ("which", "7"), ("case_number", "1"), ("reason", "audit")];
    assert_eq!(asker.post("/api/ui/holds/place", &hold).await.status(), 200);
    let released = async || {
        let sql = "SELECT COUNT(*) FROM legal_hold WHERE released_at IS NOT NULL";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut test.db.connect().await).await.unwrap()
    };
    let (ask, approve) = ("/api/ui/holds/ask-release", "/api/ui/holds/approve-release");
    assert_eq!(other.post(approve, &[("hold", "1")]).await.status(), 409, "nobody has asked");
    assert_eq!(asker.post(ask, &[("hold", "1"), ("reason", "closed")]).await.status(), 200);
    assert_eq!(asker.post(approve, &[("hold", "1")]).await.status(), 409, "who asked is not another person");
    assert_eq!(released().await, 0);
    assert_eq!(other.post(approve, &[("hold", "1")]).await.status(), 200);
    assert_eq!(released().await, 1);
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Admin).await;
    let browser = Browser::logged_in(&serve, Role::Admin).await;
    for (path, form, _) in MUTATIONS {
        assert_eq!(browser.post_from_elsewhere(path, form).await.status(), 403, "{path}");
    }
}

#[tokio::test]
async fn the_cookie_decides_the_language_then_the_browser_and_else_it_is_english() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Admin).await;
    let browser = Browser::logged_in(&serve, Role::Admin).await;
    // Of the document, of the rail's words, of what the page says itself.
    let language = async |page: &str, wish: &str| {
        let text = browser.get_with(page, &[("accept-language", wish)]).await.text().await.unwrap();
        let main = text.split_once("<main").unwrap().1.split_once('>').unwrap().0;
        (text.contains(r#"<html lang="ko""#), text.contains("작업"), main.contains(r#"lang="en""#))
    };
    let (english, korean, korean_frame) = ((false, false, false), (true, true, false), (true, true, true));
    assert_eq!(language("/payments", "").await, english);
    assert_eq!(language("/payments", "ko-KR,ko;q=0.9,en;q=0.8").await, korean);
    assert_eq!(language("/payments", "en-US,ko;q=0.9").await, english);
    assert_eq!(language("/payments", "fr").await, english);
    assert_eq!(language("/holds", "ko").await, korean_frame, "what is not translated is English, and says so");

    assert_eq!(browser.post("/language", &[("to", "ko"), ("next", "/payments")]).await.status(), 303);
    assert_eq!(language("/payments", "en-US").await, korean);
    assert_eq!(browser.post("/language", &[("to", "en"), ("next", "/payments")]).await.status(), 303);
    assert_eq!(language("/payments", "ko").await, english);
}

#[tokio::test]
async fn the_choice_of_a_language_needs_no_session_and_never_leads_to_another_site() {
    let (_test, _folder, serve) = served().await;
    let stranger = Browser::new(&serve);
    for (next, to) in [
        ("/payments?status=PAID", "/payments?status=PAID"),
        ("/login?next=%2Fjobs", "/login?next=%2Fjobs"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ] {
        let answer = stranger.post("/language", &[("to", "ko"), ("next", next)]).await;
        assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (303, to), "{next:?}");
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("payhist_lang=ko; HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000"), "{cookie}");
    }
    assert_eq!(stranger.post("/language", &[("to", "xx"), ("next", "/")]).await.status(), 400);
    assert_eq!(stranger.post_from_elsewhere("/language", &[("to", "ko"), ("next", "/")]).await.status(), 403);
}

#[tokio::test]
async fn a_disabled_operator_is_soon_out_and_a_logged_out_session_is_dead() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Admin).await;
    let browser = Browser::logged_in(&serve, Role::Admin).await;
    let mut connection = test.db.connect().await;
    sqlx::query("UPDATE operator SET disabled_at = NOW(6)").execute(&mut connection).await.unwrap();
    // A principal is trusted for a second: the session that was just used is out then, not never.
    while browser.get("/api/v1/payments").await.status() != 401 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    sqlx::query("UPDATE operator SET disabled_at = NULL").execute(&mut connection).await.unwrap();
    assert_eq!(browser.get("/api/v1/payments").await.status(), 200);
    assert_eq!(browser.post("/logout", &[]).await.status(), 303);
    assert_eq!(browser.get("/api/v1/payments").await.status(), 401);
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_account_and_the_right_one_no_longer_helps() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Admin).await;
    let browser = Browser::new(&serve);
    let login = async |password: &'static str| {
        let answer = browser.post("/login", &[("login", "admin"), ("password", password), ("next", "/")]).await;
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    for _ in 0..5 {
        assert!(login("wrong").await.starts_with("/login?error=wrong"));
    }
    assert!(login(PASSWORD).await.starts_with("/login?error=locked"));
}

#[tokio::test]
async fn pages_carry_a_strict_policy_with_a_fresh_nonce() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Viewer).await;
    let browser = Browser::logged_in(&serve, Role::Viewer).await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let answer = browser.get("/jobs").await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        nonces.push(policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned());
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn the_plan_shows_each_replica_and_a_run_how_long_its_steps_waited() {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:00Z").await;
    let policy = Policy { premake_months: Some(1), ..Policy::default() };
    test.history(1, policy, Switches::default(), "2026-10", "2026-11").await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&test, folder.path());
    let text = std::fs::read_to_string(&config).unwrap();
    let url = text.lines().last().unwrap().strip_prefix("url = ").unwrap();
    std::fs::write(&config, format!("{text}replicas = [{{ name = \"copy\", url = {url} }}]\n")).unwrap();
    let serve = Serve::start(&config);
    operator(&test, Role::Viewer).await;
    let browser = Browser::logged_in(&serve, Role::Viewer).await;
    let page = browser.get("/partitions/plan").await.text().await.unwrap();
    assert!(page.contains("copy") && page.contains("no replica: the server replicates from nobody"), "{page}");

    let plan = payhist_ops::rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    let hash = plan.hash.0;
    let run = payhist_ops::rotation::apply_and_wait(&test.ops, &Permit::for_command(), "", &hash).await.unwrap();
    assert_eq!(run.steps[0].wait_ms, Some(0), "{run:#?}");
    sqlx::query("UPDATE rotation_step SET wait_ms = 61500").execute(&mut test.db.connect().await).await.unwrap();
    let page = browser.get(&format!("/partitions/runs/{}", run.id)).await.text().await.unwrap();
    assert!(page.contains(">Wait<") && page.contains(">1 min 1 s"), "{page}");
}

#[tokio::test]
async fn a_run_is_followed_by_events_until_it_is_over() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Viewer).await;
    let plan = payhist_ops::rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    let history = payhist_ops::histories::find(&test.ops, "").await.unwrap();
    let mut connection = test.db.connect().await;
    let run = runs::create(&mut connection, history.id, &plan, "test", test.clock.now()).await.unwrap();
    let path = format!("/api/ui/partitions/runs/{run}/events");
    assert_eq!(Browser::new(&serve).get(&path).await.status(), 401);
    let browser = Browser::logged_in(&serve, Role::Viewer).await;
    assert_eq!(browser.get("/api/ui/partitions/runs/999/events").await.status(), 404);

    let mut events = browser.get(&path).await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    assert_eq!(events.chunk().await.unwrap().unwrap(), "data: running\n\n");
    runs::finish(&mut connection, run, RunOutcome::Done, test.clock.now()).await.unwrap();
    assert_eq!(events.chunk().await.unwrap().unwrap(), "data: done\n\n");
    assert_eq!(events.chunk().await.unwrap(), None, "it ends with the run");
}

/// The tables are locked, so that the request would wait: its browser goes away, and the server's statements end.
#[tokio::test]
async fn a_request_that_is_given_up_ends_its_statements() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Viewer).await;
    let browser = Browser::logged_in(&serve, Role::Viewer).await;
    let ended = async || {
        let page = browser.get("/database").await.text().await.unwrap();
        let before = page.split(" statements that nobody waited for").next().unwrap();
        before.rsplit(['>', ' ']).find_map(|word| word.parse::<u64>().ok()).unwrap_or_else(|| panic!("{page}"))
    };
    let mut locker = test.db.connect().await;
    let mut watcher = test.db.connect().await;
    for path in ["/api/v1/payments", "/payments"] {
        assert_eq!(browser.get(path).await.status(), 200);
        sqlx::raw_sql("LOCK TABLES payment_history_shard_0 WRITE").execute(&mut locker).await.unwrap();
        let before = ended().await;
        let mut request = Box::pin(browser.get(path));
        loop {
            if waiting(&mut watcher, &format!("%{}%", test.db.name())).await > 0 {
                break;
            }
            let early = tokio::time::timeout(Duration::from_millis(10), &mut request).await;
            assert!(early.is_err(), "{path}: it waits for the locked table");
        }
        drop(request);
        while ended().await == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        sqlx::raw_sql("UNLOCK TABLES").execute(&mut locker).await.unwrap();
    }
}

#[tokio::test]
async fn the_api_answers_wrong_input_by_field() {
    let (test, _folder, serve) = served().await;
    operator(&test, Role::Viewer).await;
    let browser = Browser::logged_in(&serve, Role::Viewer).await;
    let answer = browser.get("/api/v1/payments?user=x&limit=9999").await;
    assert_eq!(answer.status(), 400);
    let error: payhist_types::error::ApiError = answer.json().await.unwrap();
    assert_eq!(error.fields.iter().map(|field| field.field.as_str()).collect::<Vec<_>>(), ["user", "limit"]);
}
