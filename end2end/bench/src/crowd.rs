//! Two hundred people at once for a minute, each of whom reads for a while what they asked for.

use crate::demo::Demo;
use crate::figures::{median, millis, p99, ratio, timed};
use crate::report::{Beside, Line};
use crate::sample::Sample;
use crate::user_page::users_with_a_full_page;
use anyhow::Result;
use futures::future::join_all;
use std::time::{Duration, Instant};

const PEOPLE: usize = 200;
const TIME: Duration = Duration::from_mins(1);
/// How long one reads before asking again; people begin spread over it.
const READING: Duration = Duration::from_secs(1);
/// Pages of one client alone, for the median without load.
const ALONE: usize = 300;
/// Ratio of the 99th percentile to that.
const GOAL: f64 = 10.0;

/// What one person met.
#[derive(Default)]
struct Met {
    latencies: Vec<Duration>,
    errors: Vec<String>,
}

pub(crate) async fn measure(demo: &mut Demo, sample: Sample) -> Result<Vec<Line>> {
    let users = users_with_a_full_page(demo.database(), sample).await?;
    let pages: Vec<_> = users.iter().map(|user| format!("/payments?user={user}&history={}", sample.history)).collect();
    let mut alone = Vec::new();
    for page in pages.iter().cycle().take(ALONE) {
        alone.push(timed(demo.page(page)).await?.0);
    }
    let begun = Instant::now();
    let (met, over) =
        tokio::join!(join_all((0..PEOPLE).map(|number| person(demo, &pages, number, begun))), pools(demo, begun));
    let over = over?;
    let mut latencies: Vec<_> = met.iter().flat_map(|met| met.latencies.iter().copied()).collect();
    let errors: Vec<_> = met.iter().flat_map(|met| &met.errors).collect();
    let (alone, worst) = (median(&mut alone), p99(&mut latencies));
    let beside = format!("{} pages, median {}", latencies.len(), millis(median(&mut latencies)));
    Ok(vec![
        Line {
            what: format!(
                "{PEOPLE} people for {} s, an HTML page each second: 99 of 100 against one alone (median)",
                TIME.as_secs()
            ),
            ours: format!("{} ({beside})", millis(worst)),
            beside: Beside::Limit(millis(alone)),
            ratio: format!("{:.1} ×", ratio(worst, alone)),
            goal: format!("≤ {GOAL} ×"),
            met: Some(ratio(worst, alone) <= GOAL),
        },
        Line {
            what: "errors that they met; pools seen beyond their bound".to_owned(),
            ours: format!("{}; {}", errors.len(), over.len()),
            beside: Beside::Nothing,
            ratio: errors
                .first()
                .map_or_else(|| over.first().cloned().unwrap_or_else(|| "–".to_owned()), |e| (*e).clone()),
            goal: "0; 0".to_owned(),
            met: Some(errors.is_empty() && over.is_empty()),
        },
    ])
}

async fn person(demo: &Demo, pages: &[String], number: usize, begun: Instant) -> Met {
    let mut met = Met::default();
    let share = u32::try_from(number).unwrap_or_default();
    tokio::time::sleep(READING * share / u32::try_from(PEOPLE).unwrap_or(1)).await;
    for page in pages.iter().cycle().skip(number) {
        if begun.elapsed() > TIME {
            break;
        }
        match timed(demo.page(page)).await {
            Ok((took, _)) => met.latencies.push(took),
            Err(error) => met.errors.push(format!("{error:#}")),
        }
        tokio::time::sleep(READING).await;
    }
    met
}

/// Looks at the pools while they ask; answers those that were larger than they may be.
async fn pools(demo: &Demo, begun: Instant) -> Result<Vec<String>> {
    let mut over = Vec::new();
    while begun.elapsed() < TIME {
        let view: serde_json::Value = serde_json::from_str(&demo.page("/api/ui/database").await?)?;
        for pool in view["pools"].as_array().into_iter().flatten() {
            if pool["size"].as_u64() > pool["max"].as_u64() {
                over.push(format!("{}: {} of {}", pool["name"], pool["size"], pool["max"]));
            }
        }
        tokio::time::sleep(READING).await;
    }
    Ok(over)
}
