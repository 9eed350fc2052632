//! One user's newest 50 over HTTP JSON, against the same statement through the bare driver on the same socket.

use crate::demo::Demo;
use crate::figures::{median, millis, timed};
use crate::report::Line;
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

pub(crate) const SCHEMA: &str = "payhist_payments";
/// The shard that the users are taken from: all are alike.
const SHARD_TABLE: &str = "payment_history_shard_7";
const PAGE_ROWS: u64 = 50;
/// Different users, so that no single one's place in a page of the database decides.
const USERS: u32 = 50;
/// Ratio to the bare driver.
const GOAL: f64 = 2.0;

pub(crate) async fn measure(demo: &mut Demo, samples: usize) -> Result<Vec<Line>> {
    let users = users_with_a_full_page(demo.database()).await?;
    ensure!(!users.is_empty(), "no user has {PAGE_ROWS} payments: more --rows are needed");
    for user in &users {
        over_http(demo, *user).await?;
        bare(demo.database(), *user).await?;
    }
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for (sample, user) in users.iter().cycle().take(samples).enumerate() {
        for turn in [sample % 2, (sample + 1) % 2] {
            if turn == 0 {
                ours.push(over_http(demo, *user).await?);
            } else {
                peer.push(bare(demo.database(), *user).await?);
            }
        }
    }
    let (ours, peer) = (median(&mut ours), median(&mut peer));
    let ratio = ours.as_secs_f64() / peer.as_secs_f64();
    Ok(vec![Line {
        what: "one user's newest 50, HTTP JSON against the same statement through bare sqlx (medians)".to_owned(),
        ours: millis(ours),
        peer: millis(peer),
        ratio: format!("{ratio:.2} ×"),
        goal: format!("≤ {GOAL} ×"),
        met: Some(ratio <= GOAL),
    }])
}

async fn users_with_a_full_page(database: &mut MySqlConnection) -> Result<Vec<u64>> {
    let sql = format!("SELECT user_id FROM {SCHEMA}.{SHARD_TABLE} GROUP BY user_id HAVING COUNT(*) > ? LIMIT ?");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(PAGE_ROWS).bind(USERS).fetch_all(database).await?)
}

async fn over_http(demo: &Demo, user: u64) -> Result<Duration> {
    let (took, body) = timed(demo.payments(&format!("user={user}&limit={PAGE_ROWS}"))).await?;
    let rows = body.matches("\"payment_id\"").count() as u64;
    ensure!(rows == PAGE_ROWS, "user {user}: {rows} payments over HTTP");
    Ok(took)
}

/// The statement that payhist prepares for this page (one row more than the page, to know whether there is another).
async fn bare(database: &mut MySqlConnection, user: u64) -> Result<Duration> {
    let scope = PaymentScope {
        table: TableName::new(SCHEMA, SHARD_TABLE)?,
        layout: Layout::Own,
        from: DateTime::UNIX_EPOCH,
        until: DateTime::from_timestamp_secs(253_402_214_400).context("9999-12-31")?,
    };
    let filter = Filter { user: Some(UserId(user)), ..Filter::default() };
    let (sql, values) = select(&scope, &filter, Keyset::NEWEST, PAGE_ROWS + 1).build_sqlx(MysqlQueryBuilder);
    let query = async { Ok(sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(database).await?) };
    let (took, rows) = timed(query).await?;
    ensure!(rows.len() as u64 == PAGE_ROWS + 1, "user {user}: {} rows from the database", rows.len());
    Ok(took)
}
