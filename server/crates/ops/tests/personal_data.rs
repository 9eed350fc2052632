//! Personal data is in clear for whoever said why, for one payment and a few minutes, and the audit log has it.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use chrono::TimeDelta;
use payhist_ops::auth::{self, Permit};
use payhist_ops::{OpsError, Principal, browse};
use payhist_testkit::TestOps;
use payhist_types::history::{HistorySpec, Policy, Switches};
use payhist_types::holds::HoldScope;
use payhist_types::operator::Role;
use payhist_types::payment::PaymentDetail;
use payhist_types::search::SearchKind;
use payhist_types::{EngineKind, PaymentId, ShardId, UserId};
use rstest::rstest;
use sqlx::Row;

const EMAIL: &str = "ada@example.com";

/// Three payments of user 4, all with Ada's address, and one of user 5 on another shard with it, too.
async fn history(engine: EngineKind) -> (TestOps, HistorySpec, PaymentId) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let policy = Policy { premake_months: Some(1), retention_months: Some(12), ..Policy::default() };
    let spec = test.history(2, policy, Switches::default(), "2026-10", "2026-12").await;
    let mut connection = test.db.connect().await;
    let at = "2026-10-20T10:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let mut ids = Vec::new();
    for (row, user) in [4_u64, 4, 4, 5].into_iter().enumerate() {
        let (shard, at) =
            (ShardId(u16::try_from(user % 2).unwrap()), at + TimeDelta::hours(i64::try_from(row).unwrap()));
        let millis = u64::try_from(at.timestamp_millis()).unwrap();
        ids.push(PaymentId::new(millis, shard, u16::try_from(row).unwrap()).unwrap());
        let insert = format!(
            "INSERT INTO `{}`.`{}` (payment_id, user_id, order_id, provider, method, status, amount, currency, payer_name, \
             payer_email, version, created_at, updated_at) VALUES (?, ?, 'o-1', 'p', 'card', 'PAID', 1, 'EUR', 'Ada Lovelace', ?, 3, ?, ?)",
            spec.schema,
            spec.table_of(shard)
        );
        sqlx::query(sqlx::AssertSqlSafe(insert))
            .bind(ids[row].get())
            .bind(user)
            .bind(EMAIL)
            .bind(at)
            .bind(at + TimeDelta::minutes(5))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    (test, spec, ids[1])
}

async fn logged_in(test: &TestOps, role: Role) -> Principal {
    let name = role.to_string();
    auth::add_operator(&test.ops, &Permit::for_command(), &name, role, "a long password").await.unwrap();
    auth::login(&test.ops, &name, "a long password").await.unwrap()
}

async fn shown(test: &TestOps, to: &Principal, id: PaymentId) -> PaymentDetail {
    browse::show(&test.ops, &to.permit().unwrap(), to.permit().ok().as_ref(), "", id).await.unwrap()
}

async fn audited(test: &TestOps, action: &str) -> Vec<(String, String)> {
    let rows = sqlx::query("SELECT actor, detail FROM audit WHERE action = ? ORDER BY sequence").bind(action);
    let rows = rows.fetch_all(&mut test.db.connect().await).await.unwrap();
    rows.iter().map(|row| (row.get("actor"), row.get("detail"))).collect()
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn one_click_with_a_reason_shows_one_payment_to_one_person_for_a_while(#[case] engine: EngineKind) {
    let (test, _, id) = history(engine).await;
    let (operator, admin, viewer) = (
        logged_in(&test, Role::Operator).await,
        logged_in(&test, Role::Admin).await,
        logged_in(&test, Role::Viewer).await,
    );
    let is_masked = |detail: &PaymentDetail| {
        assert_eq!(detail.revealed_until.is_none(), detail.payment.payer_email.as_deref() != Some(EMAIL));
        detail.revealed_until.is_none()
    };
    assert!(is_masked(&shown(&test, &operator, id).await));
    for nothing in ["", "  ", &"x".repeat(501)] {
        let refused = browse::reveal(&test.ops, &operator.permit().unwrap(), "", id, nothing).await;
        assert!(matches!(refused, Err(OpsError::BadInput(_))), "{nothing:?}");
    }
    assert!(viewer.permit::<auth::RevealPersonalData>().is_err());
    browse::reveal(&test.ops, &operator.permit().unwrap(), "", id, " customer asks ").await.unwrap();
    let detail = shown(&test, &operator, id).await;
    assert!(!is_masked(&detail));
    assert_eq!(detail.payment.payer_name.as_deref(), Some("Ada Lovelace"));
    assert!(is_masked(&shown(&test, &admin, id).await), "the one who asked, and nobody else");
    assert!(is_masked(&shown(&test, &viewer, id).await));
    let other = detail.same_user[0].payment.payment_id;
    assert!(is_masked(&shown(&test, &operator, other).await), "the payment that was asked for, and no other");
    let audit = audited(&test, "payment.reveal").await;
    assert_eq!(audit.len(), 1);
    assert_eq!(audit[0].0, "operator operator");
    assert!(audit[0].1.contains("customer asks") && audit[0].1.contains(&id.to_string()), "{}", audit[0].1);
    assert!(!audit[0].1.contains("Ada") && !audit[0].1.contains(EMAIL), "by reference alone: {}", audit[0].1);
    test.clock.advance(TimeDelta::seconds(10 * 60 - 1));
    assert!(!is_masked(&shown(&test, &operator, id).await), "for ten minutes");
    test.clock.advance(TimeDelta::seconds(1));
    assert!(is_masked(&shown(&test, &operator, id).await), "its time is over");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_email_leads_to_its_users_for_those_who_may_and_it_is_recorded(#[case] engine: EngineKind) {
    let (test, spec, _) = history(engine).await;
    let (operator, viewer) = (logged_in(&test, Role::Operator).await, logged_in(&test, Role::Viewer).await);
    let search = async |who: &Principal, text: &str| {
        browse::search(&test.ops, &who.permit().unwrap(), who.permit().ok().as_ref(), "", text).await.unwrap()
    };
    let answer = search(&viewer, EMAIL).await;
    assert!(answer.email_withheld && answer.candidates.iter().all(|candidate| candidate.kind != SearchKind::Email));
    assert!(audited(&test, "payment.search_email").await.is_empty());

    let answer = search(&operator, &format!(" {EMAIL} ")).await;
    let of_email: Vec<_> = answer.candidates.iter().filter(|candidate| candidate.kind == SearchKind::Email).collect();
    let users: Vec<_> = of_email.iter().map(|candidate| (candidate.query.user.as_str(), candidate.found)).collect();
    assert_eq!(users, [("4", true), ("5", true)]);
    assert!(!answer.email_withheld && of_email.iter().all(|candidate| candidate.missing.is_empty()));
    let json = serde_json::to_string(&of_email).unwrap();
    assert!(!json.contains(EMAIL), "no address leads to a page that has it: {json}");
    let entry = |detail: &str| ("operator operator".to_owned(), detail.to_owned());
    assert_eq!(audited(&test, "payment.search_email").await, [entry(r#"{"users":["4","5"]}"#)]);

    let nobody = search(&operator, "ADA@example.com").await;
    let of_email = nobody.candidates.iter().find(|candidate| candidate.kind == SearchKind::Email).unwrap();
    assert!(!of_email.found, "exactly as it is written");
    assert!(!serde_json::to_string(&of_email.query).unwrap().contains('@'), "{of_email:?}");
    let audit = audited(&test, "payment.search_email").await;
    assert_eq!(audit[1..], [entry(r#"{"users":[]}"#)], "looking is recorded, whatever is found");

    let lost = format!("RENAME TABLE `{0}`.`{1}` TO `{0}`.lost", spec.schema, spec.table_of(ShardId(1)));
    sqlx::query(sqlx::AssertSqlSafe(lost)).execute(&mut test.db.connect().await).await.unwrap();
    let partial = search(&operator, EMAIL).await;
    let of_email = partial.candidates.iter().find(|candidate| candidate.kind == SearchKind::Email).unwrap();
    assert_eq!(of_email.missing[0].shard, ShardId(1));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_timeline_has_what_happened_and_what_will(#[case] engine: EngineKind) {
    let (test, _, id) = history(engine).await;
    let operator = logged_in(&test, Role::Operator).await;
    test.hold(HoldScope::User { user: UserId(4) }, Some("2026-12-24")).await;
    test.hold(HoldScope::User { user: UserId(5) }, None).await;
    browse::reveal(&test.ops, &operator.permit().unwrap(), "", id, "why").await.unwrap();
    let lines = shown(&test, &operator, id).await.timeline;
    assert!(lines.windows(2).all(|pair| pair[0].at >= pair[1].at), "newest first");
    let lines: Vec<_> =
        lines.iter().map(|line| (line.at.format("%Y-%m-%d %H:%M").to_string(), line.event.to_string())).collect();
    let expected = [
        ("2027-11-01 00:00", "The month's retention ends"),
        ("2026-12-25 00:00", "Hold 1 ends"),
        ("2026-11-15 12:00", "Personal data shown in clear: why"),
        ("2026-11-15 12:00", "Hold 1 placed, case 2026/88"),
        ("2026-10-20 11:05", "Last change, to version 3: PAID"),
        ("2026-10-20 11:00", "Created"),
    ];
    assert_eq!(lines, expected.map(|(at, event)| (at.to_owned(), event.to_owned())));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_engine_says_that_a_payment_is_found_by_one_key_in_one_partition(#[case] engine: EngineKind) {
    let (test, _, id) = history(engine).await;
    let explained = browse::explain(&test.ops, &Permit::for_command(), "", id).await.unwrap();
    assert_eq!((explained.partitions.as_str(), explained.key.as_str()), ("p202610", "by_payment"), "{explained:?}");
    assert!(explained.sql.starts_with("SELECT ") && explained.rows <= 1, "{explained:?}");
}
