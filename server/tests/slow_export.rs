//! An export that takes longer than any other request may, and one whose server is killed.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::{Sessions, TestOps};
use payhist_types::EngineKind;
use payhist_types::export::{Export, ExportState};
use payhist_types::history::{Policy, Switches};
use payhist_types::operator::Role;
use rstest::rstest;
use std::time::Duration;
use support::two_sources::TwoSources;
use support::{Browser, Serve, configuration, operator};

/// Beyond the server's bound of 30 s.
const LONGER: Duration = Duration::from_secs(33);

#[tokio::test]
async fn an_export_outlasts_the_bound_of_other_requests() {
    let test = TestOps::new(EngineKind::MariaDb, "2026-11-15T12:00:00Z").await;
    let policy = Policy { retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
    test.history(2, policy, Switches::default(), "2026-10", "2026-12").await;
    test.pay("payment_history_shard_1", [(1, 1, "2026-11-01")]).await;
    let folder = tempfile::tempdir().unwrap();
    let serve = Serve::start(&configuration(&test, folder.path()));
    operator(&test, Role::Operator).await;
    let browser = Browser::logged_in(&serve, Role::Operator).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["owner"]).await;
    sessions.step("owner", "LOCK TABLES payment_history_shard_1 WRITE").await.done();
    let answer = browser.post("/api/v1/exports", &[("format", "csv")]).await;
    tokio::time::sleep(LONGER).await;
    sessions.step("owner", "UNLOCK TABLES").await.done();
    assert_eq!(answer.text().await.unwrap().lines().count(), 2);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_source_that_is_killed_in_mid_export_breaks_the_transfer_off(#[case] engine: EngineKind) {
    let two = TwoSources::new(engine).await;
    let serve = Serve::start(&two.config);
    operator(&two.test, Role::Operator).await;
    let browser = Browser::logged_in(&serve, Role::Operator).await;
    let mut sessions = Sessions::new(&two.far.connect_options(), &["owner"]).await;
    let locked = format!("LOCK TABLES {}.payment_history_shard_1 WRITE", two.test.db.name());
    sessions.step("owner", &locked).await.done();
    let form = [("format", "csv"), ("from", "2020-01-01"), ("to", "2020-03-31")];
    let mut answer = browser.post("/api/v1/exports", &form).await; // with the first shard's rows
    assert_eq!(answer.status(), 200);
    let id = answer.headers()["payhist-export"].to_str().unwrap().to_owned();
    two.far.kill9().await;

    let mut bytes = Vec::new();
    let broken_off = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            ended => break ended.is_err(),
        }
    };
    let text = String::from_utf8(bytes).unwrap();
    assert!(broken_off, "the client sees an error too: {text}");
    let words = "shard 1 on far could not be read (2020-03): ";
    assert!(text.lines().last().unwrap().starts_with(&format!("# INCOMPLETE: {words}")), "{text}");
    assert_eq!(text.lines().count(), 3, "the first shard's rows were on their way: {text}");
    let export: Export = browser.get(&format!("/api/v1/exports/{id}")).await.json().await.unwrap();
    assert_eq!((export.state, export.sha256), (ExportState::Failed, None));
    assert!(export.failure.unwrap().starts_with(words));
}
