//! The page of one user's newest 50 as HTML, against phpMyAdmin and Adminer showing the same rows from the same server.

use crate::demo::Demo;
use crate::figures::{median, millis, ratio};
use crate::peers::{self, Peer};
use crate::report::{Beside, Line};
use crate::sample::Sample;
use crate::user_page::users_with_a_full_page;
use anyhow::{Result, ensure};
use futures::future::{BoxFuture, FutureExt, try_join_all};
use std::time::{Duration, Instant};

/// Clients that ask at once.
const CLIENTS: usize = 8;
/// How long each is asked, in turns.
const TURN: Duration = Duration::from_secs(3);
const TURNS: usize = 3;
const RATE_GOAL: f64 = 10.0;
const LATENCY_GOAL: f64 = 5.0;

/// Whoever shows the page of a user.
enum Site<'a> {
    Payhist(&'a Demo),
    Peer(&'a Peer),
}

impl Site<'_> {
    fn page(&self, sample: Sample, user: u64) -> BoxFuture<'_, Result<String>> {
        match self {
            Self::Payhist(demo) => {
                async move { demo.page(&format!("/payments?user={user}&history={}", sample.history)).await }.boxed()
            }
            Self::Peer(peer) => peer.page(sample, user).boxed(),
        }
    }
}

/// What was measured of one site.
#[derive(Default)]
struct Figures {
    pages: u32,
    time: Duration,
    latencies: Vec<Duration>,
    alone: Vec<Duration>,
}

impl Figures {
    fn rate(&self) -> f64 {
        f64::from(self.pages) / self.time.as_secs_f64()
    }
}

pub(crate) async fn measure(demo: &mut Demo, sample: Sample) -> Result<Vec<Line>> {
    let users = users_with_a_full_page(demo.database(), sample).await?;
    peers::grant(demo).await?;
    let (adminer, phpmyadmin) = (peers::adminer(demo).await?, peers::phpmyadmin(demo).await?);
    let sites = [Site::Payhist(demo), Site::Peer(&adminer), Site::Peer(&phpmyadmin)];
    let mut figures = [Figures::default(), Figures::default(), Figures::default()];
    for site in &sites {
        let body = site.page(sample, users[0]).await?; // warms, and shows the same
        let ids = demo.payments(&format!("history={}&user={}&limit=50", sample.history, users[0])).await?;
        let ids: serde_json::Value = serde_json::from_str(&ids)?;
        for row in ids["payments"].as_array().into_iter().flatten() {
            let id = row["payment_id"].as_str().unwrap_or("no id");
            ensure!(body.contains(id), "a page lacks the payment {id}");
        }
    }
    for _ in 0..TURNS {
        for (site, figures) in sites.iter().zip(&mut figures) {
            alone(site, sample, &users, figures).await?;
            crowd(site, sample, &users, figures).await?;
        }
    }
    let [ours, others @ ..] = &mut figures;
    let alone = median(&mut ours.alone);
    let mut lines = Vec::new();
    for (peer, theirs) in [&adminer, &phpmyadmin].into_iter().zip(others) {
        let (rates, latency) = (ours.rate() / theirs.rate(), ratio(median(&mut theirs.alone), alone));
        lines.push(Line {
            what: format!("HTML page of one user's newest 50, {CLIENTS} clients at once, against {}", peer.name),
            ours: format!("{:.0} pages/s", ours.rate()),
            beside: Beside::Peer(format!("{:.0} pages/s", theirs.rate())),
            ratio: format!("{rates:.1} ×"),
            goal: format!("≥ {RATE_GOAL} ×"),
            met: Some(rates >= RATE_GOAL),
        });
        lines.push(Line {
            what: format!("the same, one client, against {} (medians)", peer.name),
            ours: millis(alone),
            beside: Beside::Peer(millis(median(&mut theirs.alone))),
            ratio: format!("{} takes {latency:.1} ×", peer.name),
            goal: format!("≥ {LATENCY_GOAL} ×"),
            met: Some(latency >= LATENCY_GOAL),
        });
    }
    Ok(lines)
}

/// One client, for a third of a turn.
async fn alone(site: &Site<'_>, sample: Sample, users: &[u64], figures: &mut Figures) -> Result<()> {
    let begun = Instant::now();
    for user in users.iter().cycle() {
        let asked = Instant::now();
        site.page(sample, *user).await?;
        figures.alone.push(asked.elapsed());
        if begun.elapsed() > TURN / 3 {
            break;
        }
    }
    Ok(())
}

/// All clients at once, for a turn.
async fn crowd(site: &Site<'_>, sample: Sample, users: &[u64], figures: &mut Figures) -> Result<()> {
    let begun = Instant::now();
    let client = |number: usize| async move {
        let mut latencies = Vec::new();
        for user in users.iter().cycle().skip(number) {
            let asked = Instant::now();
            site.page(sample, *user).await?;
            latencies.push(asked.elapsed());
            if begun.elapsed() > TURN {
                break;
            }
        }
        Ok::<_, anyhow::Error>(latencies)
    };
    let latencies = try_join_all((0..CLIENTS).map(client)).await?;
    figures.time += begun.elapsed();
    for latency in latencies.into_iter().flatten() {
        figures.pages += 1;
        figures.latencies.push(latency);
    }
    Ok(())
}
