//! A keyset walk over all shards, newest first: what page 10,000 costs beside page 1, and OFFSET beside both.

use crate::demo::Demo;
use crate::figures::{median, millis, ratio, timed};
use crate::report::{Beside, Line};
use crate::sample::{SHARDS, Sample};
use crate::user_page::{PAGE_ROWS, newest};
use anyhow::{Context, Result, ensure};
use payhist_storage::payments::Filter;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;
use std::time::Duration;

/// The way there: the largest page that the API gives.
const STRIDE_ROWS: u64 = 500;
const DEEP_PAGE: u64 = 10_000;
/// OFFSET takes seconds.
const OFFSET_SAMPLES: usize = 3;
/// Ratio to page 1.
const DEEP_GOAL: f64 = 1.1;
/// Ratio to the slowest single shard.
const SHARDS_GOAL: f64 = 2.0;
/// Ratio of the large sample to the small one.
const SIZE_GOAL: f64 = 1.2;

pub(crate) async fn measure(demo: &mut Demo, large: Sample, small: Sample, samples: usize) -> Result<Vec<Line>> {
    let history = large.history;
    let deep_rows = (large.rows / 2).min(PAGE_ROWS * DEEP_PAGE) / STRIDE_ROWS * STRIDE_ROWS;
    let deep_page = deep_rows / PAGE_ROWS;
    let from = walk_to(demo, history, deep_rows).await?;
    let (first, deep) =
        (format!("history={history}&limit={PAGE_ROWS}"), format!("history={history}&limit={PAGE_ROWS}{from}"));
    let of_small = format!("history={}&limit={PAGE_ROWS}", small.history);
    let (mut at_first, mut at_deep, mut in_small) = (Vec::new(), Vec::new(), Vec::new());
    let mut single = vec![Vec::new(); usize::from(SHARDS)];
    for sample in 0..=samples {
        for turn in [sample % 3, (sample + 1) % 3, (sample + 2) % 3] {
            let (query, times) = match turn {
                0 => (&first, &mut at_first),
                1 => (&deep, &mut at_deep),
                _ => (&of_small, &mut in_small),
            };
            let (took, body) = timed(demo.payments(query)).await?;
            ensure!(body.matches("\"payment_id\"").count() as u64 == PAGE_ROWS, "a short page: {query}");
            if sample > 0 {
                times.push(took); // the first of each warms
            }
        }
        for (shard, times) in (0..SHARDS).zip(&mut single).take(if sample % 10 == 0 { 10 } else { 0 }) {
            times.push(newest(demo.database(), large, shard, &Filter::default(), PAGE_ROWS + 1).await?);
        }
    }
    let (at_first, at_deep, in_small) = (median(&mut at_first), median(&mut at_deep), median(&mut in_small));
    let slowest = single.iter_mut().map(|times| median(times)).max().unwrap_or_default();
    let mut offset = Vec::new();
    for _ in 0..OFFSET_SAMPLES {
        offset.push(with_offset(demo.database(), large, deep_rows).await?);
    }
    let offset = median(&mut offset);
    let (deep_ratio, beside) = (ratio(at_deep, at_first), ratio(offset, at_deep));
    let (shards_ratio, size_ratio) = (ratio(at_first, slowest), ratio(at_first, in_small));
    Ok(vec![
        Line {
            what: format!(
                "all shards, newest first: page {deep_page} of a keyset walk against page 1 (medians, HTTP JSON)"
            ),
            ours: millis(at_deep),
            beside: Beside::Limit(format!("page 1: {}", millis(at_first))),
            ratio: format!("{deep_ratio:.2} ×"),
            goal: format!("≤ {DEEP_GOAL} ×"),
            met: Some(deep_ratio <= DEEP_GOAL),
        },
        Line {
            what:
                "the newest 50 of ten shards, HTTP JSON, against the slowest of them alone, through bare sqlx (medians)"
                    .to_owned(),
            ours: millis(at_first),
            beside: Beside::Limit(millis(slowest)),
            ratio: format!("{shards_ratio:.2} ×"),
            goal: format!("≤ {SHARDS_GOAL} ×"),
            met: Some(shards_ratio <= SHARDS_GOAL),
        },
        Line {
            what: format!("the same of {} rows against {} (medians)", large.size(), small.size()),
            ours: millis(at_first),
            beside: Beside::Limit(millis(in_small)),
            ratio: format!("{size_ratio:.2} ×"),
            goal: format!("≤ {SIZE_GOAL} ×"),
            met: Some(size_ratio <= SIZE_GOAL),
        },
        Line {
            what: format!("the same page by OFFSET {deep_rows} over the ten tables, through bare sqlx"),
            ours: millis(at_deep),
            beside: Beside::Peer(millis(offset)),
            ratio: format!("OFFSET takes {beside:.0} ×"),
            goal: "shown beside".to_owned(),
            met: None,
        },
    ])
}

/// Follows the cursors of full pages until so many rows are behind; answers the last as a query has it.
async fn walk_to(demo: &Demo, history: &str, rows: u64) -> Result<String> {
    eprintln!("bench: walking {rows} rows deep …");
    let mut from = String::new();
    for _ in 0..rows / STRIDE_ROWS {
        let body = demo.payments(&format!("history={history}&limit={STRIDE_ROWS}{from}")).await?;
        let page: serde_json::Value = serde_json::from_str(&body)?;
        from = format!("&cursor={}", page["older"].as_str().context("the walk ended early")?);
    }
    Ok(from)
}

/// What one writes without keysets: every shard's rows in one order, so many skipped.
async fn with_offset(database: &mut MySqlConnection, sample: Sample, offset: u64) -> Result<Duration> {
    let table = |shard| format!("SELECT * FROM {}.{}", sample.schema(), sample.table(shard));
    let all = (0..SHARDS).map(table).collect::<Vec<_>>().join(" UNION ALL ");
    let sql = format!("SELECT * FROM ({all}) AS every ORDER BY created_at DESC, payment_id DESC LIMIT ? OFFSET ?");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(PAGE_ROWS).bind(offset);
    let (took, rows) = timed(async { Ok(query.fetch_all(database).await?) }).await?;
    ensure!(rows.len() as u64 == PAGE_ROWS, "OFFSET gave {} rows", rows.len());
    Ok(took)
}
