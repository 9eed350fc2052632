//! A keyset walk over all shards, newest first: what page 10,000 costs beside page 1, and OFFSET beside both.

use crate::demo::Demo;
use crate::figures::{median, millis, timed};
use crate::report::Line;
use crate::user_page::SCHEMA;
use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;
use std::time::Duration;

const PAGE_ROWS: u64 = 50;
/// The way there: the largest page that the API gives.
const STRIDE_ROWS: u64 = 500;
const DEEP_PAGE: u64 = 10_000;
const SHARDS: u16 = 10;
/// OFFSET takes seconds.
const OFFSET_SAMPLES: usize = 3;
/// Ratio to page 1.
const GOAL: f64 = 1.1;

pub(crate) async fn measure(demo: &mut Demo, rows: u64, samples: usize) -> Result<Vec<Line>> {
    let deep_rows = (rows / 2).min(PAGE_ROWS * DEEP_PAGE) / STRIDE_ROWS * STRIDE_ROWS;
    let deep_page = deep_rows / PAGE_ROWS;
    let cursor = walk_to(demo, deep_rows).await?;
    let (first, deep) = (format!("limit={PAGE_ROWS}"), format!("limit={PAGE_ROWS}&cursor={cursor}"));
    let (mut at_first, mut at_deep) = (Vec::new(), Vec::new());
    for sample in 0..=samples {
        for turn in [sample % 2, (sample + 1) % 2] {
            let (query, times) = if turn == 0 { (&first, &mut at_first) } else { (&deep, &mut at_deep) };
            let (took, body) = timed(demo.payments(query)).await?;
            ensure!(body.matches("\"payment_id\"").count() as u64 == PAGE_ROWS, "a short page: {query}");
            if sample > 0 {
                times.push(took); // the first of each warms
            }
        }
    }
    let (at_first, at_deep) = (median(&mut at_first), median(&mut at_deep));
    let mut offset = Vec::new();
    for _ in 0..OFFSET_SAMPLES {
        offset.push(with_offset(demo.database(), deep_rows).await?);
    }
    let offset = median(&mut offset);
    let ratio = at_deep.as_secs_f64() / at_first.as_secs_f64();
    let beside = offset.as_secs_f64() / at_deep.as_secs_f64();
    Ok(vec![
        Line {
            what: format!(
                "all shards, newest first: page {deep_page} of a keyset walk against page 1 (medians, HTTP JSON)"
            ),
            ours: millis(at_deep),
            peer: format!("page 1: {}", millis(at_first)),
            ratio: format!("{ratio:.2} ×"),
            goal: format!("≤ {GOAL} ×"),
            met: Some(ratio <= GOAL),
        },
        Line {
            what: format!("the same page by OFFSET {deep_rows} over the ten tables, through bare sqlx"),
            ours: millis(at_deep),
            peer: millis(offset),
            ratio: format!("OFFSET takes {beside:.0} ×"),
            goal: "shown beside".to_owned(),
            met: None,
        },
    ])
}

/// Follows the cursors of full pages until so many rows are behind.
async fn walk_to(demo: &Demo, rows: u64) -> Result<String> {
    eprintln!("bench: walking {rows} rows deep …");
    let mut cursor = String::new();
    for _ in 0..rows / STRIDE_ROWS {
        let body = demo.payments(&format!("limit={STRIDE_ROWS}&cursor={cursor}")).await?;
        let page: serde_json::Value = serde_json::from_str(&body)?;
        page["older"].as_str().context("the walk ended early")?.clone_into(&mut cursor);
    }
    Ok(cursor)
}

/// What one writes without keysets: every shard's rows in one order, so many skipped.
async fn with_offset(database: &mut MySqlConnection, offset: u64) -> Result<Duration> {
    let table = |shard| format!("SELECT * FROM {SCHEMA}.payment_history_shard_{shard}");
    let all = (0..SHARDS).map(table).collect::<Vec<_>>().join(" UNION ALL ");
    let sql = format!("SELECT * FROM ({all}) AS every ORDER BY created_at DESC, payment_id DESC LIMIT ? OFFSET ?");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(PAGE_ROWS).bind(offset);
    let (took, rows) = timed(async { Ok(query.fetch_all(database).await?) }).await?;
    ensure!(rows.len() as u64 == PAGE_ROWS, "OFFSET gave {} rows", rows.len());
    Ok(took)
}
