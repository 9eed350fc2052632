//! Saved views: one's own and the shared ones are seen, the owner alone changes them, and the audit log knows.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::{self, Permit, ViewPayments};
use payhist_ops::{OpsError, views};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::operator::Role;
use payhist_types::view::VIEWS_MAX;
use rstest::rstest;
use std::time::Duration;

async fn permit_of(test: &TestOps, role: Role) -> Permit<ViewPayments> {
    let name = role.to_string();
    auth::add_operator(&test.ops, &Permit::for_command(), &name, role, "a long password").await.unwrap();
    auth::login(&test.ops, &name, "a long password").await.unwrap().permit().unwrap()
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_view_is_its_owners_whoever_sees_it(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let (mine, other) = (permit_of(&test, Role::Viewer).await, permit_of(&test, Role::Operator).await);
    let seen = async |by: &Permit<ViewPayments>| -> Vec<(String, String)> {
        let views = views::list(&test.ops, by).await.unwrap();
        views.iter().map(|view| (view.name.clone(), view.address.clone())).collect()
    };
    let pair = |name: &str, address: &str| (name.to_owned(), address.to_owned());
    views::save(&test.ops, &mine, " private ", false, "user=1").await.unwrap();
    views::save(&test.ops, &mine, "shared", true, "status=FAILED").await.unwrap();
    assert_eq!(seen(&mine).await, [pair("private", "user=1"), pair("shared", "status=FAILED")]);
    assert_eq!(seen(&other).await, [pair("shared", "status=FAILED")]);
    // One of the same name is another's own, or takes the place of one's own.
    views::save(&test.ops, &other, "shared", false, "user=2").await.unwrap();
    views::save(&test.ops, &mine, "shared", true, "status=PAID").await.unwrap();
    assert_eq!(seen(&other).await, [pair("shared", "status=PAID"), pair("shared", "user=2")]);

    let shared = views::list(&test.ops, &mine).await.unwrap().last().unwrap().clone();
    let refused = views::forget(&test.ops, &other, shared.id).await;
    assert!(matches!(refused, Err(OpsError::NotFound(_))), "{refused:?}");
    views::forget(&test.ops, &mine, shared.id).await.unwrap();
    assert_eq!((seen(&mine).await.len(), seen(&other).await.len()), (1, 1));
    assert!(matches!(views::forget(&test.ops, &mine, shared.id).await, Err(OpsError::NotFound(_))), "it is gone");

    let actions: Vec<(String, String)> =
        sqlx::query_as("SELECT action, target FROM audit WHERE action LIKE 'view.%' ORDER BY sequence")
            .fetch_all(&mut test.db.connect().await)
            .await
            .unwrap();
    let actions: Vec<_> = actions.iter().map(|(action, target)| format!("{action} {target}")).collect();
    assert_eq!(
        actions,
        ["view.save private", "view.save shared", "view.save shared", "view.save shared", "view.forget shared"]
    );

    for (name, address) in [("", "user=1"), (" ", "user=1"), ("a\nb", "user=1"), ("x", ""), (&"x".repeat(61), "user=1")]
    {
        let refused = views::save(&test.ops, &mine, name, false, address).await;
        assert!(matches!(refused, Err(OpsError::BadInput(_))), "{name:?} {address:?}");
    }
    for number in 1..VIEWS_MAX {
        views::save(&test.ops, &mine, &format!("view {number}"), false, "user=1").await.unwrap();
    }
    let one_more = views::save(&test.ops, &mine, "one more", false, "user=1").await;
    assert!(matches!(one_more, Err(OpsError::Refused { .. })), "{one_more:?}");
    views::save(&test.ops, &mine, "view 1", false, "user=7").await.unwrap();
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn another_instance_shows_a_new_view_soon(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let (other, mine) = (test.second_instance().await, permit_of(&test, Role::Viewer).await);
    assert!(views::list(&other, &mine).await.unwrap().is_empty());
    views::save(&test.ops, &mine, "shared", true, "status=FAILED").await.unwrap();
    while views::list(&other, &mine).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
