//! An export that takes longer than any other request may.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::{Sessions, TestOps};
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use payhist_types::operator::Role;
use std::time::Duration;
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
