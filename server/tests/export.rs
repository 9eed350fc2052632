//! Exports over real HTTP: who may, what comes, and that no client takes a short file for a whole one.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_ops::auth::Permit;
use payhist_ops::export;
use payhist_testkit::{Sessions, TestOps};
use payhist_types::EngineKind;
use payhist_types::export::{Export, ExportManifest, ExportState};
use payhist_types::history::{Policy, Switches};
use payhist_types::operator::Role;
use reqwest::Response;
use sha2::{Digest, Sha256};
use std::time::Duration;
use support::{Browser, Serve, configuration, operator};

const PATH: &str = "/api/v1/exports";
const CSV: [(&str, &str); 1] = [("format", "csv")];
const SHARD_1: &str = "payment_history_shard_1";

/// Two shards with two payments each.
async fn served() -> (TestOps, tempfile::TempDir, Serve) {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:00Z").await;
    let policy =
        Policy { premake_months: Some(1), retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
    test.history(2, policy, Switches::default(), "2026-10", "2026-12").await;
    test.pay("payment_history_shard_0", [(2, 2, "2026-10-02"), (4, 4, "2026-11-04")]).await;
    test.pay(SHARD_1, [(1, 1, "2026-10-01"), (3, 3, "2026-11-03")]).await;
    let folder = tempfile::tempdir().unwrap();
    let serve = Serve::start(&configuration(&test, folder.path()));
    (test, folder, serve)
}

async fn logged_in(test: &TestOps, serve: &Serve, role: Role) -> Browser {
    operator(test, role).await;
    Browser::logged_in(serve, role).await
}

fn id_of(answer: &Response) -> u64 {
    answer.headers()["payhist-export"].to_str().unwrap().parse().unwrap()
}

/// What came of a body, and whether it ended well.
async fn body(mut answer: Response) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, true),
            Err(_) => return (bytes, false),
        }
    }
}

#[tokio::test]
async fn an_export_is_held_to_the_roles_that_may_and_its_manifest_is_of_the_file() {
    let (test, _folder, serve) = served().await;
    assert_eq!(Browser::new(&serve).post(PATH, &CSV).await.status(), 401);
    for role in [Role::Viewer, Role::Dba] {
        let browser = logged_in(&test, &serve, role).await;
        assert_eq!(browser.post(PATH, &CSV).await.status(), 403, "{role}");
        assert_eq!(browser.delete("/api/v1/exports/1").await.status(), 403, "{role}");
        assert_eq!(browser.get(PATH).await.json::<Vec<Export>>().await.unwrap(), [], "{role}");
    }
    for role in [Role::Operator, Role::Compliance, Role::Admin] {
        let browser = logged_in(&test, &serve, role).await;
        let form = [("format", "csv"), ("status", "PAID"), ("from", "2026-11-01")];
        let answer = browser.post_accepting_gzip(PATH, &form).await;
        assert_eq!(answer.status(), 200, "{role}");
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let id = id_of(&answer);
        assert_eq!(header("content-type").unwrap(), "text/csv; charset=utf-8");
        assert_eq!(
            header("content-disposition").unwrap(),
            format!("attachment; filename=\"payments-export-{id}.csv\"")
        );
        assert_eq!((header("content-encoding"), header("cache-control").unwrap()), (None, "no-store".to_owned()));
        let (bytes, whole) = body(answer).await;
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(whole && text.lines().count() == 3 && text.contains("A•••"), "{text}");
        let manifest: ExportManifest = browser.get(&format!("{PATH}/{id}/manifest")).await.json().await.unwrap();
        assert_eq!(manifest.export.sha256, Some(hex::encode(Sha256::digest(&bytes))));
        assert_eq!((manifest.export.state, manifest.export.rows), (ExportState::Complete, 2));
        assert_eq!(manifest.export.started_by, format!("operator {role}"));
        assert_eq!(browser.delete(&format!("{PATH}/{id}")).await.status(), 409, "it is over");
        assert_eq!(browser.delete(&format!("{PATH}/999")).await.status(), 404);
        let clear = browser.post(PATH, &[("format", "ndjson"), ("personal", "clear"), ("reason", "court order")]).await;
        assert!(clear.text().await.unwrap().contains("Ann 4"), "{role} may reveal");
    }
}

#[tokio::test]
async fn wrong_requests_are_answered_by_field_and_forms_by_their_page() {
    let (test, _folder, serve) = served().await;
    let browser = logged_in(&test, &serve, Role::Operator).await;
    let wrong = browser.post(PATH, &[("format", "csv"), ("user", "x"), ("limit", "5")]).await;
    assert_eq!(wrong.status(), 400);
    assert_eq!(browser.post_from_elsewhere(PATH, &CSV).await.status(), 403);
    let form = [("format", "csv"), ("user", "4"), ("personal", "clear"), ("reason", "")];
    let back = browser.post_from_page(PATH, &form, "/payments/export?user=4").await;
    assert_eq!(back.status(), 303);
    let location = back.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(location, "/payments/export?format=csv&personal=clear&user=4&refused=reason");
    let page = browser.get(&location).await.text().await.unwrap();
    assert!(page.contains("say why personal fields are needed in clear"), "{page}");

    test.execute(&format!("RENAME TABLE {SHARD_1} TO lost")).await;
    let silent = browser.post(PATH, &CSV).await;
    assert_eq!(silent.status(), 503);
    assert!(silent.text().await.unwrap().contains("shard 1: The table does not exist"));
}

#[tokio::test]
async fn a_failure_in_mid_stream_is_in_the_file_and_aborts_it() {
    let (test, _folder, serve) = served().await;
    let browser = logged_in(&test, &serve, Role::Operator).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["owner"]).await;
    sessions.step("owner", &format!("LOCK TABLES {SHARD_1} WRITE")).await.done();
    let answer = browser.post(PATH, &CSV).await; // with the first shard's rows
    assert_eq!(answer.status(), 200);
    let id = id_of(&answer);
    sessions.step("owner", &format!("ALTER TABLE {SHARD_1} RENAME TO lost")).await.done();
    sessions.step("owner", "UNLOCK TABLES").await.done();
    let (bytes, whole) = body(answer).await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(!whole, "the client sees an error too");
    assert!(text.lines().last().unwrap().starts_with("# INCOMPLETE: shard 1 on main could not be read"), "{text}");
    let export: Export = browser.get(&format!("{PATH}/{id}")).await.json().await.unwrap();
    assert_eq!((export.state, export.sha256), (ExportState::Failed, None));
}

#[tokio::test]
async fn an_export_is_cancelled_by_request_and_by_going_away() {
    let (test, _folder, serve) = served().await;
    let browser = logged_in(&test, &serve, Role::Operator).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["owner"]).await;
    sessions.step("owner", &format!("LOCK TABLES {SHARD_1} WRITE")).await.done();
    let (cancelled, left) = (browser.post(PATH, &CSV).await, browser.post(PATH, &CSV).await);
    assert_eq!(browser.post(PATH, &CSV).await.status(), 429, "a third at once");
    let ids = [id_of(&cancelled), id_of(&left)];
    assert_eq!(browser.delete(&format!("{PATH}/{}", ids[0])).await.status(), 202);
    let (bytes, whole) = body(cancelled).await;
    assert!(!whole && String::from_utf8(bytes).unwrap().ends_with("# INCOMPLETE: cancelled by operator operator\n"));
    drop(left);
    for id in ids {
        while export::find(&test.ops, &Permit::for_command(), id).await.unwrap().state != ExportState::Cancelled {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
