//! Browsing on real servers: every payment exactly once whichever way one pages, and no shard missing in silence.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsError, browse};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::PaymentId;
use payhist_types::ShardId;
use payhist_types::history::{HistorySpec, Policy, Switches};
use payhist_types::payment::{PaymentPage, PaymentQuery};
use rstest::rstest;
use sqlx::QueryBuilder;

const SHARDS: u16 = 3;
const USERS: u64 = 7;
const ROWS: u64 = 240;

/// Two hundred and forty payments over eight months, several of them at the very same instant.
async fn history(engine: EngineKind) -> (TestOps, HistorySpec) {
    let test = TestOps::new(engine, "2026-11-15T12:00:00Z").await;
    let policy = Policy {
        premake_months: Some(1),
        retention_months: None,
        zone: "America/New_York".to_owned(),
        ..Policy::default()
    };
    let spec = test.history(SHARDS, policy, Switches::default(), "2026-04", "2026-12").await;
    let start = "2026-04-10T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let mut connection = test.db.connect().await;
    for shard in 0..SHARDS {
        let mut insert = QueryBuilder::<sqlx::MySql>::new(format!(
            "INSERT INTO `{}`.`{}` (payment_id, user_id, order_id, provider, method, status, amount, currency, payer_email, created_at, updated_at) ",
            spec.schema,
            spec.table_of(ShardId(shard))
        ));
        let mine = (0..ROWS).filter(|row| (row % USERS) % u64::from(SHARDS) == u64::from(shard));
        insert.push_values(mine, |mut values, row| {
            // Three rows share each instant; the walk must not lose one between two pages.
            let at = start + chrono::TimeDelta::hours(i64::try_from(row / 3).unwrap() * 60);
            let millis = u64::try_from(at.timestamp_millis()).unwrap();
            let id = PaymentId::new(millis, ShardId(shard), u16::try_from(row).unwrap()).unwrap();
            values
                .push_bind(id.get())
                .push_bind(row % USERS)
                .push_bind(format!("order-{}", row / 2))
                .push_bind("acme")
                .push_bind("card");
            values
                .push_bind(if row % 5 == 0 { "FAILED" } else { "PAID" })
                .push_bind(row)
                .push_bind("EUR")
                .push_bind("ada@example.com");
            values.push_bind(at).push_bind(at);
        });
        insert.build().execute(&mut connection).await.unwrap();
    }
    (test, spec)
}

async fn page(ops: &Ops, change: impl FnOnce(&mut PaymentQuery)) -> PaymentPage {
    let mut query = PaymentQuery { limit: "7".to_owned(), ..PaymentQuery::default() };
    change(&mut query);
    browse::list(ops, &Permit::for_command(), &query).await.unwrap()
}

fn ids(page: &PaymentPage) -> Vec<PaymentId> {
    page.payments.iter().map(|row| row.payment.payment_id).collect()
}

/// All ids from the newest page to the oldest, and the pages' cursors back.
async fn walk(ops: &Ops, filter: impl Fn(&mut PaymentQuery)) -> (Vec<PaymentId>, Option<payhist_types::Cursor>) {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = page(ops, |query| {
            filter(query);
            query.cursor.clone_from(&cursor);
        })
        .await;
        all.extend(ids(&page));
        match page.older {
            Some(older) => cursor = older.to_string(),
            None => return (all, page.newer),
        }
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_walk_over_all_shards_shows_every_payment_once_in_order_both_ways(#[case] engine: EngineKind) {
    let (test, _) = history(engine).await;
    let (older, mut back) = walk(&test.ops, |_| ()).await;
    assert_eq!(older.len() as u64, ROWS);
    assert!(
        older.windows(2).all(|pair| pair[0].created_ms() >= pair[1].created_ms() && pair[0] != pair[1]),
        "newest first"
    );
    // And back again from the oldest page: the same payments, but for that page itself.
    let mut newer = Vec::new();
    while let Some(cursor) = back {
        let page = page(&test.ops, |query| query.cursor = cursor.to_string()).await;
        newer.splice(0..0, ids(&page));
        back = page.newer;
    }
    assert_eq!(newer, older[..newer.len()]);
    assert_eq!(newer.len(), older.len() - (older.len() - 1) % 7 - 1);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn filters_find_what_they_say_and_read_no_more_than_they_need(#[case] engine: EngineKind) {
    let (test, _) = history(engine).await;
    let of_user = page(&test.ops, |query| query.user = "4".to_owned()).await;
    assert!(of_user.payments.iter().all(|row| row.payment.user_id.0 == 4) && of_user.payments.len() == 7);
    assert_eq!(of_user.scope.shards, [ShardId(1)], "one user is on one shard");

    let (failed, _) = walk(&test.ops, |query| query.status = "FAILED".to_owned()).await;
    assert_eq!(failed.len() as u64, ROWS / 5);
    let (both, _) = walk(&test.ops, |query| query.status = "FAILED,PAID".to_owned()).await;
    assert_eq!(both.len() as u64, ROWS);

    let newest = page(&test.ops, |_| ()).await;
    let (first, last) = newest.scope.months.unwrap();
    assert_eq!(
        (first.to_string(), last.to_string()),
        ("2026-09".to_owned(), "2026-12".to_owned()),
        "November is empty: one more round, and no more"
    );

    let one = page(&test.ops, |query| query.id = of_user.payments[3].payment.payment_id.to_string()).await;
    assert_eq!(ids(&one), [of_user.payments[3].payment.payment_id]);
    let (first, last) = one.scope.months.unwrap();
    assert_eq!((first, one.scope.shards.len()), (last, 1), "an id is looked up in one partition of one shard");

    // Midnight of 30 April in UTC is the evening before in New York, and no payment was made on the 29th of UTC.
    let day =
        page(&test.ops, |query| (query.from, query.to) = ("2026-04-29".to_owned(), "2026-04-29".to_owned())).await;
    let days: Vec<_> = day.payments.iter().map(|row| row.payment.created_at.format("%Y-%m-%d").to_string()).collect();
    assert_eq!(days, ["2026-04-29"; 3], "the day of New York");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_payments_page_says_where_it_lives_and_masks_the_person(#[case] engine: EngineKind) {
    let (test, spec) = history(engine).await;
    let row = page(&test.ops, |query| query.user = "4".to_owned()).await.payments.remove(2);
    let detail = browse::show(&test.ops, &Permit::for_command(), "", row.payment.payment_id).await.unwrap();
    assert_eq!(detail.payment, row.payment);
    assert_eq!(detail.payment.payer_email.as_deref(), Some("a•••@example.com"));
    assert_eq!(detail.location.table, spec.table_of(ShardId(1)));
    assert_eq!(detail.location.partition.unwrap(), format!("p{}", row.month.to_string().replace('-', "")));
    assert_eq!(detail.same_user.len(), 7, "two newer ones, five older ones");
    let unknown = browse::show(&test.ops, &Permit::for_command(), "", PaymentId::from_raw(1)).await;
    assert!(matches!(unknown, Err(OpsError::NotFound(_))), "{unknown:?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_shard_that_does_not_answer_is_named_and_the_others_are_shown(#[case] engine: EngineKind) {
    let (test, spec) = history(engine).await;
    let mut connection = test.db.connect().await;
    let lost = spec.table_of(ShardId(2));
    sqlx::query(sqlx::AssertSqlSafe(format!("RENAME TABLE `{0}`.`{lost}` TO `{0}`.lost", spec.schema)))
        .execute(&mut connection)
        .await
        .unwrap();
    let page = page(&test.ops, |_| ()).await;
    assert!(!page.complete && page.payments.len() == 7);
    assert_eq!(page.missing.iter().map(|missing| missing.shard).collect::<Vec<_>>(), [ShardId(2)]);
    assert!(page.payments.iter().all(|row| row.shard != ShardId(2)));
}
