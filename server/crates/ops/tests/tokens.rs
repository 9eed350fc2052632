//! API tokens on both engines: never more than the owner may, dead when they should be, and kept nowhere.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use chrono::TimeDelta;
use payhist_ops::auth::{self, Permit, Principal};
use payhist_ops::{Ops, OpsError, tokens};
use payhist_storage::audit;
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::operator::{Permission, Role};
use payhist_types::token::{EXPIRY_DAYS_DEFAULT, NewToken, TokenRequest};
use rstest::rstest;
use sqlx::AssertSqlSafe;

const PASSWORD: &str = "correct horse battery";
const ROLES: [Role; 5] = [Role::Viewer, Role::Operator, Role::Dba, Role::Compliance, Role::Admin];
const SCOPES: [Permission; 12] = [
    Permission::ViewPayments,
    Permission::ExportPayments,
    Permission::ViewPartitions,
    Permission::ManagePartitions,
    Permission::ViewDatabase,
    Permission::ViewJobs,
    Permission::ManageJobs,
    Permission::RevealPersonalData,
    Permission::ViewHolds,
    Permission::ManageHolds,
    Permission::ManageErasures,
    Permission::ManageOperators,
];

async fn test(engine: EngineKind) -> TestOps {
    TestOps::new(engine, "2026-11-15T12:00:00Z").await
}

async fn operator(ops: &Ops, role: Role) -> Principal {
    let login = role.to_string();
    auth::add_operator(ops, &Permit::for_command(), &login, role, PASSWORD).await.unwrap();
    auth::login(ops, &login, PASSWORD).await.unwrap()
}

fn request(scopes: &[Permission]) -> TokenRequest {
    TokenRequest { name: "report".to_owned(), scopes: scopes.iter().copied().collect(), days: None }
}

async fn change(test: &TestOps, sql: &str) {
    sqlx::query(AssertSqlSafe(sql)).execute(&mut test.db.connect().await).await.unwrap();
}

/// The permission to see payments by that token, or why not.
async fn view_payments(ops: &Ops, token: &NewToken) -> Result<Permit<auth::ViewPayments>, OpsError> {
    tokens::authenticate(ops, &token.secret).await?.permit()
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_token_may_what_both_its_scope_and_its_owners_role_include(#[case] engine: EngineKind) {
    let test = test(engine).await;
    for role in ROLES {
        let me = operator(&test.ops, role).await;
        for scope in SCOPES {
            let made = tokens::create(&test.ops, &me, request(&[scope])).await;
            if !role.may(scope) {
                let Err(OpsError::BadInput(wrong)) = made else { panic!("{role} made a token for {scope}") };
                assert_eq!(wrong[0].field, "scopes");
                continue;
            }
            let by_token = tokens::authenticate(&test.ops, &made.unwrap().secret).await.unwrap();
            for other in SCOPES {
                assert_eq!(by_token.may(other), other == scope, "{role}, token for {scope}: {other}");
            }
        }
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_lowered_role_a_disabled_owner_a_revocation_and_time_end_what_a_token_may(#[case] engine: EngineKind) {
    let test = test(engine).await;
    let me = operator(&test.ops, Role::Admin).await;
    let both = [Permission::ViewPayments, Permission::ManageJobs];
    let token = tokens::create(&test.ops, &me, request(&both)).await.unwrap();
    let may = async |token: &NewToken| {
        let by_token = tokens::authenticate(&test.ops, &token.secret).await?;
        Ok::<_, OpsError>(both.map(|permission| by_token.may(permission)))
    };
    assert_eq!(may(&token).await.unwrap(), [true, true]);
    change(&test, "UPDATE operator SET role = 'viewer'").await;
    assert_eq!(may(&token).await.unwrap(), [true, false], "the role no longer includes it");
    change(&test, "UPDATE operator SET role = 'admin', disabled_at = NOW(6)").await;
    assert!(matches!(may(&token).await, Err(OpsError::TokenRefused)), "the owner is disabled");
    change(&test, "UPDATE operator SET disabled_at = NULL").await;
    assert_eq!(may(&token).await.unwrap(), [true, true]);

    tokens::revoke(&test.ops, &me, token.token.id).await.unwrap();
    assert!(matches!(may(&token).await, Err(OpsError::TokenRefused)), "it was revoked");
    assert!(matches!(tokens::revoke(&test.ops, &me, token.token.id).await, Err(OpsError::NotFound(_))));

    let token = tokens::create(&test.ops, &me, request(&both)).await.unwrap();
    test.clock.advance(TimeDelta::days(EXPIRY_DAYS_DEFAULT.into()) - TimeDelta::microseconds(1));
    assert!(may(&token).await.is_ok(), "the last microsecond");
    test.clock.advance(TimeDelta::microseconds(1));
    assert!(matches!(may(&token).await, Err(OpsError::TokenRefused)), "it has run out");
    assert_eq!(tokens::list(&test.ops, &me).await.unwrap().iter().filter(|token| token.active).count(), 0);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn nothing_but_the_secret_itself_is_a_token_and_no_table_holds_it(#[case] engine: EngineKind) {
    let test = test(engine).await;
    let me = operator(&test.ops, Role::Viewer).await;
    let made = tokens::create(&test.ops, &me, request(&[Permission::ViewPayments])).await.unwrap();
    let NewToken { token, secret } = &made;
    let random = secret.strip_prefix("payhist_").unwrap();
    assert_eq!(random.len(), 64);
    assert!(!format!("{made:?}").contains(random), "a log of it holds no secret");
    for wrong in
        ["", "payhist_", random, &format!("{secret}0"), &secret.to_uppercase(), &format!("payhist_{random:0>65}")]
    {
        assert!(matches!(tokens::authenticate(&test.ops, wrong).await, Err(OpsError::TokenRefused)), "{wrong}");
    }
    let mut connection = test.db.connect().await;
    let kept: Vec<(String, String)> =
        sqlx::query_as("SELECT secret_hash, name FROM api_token").fetch_all(&mut connection).await.unwrap();
    assert!(kept.iter().all(|(hash, _)| !secret.contains(hash.as_str())), "{kept:?}");
    let hash = &kept[0].0;
    assert!(matches!(tokens::authenticate(&test.ops, hash).await, Err(OpsError::TokenRefused)));
    assert!(matches!(tokens::authenticate(&test.ops, &format!("payhist_{hash}")).await, Err(OpsError::TokenRefused)));

    tokens::revoke(&test.ops, &me, token.id).await.unwrap();
    let entries: Vec<(String, String, String, String)> =
        sqlx::query_as("SELECT actor, action, target, detail FROM audit ORDER BY sequence")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let of_tokens: Vec<_> = entries.iter().filter(|(_, action, ..)| action.starts_with("token.")).collect();
    assert_eq!(of_tokens.iter().map(|entry| entry.1.as_str()).collect::<Vec<_>>(), ["token.create", "token.revoke"]);
    for (actor, _, target, detail) in of_tokens {
        assert_eq!((actor.as_str(), target.as_str()), ("operator viewer", "viewer"));
        assert!(detail.contains("report") && !detail.contains(random) && !detail.contains(hash.as_str()), "{detail}");
    }
    audit::verify(&mut connection).await.unwrap();
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_last_use_is_noted_once_a_minute(#[case] engine: EngineKind) {
    let test = test(engine).await;
    let me = operator(&test.ops, Role::Viewer).await;
    let token = tokens::create(&test.ops, &me, request(&[Permission::ViewPayments])).await.unwrap();
    let last_use = async || tokens::list(&test.ops, &me).await.unwrap()[0].last_used_at.map(|at| at.to_rfc3339());
    assert_eq!(last_use().await, None);
    let mut seen = Vec::new();
    for seconds in [0, 59, 1, 30] {
        test.clock.advance(TimeDelta::seconds(seconds));
        view_payments(&test.ops, &token).await.unwrap();
        seen.push(last_use().await.unwrap());
    }
    let at = |time: &str| format!("2026-11-15T{time}+00:00");
    assert_eq!(seen, [at("12:00:00"), at("12:00:00"), at("12:01:00"), at("12:01:00")]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn tokens_are_their_owners_and_no_token_makes_or_ends_another(#[case] engine: EngineKind) {
    let test = test(engine).await;
    let (viewer, admin) = (operator(&test.ops, Role::Viewer).await, operator(&test.ops, Role::Admin).await);
    let scope = [Permission::ManageOperators];
    let token = tokens::create(&test.ops, &admin, request(&scope)).await.unwrap();
    assert!(tokens::list(&test.ops, &viewer).await.unwrap().is_empty());
    assert!(matches!(tokens::revoke(&test.ops, &viewer, token.token.id).await, Err(OpsError::NotFound(_))));

    let by_token = tokens::authenticate(&test.ops, &token.secret).await.unwrap();
    assert!(matches!(tokens::create(&test.ops, &by_token, request(&scope)).await, Err(OpsError::Refused { .. })));
    assert!(matches!(tokens::list(&test.ops, &by_token).await, Err(OpsError::Refused { .. })));
    assert!(matches!(tokens::revoke(&test.ops, &by_token, token.token.id).await, Err(OpsError::Refused { .. })));

    let command = Permit::for_command();
    let of_viewer = tokens::create_for(&test.ops, &command, "viewer", request(&[Permission::ViewJobs])).await.unwrap();
    assert!(tokens::create_for(&test.ops, &command, "viewer", request(&scope)).await.is_err(), "beyond the role");
    assert!(tokens::create_for(&test.ops, &command, "nobody", request(&scope)).await.is_err());
    let all = tokens::list_of(&test.ops, &command, None).await.unwrap();
    assert_eq!(all.iter().map(|token| token.owner.as_str()).collect::<Vec<_>>(), ["viewer", "admin"]);
    assert_eq!(
        tokens::list_of(&test.ops, &command, Some("viewer")).await.unwrap(),
        std::slice::from_ref(&of_viewer.token)
    );
    tokens::revoke_any(&test.ops, &command, of_viewer.token.id).await.unwrap();
    assert!(tokens::authenticate(&test.ops, &of_viewer.secret).await.is_err());
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_token_has_a_name_a_scope_and_an_end_and_there_are_not_too_many(#[case] engine: EngineKind) {
    let test = test(engine).await;
    let me = operator(&test.ops, Role::Viewer).await;
    let wrong = TokenRequest { name: " \n".to_owned(), days: Some(367), ..TokenRequest::default() };
    let Err(OpsError::BadInput(fields)) = tokens::create(&test.ops, &me, wrong).await else { panic!("made") };
    assert_eq!(fields.iter().map(|field| field.field.as_str()).collect::<Vec<_>>(), ["name", "scopes", "days"]);

    let make = || tokens::create(&test.ops, &me, request(&[Permission::ViewPayments]));
    let several = async |count: usize| futures::future::join_all((0..count).map(|_| make())).await;
    assert!(several(49).await.iter().all(Result::is_ok));
    let at_once = several(3).await;
    assert_eq!(at_once.iter().filter(|made| made.is_ok()).count(), 1, "the fiftieth is the last");
    let first = tokens::list(&test.ops, &me).await.unwrap().pop().unwrap();
    tokens::revoke(&test.ops, &me, first.id).await.unwrap();
    make().await.unwrap();
}
