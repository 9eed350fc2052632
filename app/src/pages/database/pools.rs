//! The pools of this instance: how full, who waits, who holds longest.

use super::histogram::Histogram;
use crate::components::{Badge, Tone};
use crate::format;
use leptos::prelude::*;
use payhist_types::database::PoolStats;

/// Width of the bar, in its own units.
const WIDTH: u32 = 240;
const HEIGHT: u32 = 12;

/// One card a pool.
#[component]
pub(super) fn Pools(pools: Vec<PoolStats>) -> impl IntoView {
    let cards = pools.into_iter().map(|pool| view! { <PoolCard pool /> });
    view! { <div class="pools">{cards.collect_view()}</div> }
}

/// How loud a pool is, and in which word.
fn state(pool: &PoolStats) -> (Tone, String) {
    match (pool.waiters, pool.in_use >= pool.max) {
        (1.., _) => (Tone::Critical, format!("{} waiting", pool.waiters)),
        (0, true) => (Tone::Warning, "exhausted".to_owned()),
        (0, false) => (Tone::Good, "nobody waits".to_owned()),
    }
}

#[component]
fn PoolCard(pool: PoolStats) -> impl IntoView {
    let (tone, word) = state(&pool);
    let waited = match (pool.wait_p50_us, pool.wait_p99_us) {
        (Some(median), Some(most)) => {
            format!("half ≤ {}, 99 % ≤ {}", format::micros(median), format::micros(most))
        }
        _ => "not known".to_owned(),
    };
    let holder = pool.longest_holder.clone().map_or_else(
        || view! { <span class="quiet">"no connection is held"</span> }.into_any(),
        |holder| view! { <code>{holder.purpose}</code>" for "{format::millis(holder.held_ms)} }.into_any(),
    );
    view! {
        <section class="card pool">
            <h3><span class="mono">{pool.name.clone()}</span><Badge tone text=word /></h3>
            <Fill pool=pool.clone() />
            <dl class="facts">
                <div><dt>"Waited"</dt><dd>{waited}</dd></div>
                <div>
                    <dt>"Acquired"</dt>
                    <dd>{format::count(pool.acquired)}" since start, "{format::count(pool.timeouts)}" gave up"</dd>
                </div>
                <div><dt>"Ended early"</dt><dd>{format::count(pool.ended)}" statements that nobody waited for"</dd></div>
                <div><dt>"Held longest"</dt><dd>{holder}</dd></div>
            </dl>
            <Histogram pool=pool.name waits=pool.waits />
        </section>
    }
}

/// In use, idle, and what may still be opened.
#[component]
fn Fill(pool: PoolStats) -> impl IntoView {
    let width = |connections: u32| connections.min(pool.max) * WIDTH / pool.max.max(1);
    let (used, open) = (width(pool.in_use), width(pool.size));
    let words = format!("{} in use, {} idle, {} open of at most {}", pool.in_use, pool.idle, pool.size, pool.max);
    view! {
        <p class="pool-words">
            <strong>{pool.in_use}</strong>" in use · "<strong>{pool.idle}</strong>" idle · "<strong>{pool.size}</strong>" open of at most "
            <strong>{pool.max}</strong>
        </p>
        <svg class="pool-bar" role="img" aria-label=words viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" height=HEIGHT>
            <rect class="room" width=WIDTH height=HEIGHT></rect>
            <rect class="idle" width=open height=HEIGHT></rect>
            <rect class="used" width=used height=HEIGHT></rect>
        </svg>
    }
}
