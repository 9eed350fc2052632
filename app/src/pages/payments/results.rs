//! The rows, the way to the next ones, and how far the page may be trusted.

use super::query::{address, in_words};
use crate::components::{Notice, PaymentTable, Tone};
use chrono::{DateTime, FixedOffset};
use leptos::prelude::*;
use payhist_types::payment::{MissingShard, PaymentPage, PaymentQuery, ReadScope};

/// One page of results.
#[component]
pub(super) fn Results(query: PaymentQuery, page: PaymentPage) -> impl IntoView {
    let PaymentPage { zone, read_at, payments, older, newer, complete, missing, scope, .. } = page;
    let to = |cursor: String| address(&PaymentQuery { cursor, ..query.clone() });
    let first = (!query.cursor.is_empty()).then(|| to(String::new()));
    let older = older.map(|cursor| to(cursor.to_string()));
    let newer = newer.map(|cursor| to(cursor.to_string()));
    let rows = if payments.is_empty() {
        view! { <Empty query=query.clone() complete /> }.into_any()
    } else {
        view! { <div class="payments"><PaymentTable rows=payments history=query.history.clone() caption="Payments, newest first" /></div> }
            .into_any()
    };
    view! {
        {(!complete).then(|| incomplete(missing, scope.shards.len(), address(&query)))}
        {rows}
        <div class="results-foot">
            <nav class="pager" aria-label="Pages of payments">
                {page_link("Newest", first, None)}
                {page_link("Newer", newer, Some("prev"))}
                {page_link("Older", older, Some("next"))}
            </nav>
            <p class="quiet">{what_was_read(&scope, &read_at)}" Times are in "{zone}"."</p>
        </div>
    }
}

/// A page that is not there has no link.
fn page_link(word: &'static str, href: Option<String>, rel: Option<&'static str>) -> impl IntoView {
    href.map(|href| view! { <a class="button" href=href rel=rel>{word}</a> })
}

/// Said before the rows, since it changes what they mean.
fn incomplete(missing: Vec<MissingShard>, asked: usize, again: String) -> impl IntoView {
    let title =
        format!("Incomplete: {} of {asked} shards did not answer. Their payments are not in this list.", missing.len());
    let shards = missing
        .into_iter()
        .map(|MissingShard { shard, source, reason }| view! { <li>{format!("Shard {shard} on {source}: {reason}")}</li> })
        .collect_view();
    view! {
        <Notice tone=Tone::Critical title=title>
            <ul>{shards}</ul>
            <p>"Nothing is lost by this. "<a href=again>"Ask again"</a>", or see "<a href="/database">"the database page"</a>"."</p>
        </Notice>
    }
}

fn what_was_read(scope: &ReadScope, read_at: &DateTime<FixedOffset>) -> String {
    let shards = match scope.shards.as_slice() {
        [shard] => format!("shard {shard}"),
        shards => format!("{} shards", shards.len()),
    };
    let months = match scope.months {
        Some((first, last)) if first == last => format!("{first}"),
        Some((first, last)) => format!("{first} to {last}"),
        None => "no months".to_owned(),
    };
    format!("Read {shards}, {months}, at {}.", read_at.format("%H:%M:%S"))
}

#[component]
fn Empty(query: PaymentQuery, complete: bool) -> impl IntoView {
    let words = in_words(&query);
    let narrowed = !words.is_empty();
    let clear = address(&PaymentQuery { history: query.history, ..PaymentQuery::default() });
    let title = if complete { "No payments" } else { "No payments on the shards that answered" };
    view! {
        <div class="empty">
            <p><strong>{title}{words}</strong></p>
            <p class="quiet">"Months older than the retention are no longer in the database."</p>
            {narrowed.then(|| view! { <a class="button" href=clear>"Clear the filter"</a> })}
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
