//! One user's newest 50 over HTTP JSON, against the same statement through the bare driver on the same socket.

use crate::demo::Demo;
use crate::figures::{median, millis, p99, ratio, timed};
use crate::report::{Beside, Line};
use crate::sample::Sample;
use anyhow::{Context, Result, ensure};
use chrono::DateTime;
use payhist_dialect::TableName;
use payhist_storage::payments::{Filter, Keyset, Layout, PaymentScope, select};
use payhist_types::UserId;
use sea_query::MysqlQueryBuilder;
use sea_query_sqlx::SqlxBinder;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;
use std::time::Duration;

/// The shard that the users are taken from: all are alike.
pub(crate) const SHARD: u16 = 7;
pub(crate) const PAGE_ROWS: u64 = 50;
/// Different users, so that no single one's place in a page of the database decides.
const USERS: u32 = 50;
/// Whoever has more pays often.
const RARE_ROWS_MAX: u64 = 10;
/// Ratios to the bare driver.
const MEDIAN_GOAL: f64 = 1.5;
const P99_GOAL: f64 = 3.0;
/// Ratio of the large sample to the small one.
const SIZE_GOAL: f64 = 1.2;
/// Whoever asks for a user's rows first warms them for the other, so each goes before each as often as after it.
const TURNS: [[Turn; 3]; 6] = {
    use Turn::{Bare, Large, Small};
    [
        [Large, Bare, Small],
        [Bare, Large, Small],
        [Large, Small, Bare],
        [Bare, Small, Large],
        [Small, Large, Bare],
        [Small, Bare, Large],
    ]
};

#[derive(Clone, Copy)]
enum Turn {
    /// Of the large sample over HTTP.
    Large,
    /// The same through the bare driver.
    Bare,
    /// Of the small sample over HTTP.
    Small,
}

pub(crate) async fn measure(demo: &mut Demo, large: Sample, small: Sample, samples: usize) -> Result<Vec<Line>> {
    let large_users = users_with_a_full_page(demo.database(), large).await?;
    let small_users = users_with_a_full_page(demo.database(), small).await?;
    for (user, small_user) in large_users.iter().zip(&small_users) {
        over_http(demo, large, *user, PAGE_ROWS).await?;
        over_http(demo, small, *small_user, PAGE_ROWS).await?;
        bare(demo.database(), large, *user, PAGE_ROWS + 1).await?;
    }
    let (mut ours, mut peer, mut in_small) = (Vec::new(), Vec::new(), Vec::new());
    let users = large_users.iter().cycle().zip(small_users.iter().cycle());
    for (sample, (user, small_user)) in users.take(samples).enumerate() {
        for turn in TURNS[sample % TURNS.len()] {
            match turn {
                Turn::Large => ours.push(over_http(demo, large, *user, PAGE_ROWS).await?),
                Turn::Bare => peer.push(bare(demo.database(), large, *user, PAGE_ROWS + 1).await?),
                Turn::Small => in_small.push(over_http(demo, small, *small_user, PAGE_ROWS).await?),
            }
        }
    }
    let lines = [
        ("medians", median(&mut ours), median(&mut peer), MEDIAN_GOAL),
        ("99 of 100", p99(&mut ours), p99(&mut peer), P99_GOAL),
    ];
    let mut lines: Vec<_> = lines
        .into_iter()
        .map(|(figure, ours, peer, goal)| Line {
            what: format!(
                "one user's newest 50 of {} rows, HTTP JSON against the same statement prepared through bare sqlx ({figure})",
                large.size()
            ),
            ours: millis(ours),
            beside: Beside::Limit(millis(peer)),
            ratio: format!("{:.2} ×", ratio(ours, peer)),
            goal: format!("≤ {goal} ×"),
            met: Some(ratio(ours, peer) <= goal),
        })
        .collect();
    let (ours, in_small) = (median(&mut ours), median(&mut in_small));
    lines.push(Line {
        what: format!("the same of {} rows against {} (medians)", large.size(), small.size()),
        ours: millis(ours),
        beside: Beside::Limit(millis(in_small)),
        ratio: format!("{:.2} ×", ratio(ours, in_small)),
        goal: format!("≤ {SIZE_GOAL} ×"),
        met: Some(ratio(ours, in_small) <= SIZE_GOAL),
    });
    lines.push(who_pays_rarely(demo, large, samples).await?);
    Ok(lines)
}

/// Where reading the latest months first is in vain.
async fn who_pays_rarely(demo: &mut Demo, sample: Sample, samples: usize) -> Result<Line> {
    let sql = format!(
        "SELECT user_id, CAST(COUNT(*) AS UNSIGNED) FROM {}.{} GROUP BY user_id HAVING COUNT(*) <= ? LIMIT ?",
        sample.schema(),
        sample.table(SHARD)
    );
    let users = sqlx::query_as::<_, (u64, u64)>(AssertSqlSafe(sql)).bind(RARE_ROWS_MAX).bind(USERS);
    let users = users.fetch_all(demo.database()).await?;
    ensure!(!users.is_empty(), "no user has {RARE_ROWS_MAX} payments or fewer: fewer --rows are needed");
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for (turn, (user, rows)) in users.iter().cycle().take(samples).enumerate() {
        if turn % 2 == 0 {
            ours.push(over_http(demo, sample, *user, *rows).await?);
        }
        peer.push(bare(demo.database(), sample, *user, *rows).await?);
        if turn % 2 == 1 {
            ours.push(over_http(demo, sample, *user, *rows).await?);
        }
    }
    let (ours, peer) = (median(&mut ours), median(&mut peer));
    Ok(Line {
        what: format!(
            "the same of users with {RARE_ROWS_MAX} payments or fewer, by two statements against one (medians)"
        ),
        ours: millis(ours),
        beside: Beside::Limit(millis(peer)),
        ratio: format!("{:.2} ×", ratio(ours, peer)),
        goal: "shown beside".to_owned(),
        met: None,
    })
}

/// Users of [`SHARD`] with more than a page, the busiest first.
pub(crate) async fn users_with_a_full_page(database: &mut MySqlConnection, sample: Sample) -> Result<Vec<u64>> {
    let table = format!("{}.{}", sample.schema(), sample.table(SHARD));
    let sql =
        format!("SELECT user_id FROM {table} GROUP BY user_id HAVING COUNT(*) > ? ORDER BY COUNT(*) DESC LIMIT ?");
    let users: Vec<u64> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(PAGE_ROWS).bind(USERS).fetch_all(database).await?;
    ensure!(!users.is_empty(), "no user has {PAGE_ROWS} payments: more --rows are needed");
    Ok(users)
}

async fn over_http(demo: &Demo, sample: Sample, user: u64, rows: u64) -> Result<Duration> {
    let query = format!("history={}&user={user}&limit={PAGE_ROWS}", sample.history);
    let (took, body) = timed(demo.payments(&query)).await?;
    let found = body.matches("\"payment_id\"").count() as u64;
    ensure!(found == rows, "user {user}: {found} of {rows} payments over HTTP");
    Ok(took)
}

/// The statement for this page over all months (one row more than the page, to know whether there is another).
async fn bare(database: &mut MySqlConnection, sample: Sample, user: u64, rows: u64) -> Result<Duration> {
    let filter = Filter { user: Some(UserId(user)), ..Filter::default() };
    newest(database, sample, SHARD, &filter, rows).await
}

/// The newest of a shard through the bare driver: so many.
pub(crate) async fn newest(
    database: &mut MySqlConnection,
    sample: Sample,
    shard: u16,
    filter: &Filter,
    rows: u64,
) -> Result<Duration> {
    let scope = PaymentScope {
        table: TableName::new(&sample.schema(), &sample.table(shard))?,
        layout: Layout::Own,
        from: DateTime::UNIX_EPOCH,
        until: DateTime::from_timestamp_secs(253_402_214_400).context("9999-12-31")?,
    };
    let (sql, values) = select(&scope, filter, Keyset::NEWEST, PAGE_ROWS + 1).build_sqlx(MysqlQueryBuilder);
    let query = async { Ok(sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(database).await?) };
    let (took, found) = timed(query).await?;
    ensure!(found.len() as u64 == rows, "{filter:?}: {} of {rows} rows from the database", found.len());
    Ok(took)
}
