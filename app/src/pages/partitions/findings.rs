//! What is wrong, worst first, and how far the partitions reach; shards that share a fate share a line.

use crate::components::{Badge, Tone};
use leptos::prelude::*;
use payhist_types::ShardId;
use payhist_types::findings::{self, Finding, Group, Reach, Runway, Severity};

/// Puts together what is equal but for its shard, in the order of first appearance.
fn grouped<K: PartialEq>(items: impl Iterator<Item = (K, Option<ShardId>)>) -> Vec<(K, Vec<ShardId>)> {
    let mut groups: Vec<(K, Vec<ShardId>)> = Vec::new();
    for (key, shard) in items {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, shards)) => shards.extend(shard),
            None => groups.push((key, shard.into_iter().collect())),
        }
    }
    groups
}

/// `all 10 shards`, `shard 3`, `shards 1, 3, 5`; empty for the history as a whole.
fn shards_words(shards: &[ShardId], all: usize) -> String {
    match shards {
        [] => String::new(),
        [_, _, ..] if shards.len() == all => format!("all {all} shards"),
        [shard] => format!("shard {shard}"),
        _ => format!("shards {}", shards.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The findings of a history.
#[component]
pub(crate) fn Findings(mut findings: Vec<Finding>) -> impl IntoView {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let groups = findings::grouped(&findings);
    if groups.is_empty() {
        return view! { <p><Badge tone=Tone::Good text="No findings: every table is as its policy asks" /></p> }
            .into_any();
    }
    let entries = groups.into_iter().map(|group| {
        let tone = match group.severity {
            Severity::Critical => Tone::Critical,
            Severity::Warning => Tone::Warning,
            Severity::Info => Tone::Neutral,
        };
        view! {
            <li>
                <Badge tone text=group.severity.to_string() />
                <div>{capitalised(&group.to_string())}"."{each_of(&group)}</div>
            </li>
        }
    });
    view! { <section aria-label="Findings"><ul class="findings">{entries.collect_view()}</ul></section> }.into_any()
}

/// The findings of a group that do not all say the same.
fn each_of(group: &Group) -> Option<impl IntoView + use<>> {
    let differ = group.findings.iter().any(|finding| finding.kind != group.findings[0].kind);
    let each = group.findings.iter().map(|finding| view! { <li>{capitalised(&finding.to_string())}"."</li> });
    differ.then(|| view! { <details><summary>"Each of them"</summary><ul>{each.collect_view()}</ul></details> })
}

/// How long inserts will find a partition, per group of shards.
#[component]
pub(super) fn RunwayWords(runway: Vec<Runway>) -> impl IntoView {
    let all = runway.len();
    let groups = grouped(runway.into_iter().map(|one| (one.reach, Some(one.shard))));
    let lines = groups.into_iter().map(|(reach, shards)| {
        let said = match reach {
            Reach::Until { month, months: months @ ..=-1 } => {
                format!("to the end of {month}, {} months ago: payments of today find no partition", -months)
            }
            Reach::Until { month, months: 1 } => format!("1 month ahead, to the end of {month}"),
            Reach::Until { month, months } => format!("{months} months ahead, to the end of {month}"),
            Reach::Endless => "endless: a MAXVALUE partition takes whatever comes".to_owned(),
            Reach::Unknown => "unknown".to_owned(),
        };
        view! { <span class="runway-line">{capitalised(&format!("{}: {said}", shards_words(&shards, all)))}</span> }
    });
    lines.collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_that_share_a_fate_share_a_line() {
        let found = [(1, Some(ShardId(0))), (2, None), (1, Some(ShardId(2)))];
        let groups = grouped(found.into_iter());
        assert_eq!(groups, [(1, vec![ShardId(0), ShardId(2)]), (2, vec![])]);
        let words: Vec<_> = groups.iter().map(|(_, shards)| shards_words(shards, 10)).collect();
        assert_eq!(words, ["shards 0, 2", ""]);
        assert_eq!(shards_words(&[ShardId(0), ShardId(2)], 2), "all 2 shards");
        assert_eq!(shards_words(&[ShardId(0)], 1), "shard 0");
    }
}
