//! What a reader must know before the figures: what they lack, and what is no longer in the table.

use crate::components::{Notice, Tone};
use crate::language::tr;
use leptos::prelude::*;
use payhist_types::ShardId;
use payhist_types::payment::MissingShard;
use payhist_types::sources::ShardSet;
use payhist_types::summary::{Coverage, Part, PartState, Summary};
use std::collections::BTreeMap;

/// Said before the figures, since it changes what they mean.
#[component]
pub(super) fn Notes(summary: Summary, again: String) -> impl IntoView {
    let missing = (!summary.complete).then(|| incomplete(&summary, again));
    let others: Vec<_> = [PartState::KeptBeforeQuarantine, PartState::KeptBeforeDrop, PartState::NotThere]
        .into_iter()
        .filter_map(|state| Some(view! { <li>{said(&summary, state)?}</li> }))
        .collect();
    let others = (!others.is_empty()).then(|| {
        view! {
            <Notice tone=Tone::Neutral title=tr!("Not all of these months are in the table any more")>
                <ul>{others}</ul>
            </Notice>
        }
    });
    view! { {missing}{others} }
}

fn incomplete(summary: &Summary, again: String) -> impl IntoView + use<> {
    let silent = summary
        .missing
        .iter()
        .map(|MissingShard { shard, source, reason }| view! { <li>{tr!("Shard {} on {}: {}", shard, source, reason)}</li> })
        .collect_view();
    let unknown = [PartState::NotYet, PartState::Quarantined]
        .into_iter()
        .filter_map(|state| Some(view! { <li>{said(summary, state)?}</li> }))
        .collect_view();
    view! {
        <Notice tone=Tone::Critical title=tr!("Incomplete: the figures below lack payments.")>
            <ul>{silent}{unknown}</ul>
            <p>{tr!("Nothing is lost by this.")}" "<a href=again>{tr!("Ask again")}</a>{tr!(", or see ")}<a href="/jobs/summaries">{tr!("the job that adds up closed months")}</a>{tr!(" and ")}<a href="/database">{tr!("the database page")}</a>"."</p>
        </Notice>
    }
}

/// The months in that state, with their shards where not all of them are.
fn said(summary: &Summary, state: PartState) -> Option<String> {
    let mut months: BTreeMap<Vec<ShardId>, Vec<&Coverage>> = BTreeMap::new();
    for coverage in &summary.months {
        let shards: Vec<_> = of(coverage, state).flat_map(|part| part.shards.iter().copied()).collect();
        if !shards.is_empty() {
            months.entry(shards).or_default().push(coverage);
        }
    }
    let named = months.into_iter().map(|(shards, months)| {
        let names: Vec<_> = months.iter().map(|coverage| coverage.month.to_string()).collect();
        let is_all = months.iter().all(|coverage| coverage.parts.len() == 1);
        let names = names.join(", ");
        if is_all { names } else { tr!("{} of shards {}", names, shards.into_iter().collect::<ShardSet>()) }
    });
    let named: Vec<_> = named.collect();
    (!named.is_empty()).then(|| format!("{}: {}.", named.join("; "), words(state)))
}

fn of(coverage: &Coverage, state: PartState) -> impl Iterator<Item = &Part> {
    coverage.parts.iter().filter(move |part| part.state == state)
}

/// From when the closed months' figures are, in a sentence or two; nothing where all were counted now.
pub(super) fn counted(summary: &Summary) -> Option<String> {
    let oldest = summary.months.iter().filter_map(Coverage::as_of).min()?;
    let is_changed = |coverage: &&Coverage| of(coverage, PartState::KeptAndChanged).next().is_some();
    let changed = summary.months.iter().filter(is_changed).count();
    let mut said = tr!(
        "Closed months are as they were when they were counted, the earliest at {}. ",
        oldest.format("%Y-%m-%d %H:%M")
    );
    if changed > 0 {
        let of_them = if changed == 1 { tr!("one") } else { changed.to_string() };
        said +=
            &tr!("Rows of {} of them have changed since; what has changed is counted again within the hour. ", of_them);
    }
    Some(said)
}

fn words(state: PartState) -> String {
    match state {
        PartState::Counted => tr!("counted just now"),
        PartState::Kept => tr!("counted before"),
        PartState::KeptAndChanged => tr!("counted before; rows have changed since"),
        PartState::KeptBeforeQuarantine => tr!("in quarantine; counted before that"),
        PartState::KeptBeforeDrop => tr!("no longer in the table; counted before it was dropped"),
        PartState::NotYet => tr!("not yet summarised"),
        PartState::Silent => tr!("no answer"),
        PartState::Quarantined => tr!("in quarantine, and not counted before"),
        PartState::NotThere => tr!("not in the table, and not counted before"),
    }
}

/// Where the figures of a month come from, in a few words.
pub(super) fn origin(coverage: &Coverage) -> String {
    let words: Vec<_> = coverage.parts.iter().map(|part| in_words(part, coverage.parts.len() > 1)).collect();
    words.join("; ")
}

fn in_words(part: &Part, name_shards: bool) -> String {
    let at = part.as_of.map(|at| at.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
    let said = match part.state {
        PartState::Counted => tr!("now"),
        PartState::Kept => at,
        PartState::KeptAndChanged => tr!("{}, rows have changed since", at),
        PartState::KeptBeforeQuarantine => tr!("{}, before its quarantine", at),
        PartState::KeptBeforeDrop => tr!("{}, before it was dropped", at),
        state => words(state),
    };
    if name_shards { tr!("shards {}: {}", part.shards.iter().copied().collect::<ShardSet>(), said) } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_named_only_where_they_differ() {
        let part = |state, shard| Part {
            state,
            shards: vec![ShardId(shard)],
            as_of: Some("2026-11-01T03:20:00+09:00".parse().unwrap()),
        };
        let of = |parts| Coverage { month: payhist_types::Month::MIN, parts };
        assert_eq!(origin(&of(vec![part(PartState::Kept, 0)])), "2026-11-01 03:20");
        assert_eq!(
            origin(&of(vec![part(PartState::Counted, 0), part(PartState::Silent, 3)])),
            "shards 0: now; shards 3: no answer"
        );
    }
}
