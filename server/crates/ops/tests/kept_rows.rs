//! What holds on users and orders keep, counted on real servers.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use payhist_ops::adopt::adopt;
use payhist_ops::auth::Permit;
use payhist_ops::holds::{self, Placement};
use payhist_ops::{Ops, rotation};
use payhist_plan::{held, twins};
use payhist_storage::runs;
use payhist_testkit::{Sessions, TestEngine, TestOps};
use payhist_types::columns::{Columns, Value};
use payhist_types::history::{HistorySpec, Policy, Route, Switches};
use payhist_types::holds::{HoldScope, Keeps, MonthsKept, NotCounted, RowsKept};
use payhist_types::run::RunOutcome;
use payhist_types::{EngineKind, ShardId, UserId};
use rstest::rstest;
use sqlx::AssertSqlSafe;
use std::time::Duration;
use tokio::time::timeout;

const NOW: &str = "2026-11-15T12:00:00Z";
/// Longer than any count takes, deadlines included.
const FOREVER: Duration = Duration::from_mins(1);

/// Two shards; March and April 2026 have expired. Each month of each shard has a payment of each of its two users, all of
/// one order but the last one's.
async fn history(engine: impl Into<TestEngine>, quarantine_days: Option<u16>) -> TestOps {
    let test = TestOps::new(engine, NOW).await;
    let policy = Policy {
        premake_months: None,
        retention_months: Some(6),
        quarantine_days,
        zone: "UTC".to_owned(),
        ..Policy::default()
    };
    test.history(2, policy, Switches { drop: true, ..Switches::default() }, "2026-03", "2026-12").await;
    for month in 3..=6 {
        for user in 1..=4 {
            pay(&test, month * 10 + user, user, month).await;
        }
    }
    test
}

async fn pay(test: &TestOps, id: u64, user: u64, month: u64) {
    let (shard, order) = (user % 2, if user == 4 { "another" } else { "O-7" });
    let at = format!("2026-{month:02}-10 00:00:00");
    let sql = format!(
        "INSERT INTO payment_history_shard_{shard} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, updated_at) \
         VALUES ({id}, {user}, '{order}', 'p', 'card', 'PAID', {id}.5, 'EUR', '{at}', '{at}')"
    );
    execute(test, &sql).await;
}

async fn execute(test: &TestOps, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut test.db.connect().await).await.unwrap();
}

fn user(user: u64) -> HoldScope {
    HoldScope::User { user: UserId(user) }
}

fn order(order: &str) -> HoldScope {
    HoldScope::Order { order: order.to_owned() }
}

async fn hold(ops: &Ops, scope: HoldScope, last_day: Option<&str>) -> u64 {
    let last_day = last_day.map(|day| day.parse().unwrap());
    let placement = Placement { scope, reason: "audit".into(), case_number: "2026/88".into(), last_day };
    holds::place(ops, &Permit::for_command(), "", placement).await.unwrap()
}

/// What each hold keeps that has not ended, oldest first.
async fn kept(test: &TestOps) -> Vec<RowsKept> {
    let list = holds::list(&test.ops, &Permit::for_command(), "").await.unwrap();
    let mut holds = list.holds;
    holds.sort_by_key(|view| view.hold.id);
    let rows = |keeps: Keeps| match keeps {
        Keeps::Rows(rows) => rows,
        Keeps::Months(months) => panic!("{months:?}"),
    };
    holds.into_iter().filter_map(|view| view.keeps.map(rows)).collect()
}

fn rows(months: u32, rows: u64, quarantined_rows: u64, carved_out_rows: u64, shards: u32) -> RowsKept {
    RowsKept { months, rows, quarantined_rows, carved_out_rows, shards, not_counted: Vec::new() }
}

async fn apply(test: &TestOps) {
    let plan = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    let run = rotation::apply_and_wait(&test.ops, &Permit::for_command(), "", &plan.hash.0).await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
}

/// Does the carve-outs of the plan and nothing else, as if the process had been killed between them and their drops.
async fn carve_out(test: &TestOps) {
    let mut plan = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    plan.steps.retain(|step| step.action.verb() == "carve-out");
    assert!(!plan.steps.is_empty());
    let history = payhist_ops::histories::find(&test.ops, "").await.unwrap();
    let run =
        runs::create(&mut test.db.connect().await, history.id, &plan, "test", NOW.parse().unwrap()).await.unwrap();
    rotation::resume(&test.ops, &Permit::for_command(), "").await.unwrap();
    let run = rotation::run(&test.ops, &Permit::for_command(), run).await.unwrap();
    assert_eq!(run.outcome, RunOutcome::Done, "{run:#?}");
}

/// The marks of the map: shard, month, holds.
async fn marks(test: &TestOps) -> Vec<(u16, String, Vec<u64>)> {
    let map = rotation::map(&test.ops, &Permit::for_command(), "").await.unwrap();
    let of_row = |row: &payhist_types::partition::MapRow| {
        let marked = row.cells.iter().filter(|cell| !cell.held_rows.is_empty());
        let shard = row.shard.0;
        marked.map(|cell| (shard, cell.month.to_string(), cell.held_rows.clone())).collect::<Vec<_>>()
    };
    map.rows.iter().flat_map(of_row).collect()
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn held_rows_are_counted_once_wherever_they_are(#[case] engine: TestEngine) {
    let test = history(engine, Some(30)).await;
    for scope in [user(2), user(2), user(9), order("O-7")] {
        hold(&test.ops, scope, None).await;
    }
    hold(&test.ops, user(1), Some("2026-11-30")).await;
    let of_nobody = rows(0, 0, 0, 0, 1);
    let expected =
        [rows(4, 4, 0, 0, 1), rows(4, 4, 0, 0, 1), of_nobody.clone(), rows(4, 12, 0, 0, 2), rows(4, 4, 0, 0, 1)];
    assert_eq!(kept(&test).await, expected, "in their months");

    apply(&test).await;
    let expected =
        [rows(4, 4, 3, 0, 1), rows(4, 4, 3, 0, 1), of_nobody.clone(), rows(4, 12, 9, 0, 2), rows(4, 4, 3, 0, 1)];
    assert_eq!(kept(&test).await, expected, "in quarantine, as May is before its time");
    carve_out(&test).await;
    assert_eq!(kept(&test).await, expected, "copied, with their originals still there");

    apply(&test).await;
    let expected =
        [rows(4, 4, 1, 2, 1), rows(4, 4, 1, 2, 1), of_nobody.clone(), rows(4, 12, 3, 6, 2), rows(4, 4, 1, 2, 1)];
    assert_eq!(kept(&test).await, expected, "carved out, their months gone");

    pay(&test, 39, 2, 3).await; // late, into another month's partition
    test.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let kept = kept(&test).await;
    assert_eq!(kept[0], rows(4, 5, 1, 2, 1), "a late row is no copy");
    assert_eq!(kept.len(), 4, "the last one has ended");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_map_marks_the_months_that_have_held_rows(#[case] engine: EngineKind) {
    let test = history(engine, Some(30)).await;
    assert_eq!(marks(&test).await, []);
    let (four, another) = (hold(&test.ops, user(4), None).await, hold(&test.ops, order("another"), None).await);
    hold(&test.ops, user(3), Some("2026-11-20")).await;
    execute(&test, "DELETE FROM payment_history_shard_0 WHERE payment_id = 64").await;
    test.clock.set("2026-11-21T00:00:00Z".parse().unwrap());
    let of =
        |months: &[&str]| months.iter().map(|month| (0, (*month).to_owned(), vec![four, another])).collect::<Vec<_>>();
    assert_eq!(marks(&test).await, of(&["2026-03", "2026-04", "2026-05"]));
    apply(&test).await;
    assert_eq!(marks(&test).await, of(&["2026-03", "2026-04", "2026-05"]), "those in quarantine, too");
    apply(&test).await;
    assert_eq!(marks(&test).await, of(&["2026-05"]), "a month that is gone has none");
    pay(&test, 39, 4, 3).await;
    let may = twins::name("payment_history_shard_0", "p202605");
    execute(&test, &format!("DELETE FROM `{may}` WHERE payment_id = 54")).await;
    assert_eq!(marks(&test).await, of(&["2026-05"]), "the oldest partition has late rows of older months");
}

/// Tables of a shop, without a key on the order.
async fn shop(engine: EngineKind, customer: &str) -> TestOps {
    let test = TestOps::new(engine, NOW).await;
    for shard in 0..2 {
        execute(
            &test,
            &format!(
                "CREATE TABLE shop_{shard} (id BIGINT NOT NULL, customer {customer} NOT NULL, basket BIGINT NOT NULL, how VARCHAR(9) NOT NULL, \
                 state VARCHAR(9) NOT NULL, total INT NOT NULL, `at` DATETIME NOT NULL, PRIMARY KEY (id, `at`), \
                 KEY `of customers` (customer), KEY other (state, basket)) PARTITION BY RANGE COLUMNS (`at`) \
                 (PARTITION a VALUES LESS THAN ('2026-10-01'), PARTITION b VALUES LESS THAN ('2026-11-01'))"
            ),
        )
        .await;
        execute(
            &test,
            &format!("INSERT INTO shop_{shard} VALUES (1, 7, 5, 'card', 'PAID', 1, '2026-09-10'), (2, 7, 5, 'card', 'PAID', 1, '2026-10-10')"),
        )
        .await;
    }
    let columns = Columns {
        payment_id: "id".into(),
        user_id: "Customer".into(),
        order_id: "basket".into(),
        provider: Value::Constant { constant: "acme".into() },
        method: Value::Column("how".into()),
        status: "state".into(),
        amount: "total".into(),
        currency: Value::Constant { constant: "KRW".into() },
        created_at: "at".into(),
        ..Columns::default()
    };
    let spec = HistorySpec {
        name: "shop".parse().unwrap(),
        source: "main".into(),
        schema: test.db.name().to_owned(),
        table_pattern: "shop_{shard}".to_owned(),
        route: Route::Modulo { shards: 2 },
        policy: Policy { premake_months: None, retention_months: None, zone: "UTC".to_owned(), ..Policy::default() },
        columns: Some(columns.into()),
    };
    adopt(&test.ops, &Permit::for_command(), std::slice::from_ref(&spec)).await.unwrap();
    test
}

fn not_counted(shard: u16, table: &str, reason: &str) -> NotCounted {
    NotCounted { shard: ShardId(shard), table: format!("{table}{shard}"), reason: reason.to_owned() }
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_adopted_table_without_a_key_on_the_column_is_not_scanned(#[case] engine: EngineKind) {
    let test = shop(engine, "INT").await;
    hold(&test.ops, user(7), None).await;
    hold(&test.ops, order("5"), None).await;
    let reason = "no key on the column basket";
    let none = RowsKept {
        not_counted: vec![not_counted(0, "shop_", reason), not_counted(1, "shop_", reason)],
        ..RowsKept::default()
    };
    assert_eq!(kept(&test).await, [rows(2, 2, 0, 0, 1), none.clone()]);
    let map = rotation::map(&test.ops, &Permit::for_command(), "").await.unwrap();
    assert_eq!(map.held_rows_not_counted, none.not_counted, "the map says where marks may be missing");

    execute(&test, "ALTER TABLE shop_1 ADD KEY (basket)").await;
    let partly = RowsKept { not_counted: vec![not_counted(0, "shop_", reason)], ..rows(2, 2, 0, 0, 1) };
    assert_eq!(kept(&test).await[1], partly);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_users_column_of_text_is_not_scanned_for_a_number(#[case] engine: EngineKind) {
    let test = shop(engine, "VARCHAR(20)").await;
    hold(&test.ops, user(7), None).await;
    let kept = kept(&test).await.remove(0);
    let reason = "the column Customer is text: no key of it finds a number";
    assert_eq!(kept, RowsKept { not_counted: vec![not_counted(1, "shop_", reason)], ..RowsKept::default() });
}

/// Somebody has locked one table, so that its statement runs into its deadline; another's held-rows table lost its key.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_shard_that_cannot_be_counted_in_time_is_named_and_the_rest_is_counted(#[case] engine: EngineKind) {
    let test = history(engine, None).await;
    hold(&test.ops, order("O-7"), None).await;
    hold(&test.ops, user(2), None).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["other"]).await;
    sessions.step("other", "LOCK TABLES payment_history_shard_1 WRITE").await.done();
    let counted = timeout(FOREVER, kept(&test)).await.expect("the count has its deadline");
    let lost = &counted[0].not_counted;
    assert_eq!((lost.len(), lost[0].shard.0), (1, 1), "{lost:?}");
    assert!(lost[0].reason.contains("time exceeded"), "the server itself ended it: {lost:?}");
    assert_eq!(counted[0], RowsKept { not_counted: lost.clone(), ..rows(4, 4, 0, 0, 1) });
    assert_eq!(counted[1], rows(4, 4, 0, 0, 1));
    sessions.step("other", "UNLOCK TABLES").await.done();

    apply(&test).await;
    assert_eq!(kept(&test).await[0], rows(4, 12, 0, 6, 2));
    execute(&test, &format!("ALTER TABLE `{}` DROP KEY by_order", held::name("payment_history_shard_0"))).await;
    let counted = kept(&test).await;
    let lost = &counted[0].not_counted;
    assert!(lost.len() == 1 && lost[0].reason.contains("by_order"), "{lost:?}");
    assert_eq!(counted[1], rows(4, 4, 0, 2, 1));
}

#[tokio::test]
async fn whole_months_are_told_as_they_were() {
    let test = history(EngineKind::MariaDb, None).await;
    hold(&test.ops, HoldScope::Month { month: "2026-05".parse().unwrap() }, None).await;
    hold(&test.ops, user(2), None).await;
    let mut list = holds::list(&test.ops, &Permit::for_command(), "").await.unwrap();
    let (month, of_user) = (list.holds.remove(1), list.holds.remove(0));
    assert!(matches!(month.keeps, Some(Keeps::Months(MonthsKept { months: 1, .. }))), "{month:?}");
    let json = serde_json::to_value(&month).unwrap();
    let fields: Vec<_> = json["keeps"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["bytes", "months", "rows_estimate"]);
    let read: Keeps = serde_json::from_value(serde_json::to_value(&of_user).unwrap()["keeps"].clone()).unwrap();
    assert_eq!(Some(read), of_user.keeps, "the two are told apart");
}
