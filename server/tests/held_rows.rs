//! Held rows over real HTTP: what the pages say of them, and of shards that could not be counted.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

mod support;

use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use payhist_types::operator::Role;
use rstest::rstest;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;
use support::{Browser, Serve, configuration, operator};

async fn execute(connection: &mut MySqlConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

/// A page's text without its tags.
async fn text(browser: &Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    let page = answer.text().await.unwrap();
    let body = page.split("<main").nth(1).unwrap();
    let words = body.split('<').filter_map(|part| Some(part.split_once('>')?.1.trim()));
    words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ").replace("&#x27;", "'")
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn whoever_may_look_sees_what_is_kept_and_what_was_not_counted(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let policy = Policy { premake_months: None, retention_months: None, zone: "UTC".to_owned(), ..Policy::default() };
    test.history(2, policy, Switches::default(), "2026-09", "2026-12").await;
    let mut connection = test.db.connect().await;
    for (id, user, month) in [(1, 7, 9), (2, 7, 10), (3, 7, 10), (4, 6, 10)] {
        let shard = user % 2;
        let sql = format!(
            "INSERT INTO payment_history_shard_{shard} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at) \
             VALUES ({id}, {user}, 'O-7', 'p', 'card', 'PAID', 1, 'EUR', '2026-{month:02}-10', '2026-{month:02}-10')"
        );
        execute(&mut connection, &sql).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let serve = Serve::start(&configuration(&test, folder.path()));
    for role in [Role::Viewer, Role::Compliance] {
        operator(&test, role).await;
    }
    let (viewer, compliance) =
        (Browser::logged_in(&serve, Role::Viewer).await, Browser::logged_in(&serve, Role::Compliance).await);
    for (kind, which) in [("user", "7"), ("order", "O-7"), ("user", "8")] {
        let hold =
            [("history", "payments"), ("kind", kind), ("which", which), ("case_number", "1"), ("reason", "audit")];
        assert_eq!(viewer.post("/api/ui/holds/place", &hold).await.status(), 403);
        assert_eq!(compliance.post("/api/ui/holds/place", &hold).await.status(), 200);
    }
    let holds = text(&viewer, "/holds").await;
    for said in [
        "its release 3 rows in 2 months not asked for",
        "its release 4 rows in 2 months not asked for",
        "its release no rows yet",
    ] {
        assert!(holds.contains(said), "{said}: {holds}");
    }
    let map = text(&viewer, "/partitions").await;
    assert_eq!(map.matches(" held rows ").count(), 3 + 2, "marks and months: {map}");
    assert!(!map.contains("not counted"), "{map}");
    let month = text(&viewer, "/partitions/payments/2026-09").await;
    assert!(month.contains("The month has held rows of hold 1, 2"), "{month}");

    execute(&mut connection, "ALTER TABLE payment_history_shard_1 DROP KEY by_order").await;
    let reason = "not counted on shard 1: Key 'by_order' doesn't exist in table 'payment_history_shard_1'";
    let holds = text(&viewer, "/holds").await;
    assert!(holds.contains(&format!("1 row in 1 month {reason}")), "{holds}");
    assert!(holds.contains("its release 3 rows in 2 months not asked for"), "the user's are counted: {holds}");
    let map = text(&viewer, "/partitions").await;
    assert!(map.contains(&format!("Held rows {reason} . A mark may be missing there.")), "{map}");
}
