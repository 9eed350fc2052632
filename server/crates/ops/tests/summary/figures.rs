//! What a summary says, and what it says of its figures.

use crate::support::{
    as_rows, ask, next_second, outdate, pay, pay_at, release_lease, states, take_lease, truth, version, waits_for_lock,
};
use chrono::{DateTime, TimeDelta, Utc};
use payhist_ops::auth::Permit;
use payhist_ops::{jobs, overview, rotation};
use payhist_plan::{held, twins};
use payhist_testkit::{Sessions, TestEngine, TestOps};
use payhist_types::EngineKind;
use payhist_types::ShardId;
use payhist_types::history::{Policy, Switches};
use payhist_types::holds::HoldScope;
use payhist_types::summary::{PartState, Summary, SummaryBy, SummaryQuery};
use rstest::rstest;

const TABLE: &str = "payment_history_shard_0";

/// The 1st and the last instant of each month and day around changes of the clock, in three zones.
#[rstest]
#[tokio::test]
async fn kept_figures_are_those_of_a_group_by_in_the_zones_own_months_and_days(
    #[values("America/New_York", "Europe/London", "Asia/Seoul")] zone: &str,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let test = TestOps::new(engine, "2026-11-20T12:00:00Z").await;
    let policy = Policy { retention_months: None, zone: zone.to_owned(), ..Policy::default() };
    test.history(2, policy, Switches::default(), "2026-02", "2026-12").await;
    let begin: DateTime<Utc> = "2026-02-28T21:00:00Z".parse().unwrap();
    // Every two hours and a half over days at which clocks change and months end, to the microsecond before the hour.
    let days = ["2026-03-07", "2026-03-28", "2026-03-31", "2026-04-30", "2026-10-24", "2026-10-31", "2026-11-07"];
    let mut times = vec![begin];
    for day in days {
        let noon: DateTime<Utc> = format!("{day}T12:00:00Z").parse().unwrap();
        times.extend((0..20).flat_map(|step| {
            let at = noon + TimeDelta::minutes(step * 90);
            [at - TimeDelta::microseconds(1), at]
        }));
    }
    pay_at(&test, &times).await;
    let query = SummaryQuery { by: "month,day,provider,method,status".into(), ..SummaryQuery::default() };
    let first = ask(&test.ops, &query).await;
    assert!(first.complete, "{first:#?}");
    assert_eq!(states(&first, "2026-10"), [(PartState::Counted, vec![0, 1])]);
    assert_eq!(as_rows(&first), truth(&test, zone).await, "counted");
    let second = ask(&test.ops, &query).await;
    assert_eq!(states(&second, "2026-10"), [(PartState::Kept, vec![0, 1])]);
    assert_eq!(states(&second, "2026-11"), [(PartState::Counted, vec![0, 1])], "the open month is live");
    assert_eq!(as_rows(&second), truth(&test, zone).await, "kept");
    let one = ask(&test.ops, &SummaryQuery { currency: "krw".into(), ..query.clone() }).await;
    let krw: Vec<_> = as_rows(&second).into_iter().filter(|row| row.2 == "KRW").collect();
    assert_eq!((as_rows(&one), one.currencies.len()), (krw, 2));
}

/// Writers' locks on the tables would keep every look at a closed month's rows waiting.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_second_view_of_closed_months_touches_no_row_of_them(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 2, None, "2026-08").await;
    pay(&test, TABLE, [(1, 2, "2026-09-10"), (2, 4, "2026-10-10")]).await;
    let query = SummaryQuery { to: "2026-10".into(), ..SummaryQuery::default() };
    let first = ask(&test.ops, &query).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["writer"]).await;
    let locked = "LOCK TABLES payment_history_shard_0 WRITE, payment_history_shard_1 WRITE";
    sessions.step("writer", locked).await.done();
    let second = ask(&test.ops, &query).await;
    assert_eq!(as_rows(&second), as_rows(&first));
    for month in ["2026-08", "2026-09", "2026-10"] {
        assert_eq!(states(&second, month), [(PartState::Kept, vec![0, 1])], "{month}");
    }
    // The lock is one that a count does wait for.
    outdate(&test, "2026-09").await;
    let third = ask(&test.ops, &query).await;
    assert_eq!(states(&third, "2026-09"), [(PartState::Silent, vec![0, 1])]);
    assert!(!third.complete && third.missing.len() == 2, "{third:#?}");
    assert!(third.by(SummaryBy::Month).iter().all(|row| row.key.as_deref() != Some("2026-09")), "unknown is no zero");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_month_is_kept_once_it_is_over_in_its_zone_and_a_little_longer(#[case] engine: EngineKind) {
    let test = TestOps::new(engine, "2026-10-31T15:14:00Z").await;
    let policy = Policy { retention_months: None, zone: "Asia/Seoul".to_owned(), ..Policy::default() };
    test.history(1, policy, Switches::default(), "2026-10", "2026-12").await;
    pay(&test, TABLE, [(1, 2, "2026-10-10"), (2, 4, "2026-10-31 14:59:59.999999"), (3, 4, "2026-10-31 15:00:00")])
        .await;
    let query = SummaryQuery::default();
    for _ in 0..2 {
        let open = ask(&test.ops, &query).await;
        assert_eq!(states(&open, "2026-10"), [(PartState::Counted, vec![0])], "its last payments may still commit");
    }
    test.clock.advance(TimeDelta::minutes(1));
    ask(&test.ops, &query).await;
    let closed = ask(&test.ops, &query).await;
    assert_eq!(states(&closed, "2026-10"), [(PartState::Kept, vec![0])]);
    let counts: Vec<_> = closed.by(SummaryBy::Month).iter().map(|row| row.figures.count).collect();
    assert_eq!(counts, [2, 1], "Seoul's November has begun");
}

#[rstest]
#[case::mariadb(TestEngine::MariaDb)]
#[case::mariadb11(TestEngine::MariaDb11)]
#[case::mysql(TestEngine::MySql)]
#[tokio::test]
async fn what_left_the_table_keeps_its_figures_and_a_restored_month_is_counted_again(#[case] engine: TestEngine) {
    let test = TestOps::expiring(engine, 1, Some(30), "2026-05").await;
    pay(&test, TABLE, [(1, 2, "2026-05-10"), (2, 4, "2026-05-11"), (3, 4, "2026-06-11")]).await;
    let count = async || {
        let all = ask(&test.ops, &SummaryQuery { from: "2026-04".into(), ..SummaryQuery::default() }).await;
        let may = all.by(SummaryBy::Month).iter().find(|row| row.key.as_deref() == Some("2026-05"));
        (states(&all, "2026-05")[0].0, may.map(|row| row.figures.count), all)
    };
    let (state, counted, all) = count().await;
    assert_eq!((state, counted), (PartState::Counted, Some(2)));
    assert_eq!(states(&all, "2026-04"), [(PartState::NotThere, vec![0])], "before the table's beginning");
    assert!(all.complete, "a month that no shard has is as known as it can be");

    // Each change outdates by itself, though one alone would do for what is asked here.
    assert_eq!(version(&test, "2026-05").await, 0);
    test.apply().await;
    assert_eq!(test.payments(&twins::name(TABLE, "p202605")).await.len(), 2, "May is in quarantine");
    assert_eq!(version(&test, "2026-05").await, 1, "quarantined");
    let (state, counted, _) = count().await;
    assert_eq!((state, counted), (PartState::KeptBeforeQuarantine, Some(2)));
    // A late row goes to the partition, which is not what the month was.
    pay(&test, TABLE, [(9, 4, "2026-05-12")]).await;
    assert_eq!(count().await.1, Some(2));

    rotation::restore(&test.ops, &Permit::for_command(), "", "2026-05".parse().unwrap()).await.unwrap();
    assert_eq!(version(&test, "2026-05").await, 2, "restored");
    next_second().await;
    let (state, counted, _) = count().await;
    assert_eq!((state, counted), (PartState::Counted, Some(3)), "with the late one");
    assert_eq!(count().await.0, PartState::Kept);
    pay(&test, TABLE, [(10, 4, "2026-05-13")]).await;

    test.clock.advance(TimeDelta::days(60));
    test.apply().await;
    assert_eq!(version(&test, "2026-05").await, 3, "quarantined again");
    test.clock.advance(TimeDelta::days(60));
    test.apply().await;
    test.apply().await;
    assert!(version(&test, "2026-05").await > 3, "dropped");
    assert!(test.payments(TABLE).await.iter().all(|id| *id == 3), "May has been dropped for good");
    let (state, counted, all) = count().await;
    assert_eq!((state, counted), (PartState::KeptBeforeDrop, Some(3)), "as it was counted, before the drop");
    let as_of = all.months[1].as_of().unwrap();
    assert_eq!(as_of.to_rfc3339(), "2026-11-15T12:00:00+00:00");
    // Late rows of a dropped month land in the next partition: they are not the month.
    pay(&test, TABLE, [(11, 4, "2026-05-13")]).await;
    assert_eq!(count().await.1, Some(3));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_month_that_left_before_it_was_ever_counted_is_unknown_and_not_zero(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 1, Some(30), "2026-04").await;
    pay(&test, TABLE, [(1, 2, "2026-04-10"), (2, 4, "2026-05-11")]).await;
    test.apply().await;
    test.apply().await;
    let all = ask(&test.ops, &SummaryQuery { from: "2026-04".into(), ..SummaryQuery::default() }).await;
    assert_eq!(states(&all, "2026-05"), [(PartState::Quarantined, vec![0])], "{all:#?}");
    assert!(!all.complete);
    assert!(all.by(SummaryBy::Month).is_empty(), "{all:#?}");
}

/// Copies of held rows are not of the month: neither making nor deleting them changes its figures.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn held_copies_change_no_figures(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 1, None, "2026-04").await;
    pay(&test, TABLE, [(1, 2, "2026-04-10"), (2, 4, "2026-04-11"), (3, 4, "2026-06-11")]).await;
    let query = SummaryQuery { from: "2026-04".into(), to: "2026-06".into(), ..SummaryQuery::default() };
    let before = ask(&test.ops, &query).await;
    test.hold(HoldScope::User { user: payhist_types::UserId(2) }, Some("2026-11-20")).await;
    test.apply().await;
    assert_eq!(test.payments(&held::name(TABLE)).await, [1], "carved out");
    let carved = ask(&test.ops, &query).await;
    assert_eq!(states(&carved, "2026-04"), [(PartState::KeptBeforeDrop, vec![0])]);
    assert_eq!(as_rows(&carved), as_rows(&before));
    test.clock.advance(TimeDelta::days(10));
    test.apply().await;
    assert_eq!(test.payments(&held::name(TABLE)).await, [] as [u64; 0], "the copy is deleted");
    let released = ask(&test.ops, &query).await;
    assert_eq!(as_rows(&released), as_rows(&before));
    assert_eq!(states(&released, "2026-06"), [(PartState::Kept, vec![0])], "nothing was outdated for it");
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_shard_that_does_not_answer_is_named_and_the_others_and_what_was_kept_are_shown(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 2, None, "2026-09").await;
    pay(&test, TABLE, [(1, 2, "2026-10-10"), (2, 4, "2026-11-10")]).await;
    pay(&test, "payment_history_shard_1", [(3, 3, "2026-10-10"), (4, 5, "2026-11-10")]).await;
    ask(&test.ops, &SummaryQuery { to: "2026-10".into(), ..SummaryQuery::default() }).await;
    test.execute("RENAME TABLE payment_history_shard_1 TO lost").await;
    let other = test.second_instance().await; // it has read no catalogue yet
    let short = ask(&other, &SummaryQuery::default()).await;
    let counts: Vec<_> = short.by(SummaryBy::Month).iter().map(|row| row.figures.count).collect();
    assert_eq!(counts, [2, 1], "October was kept");
    assert_eq!(states(&short, "2026-10"), [(PartState::Kept, vec![0, 1])]);
    assert_eq!(states(&short, "2026-11"), [(PartState::Counted, vec![0]), (PartState::Silent, vec![1])]);
    assert!(!short.complete && short.months[2].is_partial());
    assert_eq!(short.missing.iter().map(|missing| missing.shard).collect::<Vec<_>>(), [ShardId(1)]);
    let overview = overview::view(&other, &Permit::for_command(), "").await.unwrap();
    assert!(overview.missing[0].starts_with("Shard 1 on main"), "{:?}", overview.missing);
    assert_eq!(overview.days.iter().map(|day| day.count).sum::<u64>(), 1);
}

/// The locked shard's newest months take all the time and all the places of their source: the other's oldest have none left.
#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn a_month_for_which_no_time_is_left_is_not_yet_summarised_and_no_zero(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 2, None, "2026-01").await;
    pay(&test, TABLE, [(1, 2, "2026-01-10"), (2, 4, "2026-10-10")]).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["writer"]).await;
    sessions.step("writer", "LOCK TABLES payment_history_shard_1 WRITE").await.done();
    let query = SummaryQuery { from: "2026-01".into(), ..SummaryQuery::default() };
    let short = ask(&test.ops, &query).await;
    assert_eq!(states(&short, "2026-10"), [(PartState::Counted, vec![0]), (PartState::Silent, vec![1])]);
    assert_eq!(states(&short, "2026-01"), [(PartState::NotYet, vec![0]), (PartState::Silent, vec![1])]);
    assert!(!short.complete && short.missing.len() == 1, "{short:#?}");
    let months = |summary: &Summary| -> Vec<_> {
        summary.by(SummaryBy::Month).iter().map(|row| row.key.clone().unwrap()).collect()
    };
    assert_eq!(months(&short), ["2026-10"], "unknown is no zero");

    sessions.step("writer", "UNLOCK TABLES").await.done();
    let whole = ask(&test.ops, &query).await;
    assert_eq!(states(&whole, "2026-01"), [(PartState::Counted, vec![0, 1])]);
    assert_eq!((whole.complete, months(&whole)), (true, vec!["2026-01".to_owned(), "2026-10".to_owned()]));
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn an_outdating_between_counting_and_keeping_is_not_overwritten(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 1, None, "2026-09").await;
    pay(&test, TABLE, [(1, 2, "2026-10-10")]).await;
    let mut sessions = Sessions::new(&test.db.connect_options(), &["writer"]).await;
    // The count waits for this lock: so it has read the month's version, and not yet its rows.
    sessions.step("writer", &format!("LOCK TABLES {TABLE} WRITE")).await.done();
    let query = SummaryQuery { from: "2026-10".into(), to: "2026-10".into(), ..SummaryQuery::default() };
    let (ops, asked) = (test.ops.clone(), query.clone());
    let counting = tokio::spawn(async move { ask(&ops, &asked).await });
    waits_for_lock(&test, TABLE).await;
    outdate(&test, "2026-10").await;
    sessions.step("writer", "UNLOCK TABLES").await.done();
    assert_eq!(counting.await.unwrap().by(SummaryBy::Month)[0].figures.count, 1);
    let again = ask(&test.ops, &query).await;
    assert_eq!(states(&again, "2026-10"), [(PartState::Counted, vec![0])], "nothing was kept");
    assert_eq!(states(&ask(&test.ops, &query).await, "2026-10"), [(PartState::Kept, vec![0])]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn nothing_is_kept_while_a_run_or_an_import_holds_its_lease(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 1, None, "2026-09").await;
    pay(&test, TABLE, [(1, 2, "2026-10-10")]).await;
    let query = SummaryQuery { to: "2026-10".into(), ..SummaryQuery::default() };
    for lease in ["rotation.payments", "import.payments"] {
        let token = take_lease(&test, lease).await;
        ask(&test.ops, &query).await;
        let again = ask(&test.ops, &query).await;
        assert_eq!(states(&again, "2026-10"), [(PartState::Counted, vec![0])], "{lease}");
        release_lease(&test, lease, token).await;
    }
    ask(&test.ops, &query).await;
    assert_eq!(states(&ask(&test.ops, &query).await, "2026-10"), [(PartState::Kept, vec![0])]);
}

#[rstest]
#[case::mariadb(EngineKind::MariaDb)]
#[case::mysql(EngineKind::MySql)]
#[tokio::test]
async fn the_job_counts_what_is_missing_what_has_changed_and_what_closed_lately(#[case] engine: EngineKind) {
    let test = TestOps::expiring(engine, 1, None, "2026-06").await;
    pay(&test, TABLE, [(1, 2, "2026-06-10"), (2, 2, "2026-10-10")]).await;
    let run = async || {
        let run = jobs::run_now(&test.ops, &Permit::for_command(), "summaries").await.unwrap();
        let ended = jobs::wait_for(&test.ops, "summaries", run).await.unwrap();
        test.clock.advance(TimeDelta::minutes(1));
        ended.summary.unwrap()
    };
    // On MariaDB a change may look older than its commit: what changed shortly before it was counted is counted again.
    let summary = |mysql: u32| {
        let counted = if engine == EngineKind::MariaDb { 5 } else { mysql };
        format!("payments: {counted} counted, {} still good", 5 - counted)
    };
    jobs::list(&test.ops, &Permit::for_command()).await.unwrap();
    assert_eq!(run().await, summary(5));
    assert_eq!(run().await, summary(0));
    let query = SummaryQuery { to: "2026-10".into(), ..SummaryQuery::default() };
    let june = async || states(&ask(&test.ops, &query).await, "2026-06");
    assert_eq!(june().await, [(PartState::Kept, vec![0])]);
    next_second().await;
    // A refund, of which payhist is not told.
    test.execute(&format!("UPDATE {TABLE} SET status = 'REFUNDED' WHERE payment_id = 1 AND created_at < '2026-07-01'"))
        .await;
    assert_eq!(june().await, [(PartState::KeptAndChanged, vec![0])]);
    next_second().await;
    assert_eq!(run().await, summary(1));
    let after = ask(&test.ops, &SummaryQuery { by: "status".into(), to: "2026-06".into(), ..query.clone() }).await;
    assert_eq!(after.by(SummaryBy::Status)[0].key.as_deref(), Some("REFUNDED"));
    // The night: the last three closed months are counted again, whatever the server remembers.
    test.clock.advance(TimeDelta::days(1));
    assert_eq!(run().await, summary(3));
}
