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
        over_http(demo, large, *user).await?;
        over_http(demo, small, *small_user).await?;
        bare(demo.database(), large, *user).await?;
    }
    let (mut ours, mut peer, mut in_small) = (Vec::new(), Vec::new(), Vec::new());
    let users = large_users.iter().cycle().zip(small_users.iter().cycle());
    for (sample, (user, small_user)) in users.take(samples).enumerate() {
        for turn in TURNS[sample % TURNS.len()] {
            match turn {
                Turn::Large => ours.push(over_http(demo, large, *user).await?),
                Turn::Bare => peer.push(bare(demo.database(), large, *user).await?),
                Turn::Small => in_small.push(over_http(demo, small, *small_user).await?),
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
    Ok(lines)
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

async fn over_http(demo: &Demo, sample: Sample, user: u64) -> Result<Duration> {
    let query = format!("history={}&user={user}&limit={PAGE_ROWS}", sample.history);
    let (took, body) = timed(demo.payments(&query)).await?;
    let rows = body.matches("\"payment_id\"").count() as u64;
    ensure!(rows == PAGE_ROWS, "user {user}: {rows} payments over HTTP");
    Ok(took)
}

/// The statement that payhist prepares for this page (one row more than the page, to know whether there is another).
async fn bare(database: &mut MySqlConnection, sample: Sample, user: u64) -> Result<Duration> {
    let filter = Filter { user: Some(UserId(user)), ..Filter::default() };
    newest(database, sample, SHARD, &filter).await
}

/// The newest of a shard and one more, through the bare driver.
pub(crate) async fn newest(
    database: &mut MySqlConnection,
    sample: Sample,
    shard: u16,
    filter: &Filter,
) -> Result<Duration> {
    let scope = PaymentScope {
        table: TableName::new(&sample.schema(), &sample.table(shard))?,
        layout: Layout::Own,
        from: DateTime::UNIX_EPOCH,
        until: DateTime::from_timestamp_secs(253_402_214_400).context("9999-12-31")?,
    };
    let (sql, values) = select(&scope, filter, Keyset::NEWEST, PAGE_ROWS + 1).build_sqlx(MysqlQueryBuilder);
    let query = async { Ok(sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(database).await?) };
    let (took, rows) = timed(query).await?;
    ensure!(rows.len() as u64 == PAGE_ROWS + 1, "{filter:?}: {} rows from the database", rows.len());
    Ok(took)
}
