//! Rows at the two instants around every month's edge are in the right month, and a drop takes exactly its own: across
//! changes of the clock, the year's end and 29 February. Edges are reckoned here by the zone's own clock.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it too")]

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{America, Asia, Europe, Tz};
use payhist_ops::auth::Permit;
use payhist_ops::rotation;
use payhist_testkit::TestOps;
use payhist_types::EngineKind;
use payhist_types::history::{Policy, Switches};
use payhist_types::run::RunOutcome;
use rstest::rstest;
use sqlx::AssertSqlSafe;

const TABLE: &str = "payment_history_shard_0";
/// The clocks of London go back in October and forward in March, New York's in November and March; 2028 is a leap year.
const MONTHS: [(i32, u32); 8] =
    [(2027, 10), (2027, 11), (2027, 12), (2028, 1), (2028, 2), (2028, 3), (2028, 4), (2028, 5)];
/// Months that have expired in May 2028, when one is kept before the running one: up to March.
const EXPIRED: usize = 6;

fn at(zone: Tz, (year, month): (i32, u32), day: u32, hour: u32) -> DateTime<Utc> {
    zone.with_ymd_and_hms(year, month, day, hour, 0, 0).unwrap().to_utc()
}

/// The first and the last instant of a month, and of February its 29th.
fn instants(zone: Tz, place: usize) -> Vec<DateTime<Utc>> {
    let (year, month) = MONTHS[place];
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let mut all = vec![at(zone, (year, month), 1, 0), at(zone, next, 1, 0) - TimeDelta::microseconds(1)];
    all.extend((month == 2).then(|| at(zone, (year, month), 29, 12)));
    all
}

/// Times of the rows of a partition, or of the table.
async fn times(test: &TestOps, of: &str) -> Vec<DateTime<Utc>> {
    let sql = format!("SELECT created_at FROM {TABLE} {of} ORDER BY created_at");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut test.db.connect().await).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn rows_at_a_months_edge_are_in_their_month_and_go_with_it(
    #[values(Europe::London, America::New_York, Asia::Seoul)] zone: Tz,
    #[values(EngineKind::MariaDb, EngineKind::MySql)] engine: EngineKind,
) {
    let test = TestOps::new(engine, "2028-05-15T12:00:00Z").await;
    let policy = Policy { retention_months: Some(1), zone: zone.to_string(), ..Policy::default() };
    test.history(1, policy, Switches { drop: true, ..Switches::default() }, "2027-10", "2028-06").await;
    let all: Vec<Vec<_>> = (0..MONTHS.len()).map(|place| instants(zone, place)).collect();
    for (id, time) in (1_u64..).zip(all.iter().flatten()) {
        let sql = format!(
            "INSERT INTO {TABLE} (payment_id, user_id, order_id, provider, method, status, amount, currency, created_at, \
             updated_at) VALUES ({id}, 1, 'o', 'p', 'card', 'PAID', 1.5, 'EUR', ?, ?)"
        );
        let insert = sqlx::query(AssertSqlSafe(sql)).bind(time).bind(time);
        insert.execute(&mut test.db.connect().await).await.unwrap();
    }
    for ((year, month), expected) in MONTHS.iter().zip(&all) {
        let mut expected = expected.clone();
        expected.sort_unstable();
        let partition = format!("PARTITION (p{year}{month:02})");
        assert_eq!(times(&test, &partition).await, expected, "{partition} in {zone}");
    }
    let plan = rotation::plan(&test.ops, &Permit::for_command(), "").await.unwrap();
    let run = rotation::apply_and_wait(&test.ops, &Permit::for_command(), "", &plan.hash.0).await.unwrap();
    assert_eq!((run.outcome, run.steps.len()), (RunOutcome::Done, EXPIRED), "{run:#?}");
    let mut kept: Vec<_> = all[EXPIRED..].iter().flatten().copied().collect();
    kept.sort_unstable();
    assert_eq!(times(&test, "").await, kept, "the last that went is of {:?}", MONTHS[EXPIRED - 1]);
}
