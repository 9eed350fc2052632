//! The rows, the way to the next ones, and how far the page may be trusted.

use super::query::{ListState, in_words, months_in_words, shards_in_words};
use crate::components::{Notice, PaymentTable, Tone};
use crate::language::tr;
use chrono::{DateTime, FixedOffset};
use leptos::prelude::*;
use payhist_types::payment::{MissingShard, PaymentPage, PaymentQuery, ReadScope};

/// One page of results.
#[component]
pub(super) fn Results(state: ListState, page: PaymentPage) -> impl IntoView {
    let PaymentPage { zone, read_at, payments, older, newer, complete, missing, scope, unfinished, .. } = page;
    let to = |cursor: String| state.with(|query| query.cursor = cursor).address();
    let first = (!state.query.cursor.is_empty()).then(|| to(String::new()));
    let words = PagerWords::of(&state);
    let older = older.map(|cursor| to(cursor.to_string()));
    let newer = newer.map(|cursor| to(cursor.to_string()));
    let rows = if payments.is_empty() {
        view! { <Empty query=state.query.clone() complete unfinished /> }.into_any()
    } else {
        let (columns, compact, history) = (state.columns(), state.is_compact(), state.query.history.clone());
        view! { <div class="payments"><PaymentTable rows=payments history caption=words.caption columns compact /></div> }
            .into_any()
    };
    view! {
        {(!complete).then(|| incomplete(missing, scope.shards.len(), state.address()))}
        {rows}
        <div class="results-foot">
            <nav class="pager" aria-label=tr!("Pages of payments")>
                {page_link(words.first, first, None)}
                {page_link(words.back, newer, Some("prev"))}
                {page_link(if unfinished { tr!("Look further") } else { words.onward }, older, Some("next"))}
            </nav>
            <p class="quiet">{unfinished.then(|| tr!("Not all months have been looked through yet."))}" "{what_was_read(&scope, &read_at)}" "{tr!("Times are in {}.", zone)}</p>
        </div>
    }
}

/// What the list and the ways through it are called.
struct PagerWords {
    caption: String,
    first: String,
    back: String,
    onward: String,
}

impl PagerWords {
    fn of(state: &ListState) -> Self {
        match state.query.sort.as_str() {
            "largest" => Self {
                caption: tr!("Payments, largest first"),
                first: tr!("Largest"),
                back: tr!("Larger"),
                onward: tr!("Smaller"),
            },
            "smallest" => Self {
                caption: tr!("Payments, smallest first"),
                first: tr!("Smallest"),
                back: tr!("Smaller"),
                onward: tr!("Larger"),
            },
            _ => Self {
                caption: tr!("Payments, newest first"),
                first: tr!("Newest"),
                back: tr!("Newer"),
                onward: tr!("Older"),
            },
        }
    }
}

/// A page that is not there has no link.
fn page_link(word: String, href: Option<String>, rel: Option<&'static str>) -> impl IntoView {
    href.map(|href| view! { <a class="button" href=href rel=rel>{word}</a> })
}

/// Said before the rows, since it changes what they mean.
fn incomplete(missing: Vec<MissingShard>, asked: usize, again: String) -> impl IntoView {
    let title =
        tr!("Incomplete: {} of {} shards did not answer. Their payments are not in this list.", missing.len(), asked);
    let shards = missing
        .into_iter()
        .map(|MissingShard { shard, source, reason }| view! { <li>{tr!("Shard {} on {}: {}", shard, source, reason)}</li> })
        .collect_view();
    view! {
        <Notice tone=Tone::Critical title=title>
            <ul>{shards}</ul>
            <p>{tr!("Nothing is lost by this.")}" "<a href=again>{tr!("Ask again")}</a>{tr!(", or see ")}<a href="/database">{tr!("the database page")}</a>"."</p>
        </Notice>
    }
}

fn what_was_read(scope: &ReadScope, read_at: &DateTime<FixedOffset>) -> String {
    let (shards, months) = (shards_in_words(&scope.shards), months_in_words(scope.months));
    tr!("Read {}, {}, at {}.", shards, months, read_at.format("%H:%M:%S"))
}

#[component]
fn Empty(query: PaymentQuery, complete: bool, unfinished: bool) -> impl IntoView {
    let words = in_words(&query);
    let narrowed = !words.is_empty();
    let clear = ListState::of(PaymentQuery { history: query.history, ..PaymentQuery::default() }).address();
    let title = match (complete, unfinished) {
        (false, _) => tr!("No payments on the shards that answered"),
        (true, true) => tr!("No payments so far"),
        (true, false) => tr!("No payments"),
    };
    view! {
        <div class="empty">
            <p><strong>{title}{words}</strong></p>
            <p class="quiet">{tr!("Months older than the retention are no longer in the database.")}</p>
            {narrowed.then(|| view! { <a class="button" href=clear>{tr!("Clear the filter")}</a> })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use payhist_types::ShardId;

    #[test]
    fn the_reader_is_told_what_the_page_covers() {
        let at = "2026-11-23T09:30:15+09:00".parse().unwrap();
        let month = |text: &str| text.parse().unwrap();
        let one = ReadScope { shards: vec![ShardId(3)], months: Some((month("2026-11"), month("2026-11"))) };
        assert_eq!(what_was_read(&one, &at), "Read shard 3, 2026-11, at 09:30:15.");
        let all =
            ReadScope { shards: vec![ShardId(0), ShardId(1)], months: Some((month("2026-09"), month("2026-11"))) };
        assert_eq!(what_was_read(&all, &at), "Read 2 shards, 2026-09 to 2026-11, at 09:30:15.");
    }
}
