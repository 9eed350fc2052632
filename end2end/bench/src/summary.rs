//! The summary page of 24 months, against the GROUP BY that it stands for.

use crate::demo::Demo;
use crate::figures::{median, millis, ratio, timed};
use crate::report::{Beside, Line};
use crate::sample::{MONTHS, SHARDS, Sample};
use anyhow::{Result, ensure};
use sqlx::AssertSqlSafe;
use std::time::{Duration, Instant};

const SAMPLES: usize = 200;
/// Longer than figures of the open month are remembered.
const OPEN_MONTH_FORGOTTEN: Duration = Duration::from_secs(16);
/// Samples for which the open month is counted.
const COUNTING_SAMPLES: usize = 3;
const JOB_WAIT: Duration = Duration::from_mins(5);
/// Ratio of the GROUP BY to the page.
const GOAL: f64 = 100.0;

pub(crate) async fn measure(demo: &mut Demo, sample: Sample) -> Result<Vec<Line>> {
    let page = format!("/payments/summary?history={}", sample.history);
    let answer = format!("/api/v1/payments/summary?history={}&by=month,provider,method", sample.history);
    let begun = Instant::now();
    loop {
        demo.command(&["jobs", "run", "summaries"]).await?;
        let summary: serde_json::Value = serde_json::from_str(&demo.page(&answer).await?)?;
        if summary["complete"] == true {
            break;
        }
        ensure!(begun.elapsed() < JOB_WAIT, "the job summaries did not count all months");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let mut counting = Vec::new();
    for _ in 0..COUNTING_SAMPLES {
        tokio::time::sleep(OPEN_MONTH_FORGOTTEN).await;
        counting.push(timed(demo.page(&page)).await?.0);
    }
    let mut ours = Vec::new();
    for _ in 0..SAMPLES {
        ours.push(timed(demo.page(&page)).await?.0);
    }
    let theirs = timed(group_by(demo, sample)).await?.0;
    let (ours, counting) = (median(&mut ours), median(&mut counting));
    let line = |what: &str, ours: Duration, goal: &str, met: Option<bool>| Line {
        what: format!(
            "summary page of {MONTHS} months, {} rows, {what}, against the GROUP BY that it stands for",
            sample.size()
        ),
        ours: millis(ours),
        beside: Beside::Peer(millis(theirs)),
        ratio: format!("GROUP BY takes {:.0} ×", ratio(theirs, ours)),
        goal: goal.to_owned(),
        met,
    };
    Ok(vec![
        line("HTML (median)", ours, &format!("≥ {GOAL} ×"), Some(ratio(theirs, ours) >= GOAL)),
        line("when it counts the open month, once in 15 s", counting, "shown beside", None),
    ])
}

/// Counts and sums by month, status, provider, method and currency, of one shard after the other.
async fn group_by(demo: &mut Demo, sample: Sample) -> Result<()> {
    for shard in 0..SHARDS {
        let sql = format!(
            "SELECT EXTRACT(YEAR_MONTH FROM created_at) AS month, status, provider, method, currency, COUNT(*), SUM(amount) \
             FROM {}.{} GROUP BY month, status, provider, method, currency",
            sample.schema(),
            sample.table(shard)
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(demo.database()).await?;
        ensure!(!rows.is_empty(), "shard {shard} has no payments");
    }
    Ok(())
}
