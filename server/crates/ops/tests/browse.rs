//! Browsing on real servers: every payment exactly once whichever way one pages, and no shard missing in silence.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::auth::Permit;
use payhist_ops::{Ops, OpsError, browse};
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{HistorySpec, Policy, Switches};
use payhist_types::holds::HoldScope;
use payhist_types::payment::{PaymentPage, PaymentQuery};
use payhist_types::search::{SearchAnswer, SearchKind};
use payhist_types::{PaymentId, ShardId, UserId};
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
            "INSERT INTO `{}`.`{}` (payment_id, user_id, order_id, provider, provider_tx_id, method, status, amount, currency, payer_name, payer_email, created_at, updated_at) ",
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
                .push_bind(provider(row))
                .push_bind(format!("tx-{}", row / 3))
                .push_bind("card");
            values
                .push_bind(if row % 5 == 0 { "FAILED" } else { "PAID" })
                .push_bind(row)
                .push_bind(currency(row))
                .push_bind((row % 2 == 0).then_some("Ada \"Countess\" Lovelace"))
                .push_bind("ada@example.com");
            values.push_bind(at).push_bind(at);
        });
        insert.build().execute(&mut connection).await.unwrap();
    }
    (test, spec)
}

fn provider(row: u64) -> &'static str {
    if row.is_multiple_of(4) { "acme" } else { "Globex" }
}

fn currency(row: u64) -> &'static str {
    if row.is_multiple_of(3) { "KRW" } else { "EUR" }
}

async fn page(ops: &Ops, change: impl FnOnce(&mut PaymentQuery)) -> PaymentPage {
    let mut query = PaymentQuery { limit: "7".to_owned(), ..PaymentQuery::default() };
    change(&mut query);
    let page = browse::list(ops, &Permit::for_command(), &query).await.unwrap();
    let json = browse::list_json(ops, &Permit::for_command(), &query).await.unwrap();
    assert_eq!(str::from_utf8(&json).unwrap(), serde_json::to_string(&page).unwrap());
    page
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

/// Each with every other, walked to the end over all shards.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn filters_combine_freely(#[case] engine: EngineKind) {
    type Part = (&'static str, fn(&mut PaymentQuery), fn(u64) -> bool);
    let parts: [Part; 6] = [
        ("user", |query| query.user = "4".to_owned(), |row| row % USERS == 4),
        ("status", |query| query.status = "FAILED,REFUNDED".to_owned(), |row| row.is_multiple_of(5)),
        ("provider", |query| query.provider = "acme".to_owned(), |row| provider(row) == "acme"),
        ("currency", |query| query.currency = "krw".to_owned(), |row| currency(row) == "KRW"),
        (
            "amount",
            |query| (query.min, query.max) = ("30".to_owned(), "200.0001".to_owned()),
            |row| (30..=200).contains(&row),
        ),
        ("time", |query| query.from = "2026-06-01".to_owned(), |row| row / 3 >= 21),
    ];
    let (test, _) = history(engine).await;
    for mask in 0..(1_usize << parts.len()) {
        let chosen: Vec<_> =
            parts.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1).map(|(_, part)| part).collect();
        let (found, _) = walk(&test.ops, |query| {
            query.limit = "100".to_owned();
            for (_, ask, _) in &chosen {
                ask(query);
            }
        })
        .await;
        let expected = (0..ROWS).filter(|row| chosen.iter().all(|(_, _, is)| is(*row))).count();
        let names: Vec<_> = chosen.iter().map(|(name, _, _)| name).collect();
        assert_eq!(found.len(), expected, "{names:?}");
    }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_bounded_list_goes_by_amount_over_all_shards_both_ways(#[case] engine: EngineKind) {
    let (test, _) = history(engine).await;
    let amounts = |page: &PaymentPage| -> Vec<u64> {
        page.payments.iter().map(|row| row.payment.money.amount().try_into().unwrap()).collect()
    };
    for (sort, largest_first) in [("largest", true), ("smallest", false)] {
        let pages = pages_both_ways(&test.ops, |query| {
            summer(query, sort);
            (query.currency, query.status) = ("KRW".to_owned(), "PAID,FAILED".to_owned());
        })
        .await;
        // The rows of instants 21 to 57: from June on in New York, up to August's end.
        let mut expected: Vec<_> = (0..ROWS).filter(|row| row % 3 == 0 && (21..=57).contains(&(row / 3))).collect();
        if largest_first {
            expected.reverse();
        }
        assert_eq!(pages.iter().flat_map(amounts).collect::<Vec<_>>(), expected, "{sort}");
    }
}

/// Instants of one amount and of another in turn, each with three payments, some of which are on one shard.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn payments_of_one_amount_go_by_time_and_then_by_id(#[case] engine: EngineKind) {
    let (test, spec) = history(engine).await;
    for shard in 0..SHARDS {
        let table = spec.table_of(ShardId(shard));
        test.execute(&format!("UPDATE {table} SET currency = 'EUR', amount = amount DIV 3 % 2")).await;
    }
    for (sort, largest_first) in [("largest", true), ("smallest", false)] {
        let pages = pages_both_ways(&test.ops, |query| summer(query, sort)).await;
        let rows = pages.iter().flat_map(|page| &page.payments).map(|row| &row.payment);
        let mut places: Vec<_> =
            rows.map(|payment| (payment.money.amount(), payment.created_at, payment.payment_id)).collect();
        if largest_first {
            places.reverse();
        }
        assert_eq!(places.len(), 3 * 37, "{sort}: all of these instants");
        assert!(places.is_sorted_by(|a, b| a < b), "{sort}: {places:#?}");
    }
}

/// June to August by amount, of which there are the instants 21 to 57.
fn summer(query: &mut PaymentQuery, sort: &str) {
    (query.sort, query.currency) = (sort.to_owned(), "EUR".to_owned());
    (query.from, query.to) = ("2026-06-01".to_owned(), "2026-08-31".to_owned());
}

/// All pages of a list, each of which the next one leads back to.
async fn pages_both_ways(ops: &Ops, ask: impl Fn(&mut PaymentQuery)) -> Vec<PaymentPage> {
    let asked = async |cursor: String| page(ops, |query| (ask(query), query.cursor = cursor).0).await;
    let mut pages = vec![asked(String::new()).await];
    while let Some(older) = pages.last().unwrap().older {
        pages.push(asked(older.to_string()).await);
    }
    for pair in pages.windows(2) {
        assert_eq!(ids(&asked(pair[1].newer.unwrap().to_string()).await), ids(&pair[0]), "back");
    }
    pages
}

/// No time at all: each page ends after one round of months.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_walk_that_takes_too_long_is_gone_on_with_where_it_stopped(#[case] engine: EngineKind) {
    let (test, _) = history(engine).await;
    let ask = async |cursor: String| {
        let query =
            PaymentQuery { provider: "acme".to_owned(), limit: "100".to_owned(), cursor, ..PaymentQuery::default() };
        browse::list_within(&test.ops, &Permit::for_command(), &query, std::time::Duration::ZERO).await.unwrap()
    };
    let (mut found, mut cursor, mut unfinished) = (Vec::new(), String::new(), 0);
    let mut last = loop {
        let page = ask(cursor).await;
        assert!(page.complete, "{:?}", page.missing);
        found.extend(ids(&page));
        unfinished += u32::from(page.unfinished);
        match page.older {
            Some(older) => cursor = older.to_string(),
            None => break page,
        }
    };
    assert!(unfinished >= 2, "one round did not look through all months");
    let (expected, _) = walk(&test.ops, |query| query.provider = "acme".to_owned()).await;
    assert_eq!(found, expected);
    let mut back = Vec::new();
    while let Some(newer) = last.newer {
        last = ask(newer.to_string()).await;
        back.splice(0..0, ids(&last));
    }
    assert_eq!(back, expected[..back.len()], "the same on the way back");
    assert!(expected.len() - back.len() < expected.len() / 2, "and nothing is left out: {}", back.len());
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_search_box_looks_for_whatever_a_text_may_mean_and_says_where(#[case] engine: EngineKind) {
    use SearchKind::{Order, Payment, Reference, User};
    let (test, spec) = history(engine).await;
    let search = async |text: &str| browse::search(&test.ops, &Permit::for_command(), None, "", text).await;
    let kinds = |answer: &SearchAnswer| -> Vec<_> {
        answer.candidates.iter().map(|candidate| (candidate.kind, candidate.found, candidate.shards.len())).collect()
    };
    let of_user = search(" 4 ").await.unwrap();
    let nothing_else = [(Payment, false, 1), (User, true, 1), (Order, false, 3), (Reference, false, 3)];
    assert_eq!(kinds(&of_user), nothing_else);
    assert_eq!(of_user.only().unwrap().query, PaymentQuery { user: "4".to_owned(), ..PaymentQuery::default() });
    let id = page(&test.ops, |_| ()).await.payments[0].payment.payment_id.to_string();
    let of_id = search(&id).await.unwrap();
    assert_eq!(of_id.only().map(|only| (only.kind, &only.query.id)), Some((Payment, &id)));
    for (text, kind) in [("order-7", Order), ("tx-7", Reference)] {
        assert_eq!(search(text).await.unwrap().only().unwrap().kind, kind, "{text}");
    }
    assert_eq!(
        kinds(&search("TX-7").await.unwrap()),
        [(Order, false, 3), (Reference, false, 3)],
        "exactly as it is written"
    );
    for wrong in ["", " ", &"x".repeat(256)] {
        assert!(matches!(search(wrong).await, Err(OpsError::BadInput(_))), "{wrong:?}");
    }

    let mut connection = test.db.connect().await;
    let lost = spec.table_of(ShardId(2));
    let rename = format!("RENAME TABLE `{0}`.`{lost}` TO `{0}`.lost", spec.schema);
    sqlx::query(sqlx::AssertSqlSafe(rename)).execute(&mut connection).await.unwrap();
    let partial = search("order-7").await.unwrap();
    assert!(partial.only().is_none(), "the silent shard may have a payment of that reference");
    assert!(partial.candidates.iter().all(|candidate| candidate.missing[0].shard == ShardId(2)), "{partial:?}");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_payments_page_says_where_it_lives_and_masks_the_person(#[case] engine: EngineKind) {
    let (test, spec) = history(engine).await;
    let row = page(&test.ops, |query| query.user = "4".to_owned()).await.payments.remove(2);
    let detail = browse::show(&test.ops, &Permit::for_command(), None, "", row.payment.payment_id).await.unwrap();
    assert_eq!(detail.payment, row.payment);
    assert_eq!(detail.payment.payer_email.as_deref(), Some("a•••@example.com"));
    assert_eq!(detail.location.table, spec.table_of(ShardId(1)));
    assert_eq!(detail.location.partition.unwrap(), format!("p{}", row.month.to_string().replace('-', "")));
    assert_eq!(detail.same_user.len(), 7, "two newer ones, five older ones");
    assert_eq!(detail.held_by, []);
    let order = row.payment.order_id.clone();
    test.hold(HoldScope::User { user: UserId(4) }, None).await;
    test.hold(HoldScope::User { user: UserId(5) }, None).await;
    test.hold(HoldScope::Order { order: order.clone() }, None).await;
    test.hold(HoldScope::Order { order: order.to_uppercase() }, None).await;
    test.hold(HoldScope::Month { month: row.month }, Some("2026-12-24")).await;
    test.hold(HoldScope::Month { month: row.month.plus(1).unwrap() }, None).await;
    let held = browse::show(&test.ops, &Permit::for_command(), None, "", row.payment.payment_id).await.unwrap().held_by;
    assert_eq!(held.iter().map(|held| held.hold).collect::<Vec<_>>(), [1, 3, 5]);
    assert_eq!(held[2].until.unwrap().to_rfc3339(), "2026-12-25T00:00:00-05:00", "the end of that day in New York");
    let unknown = browse::show(&test.ops, &Permit::for_command(), None, "", PaymentId::from_raw(1)).await;
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
