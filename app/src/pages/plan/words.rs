//! A plan in sentences.

use std::collections::BTreeSet;

use crate::format;
use payhist_types::ShardId;
use payhist_types::findings::Severity;
use payhist_types::plan::{Action, Guard, RotationPlan, Step};

/// What the plan will do and what keeps it from doing the rest, one sentence for each kind of step.
pub(super) fn summary(plan: &RotationPlan) -> String {
    if plan.steps.is_empty() {
        let trouble = plan.findings.iter().any(|finding| finding.severity > Severity::Info);
        let words = if trouble {
            "This plan has no steps, but something is wrong that no step of it mends: see the findings."
        } else {
            "Nothing to do: every shard is as the policy asks."
        };
        return words.to_owned();
    }
    let (mut will, mut would) = (Vec::new(), Vec::new());
    for verb in VERBS {
        let of_kind = |active: bool| {
            let wanted = move |step: &&Step| verb_of(&step.action) == verb && step.is_active() == active;
            plan.steps.iter().filter(wanted).collect::<Vec<_>>()
        };
        let (active, blocked) = (of_kind(true), of_kind(false));
        if !active.is_empty() {
            will.push(format!("{} {}", third_person(verb), amount(&active)));
        }
        if !blocked.is_empty() {
            would.push(format!("Would {} {}, but {}.", object_of(verb), amount(&blocked), reasons(&blocked)));
        }
    }
    if !will.is_empty() {
        would.insert(0, format!("This plan {}.", will.join(" and ")));
    }
    would.join(" ")
}

/// What steps do, in the order that pages name them.
pub(super) const VERBS: [&str; 6] = ["add", "quarantine", "archive", "copy", "drop", "delete"];

/// What a step does to its partition, in a word of [`VERBS`]. Held rows are copied before their month goes, and deleted
/// when nothing holds them any more.
pub(super) const fn verb_of(action: &Action) -> &'static str {
    match action {
        Action::AddMonth { .. } | Action::SplitMaxValue { .. } => "add",
        Action::ArchiveMonth { .. } => "archive",
        Action::CarveOut { .. } => "copy",
        Action::DeleteHeld { .. } => "delete",
        action if action.is_destructive() => "drop",
        _ => "quarantine",
    }
}

/// The verb, with what it is done to where that is not the partition.
fn object_of(verb: &'static str) -> &'static str {
    match verb {
        "copy" => "copy held rows of",
        "delete" => "delete rows that are held no more from",
        verb => verb,
    }
}

fn third_person(verb: &'static str) -> String {
    match verb {
        "copy" => "copies held rows of".to_owned(),
        "delete" => "deletes rows that are held no more from".to_owned(),
        verb => format!("{verb}s"),
    }
}

/// `30 months on 10 shards`, with rows and bytes when there are any.
fn amount(steps: &[&Step]) -> String {
    let partitions = steps.iter().map(|step| step.action.added_months().len().max(1)).sum();
    let months = plural(partitions, "partition");
    let shards = plural(steps.iter().map(|step| step.shard).collect::<BTreeSet<ShardId>>().len(), "shard");
    let rows: u64 = steps.iter().map(|step| step.rows_estimate).sum();
    let bytes: u64 = steps.iter().map(|step| step.bytes).sum();
    match rows {
        0 => format!("{months} on {shards}"),
        _ => format!("{months} on {shards} (≈ {} rows, {})", format::count(rows), format::bytes(bytes)),
    }
}

/// The reason when there is one; else the first and how many more.
fn reasons(steps: &[&Step]) -> String {
    let mut reasons: Vec<&Guard> = Vec::new();
    for guard in steps.iter().flat_map(|step| &step.blocked_by) {
        if !reasons.contains(&guard) {
            reasons.push(guard);
        }
    }
    match reasons.as_slice() {
        [] => "nothing says why not".to_owned(),
        [only] => only.to_string(),
        [first, others @ ..] => format!("{first} (and {})", plural(others.len(), "other reason")),
    }
}

/// `1 step`, `3 steps`.
pub(super) fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use payhist_types::Month;
    use payhist_types::findings::{Finding, FindingKind};
    use payhist_types::history::{Policy, Switch, Switches};
    use payhist_types::plan::PlanHash;

    fn step(shard: u16, drop: bool, blocked_by: Vec<Guard>) -> Step {
        let (month, partition) = (Month::new(2026, 12).unwrap(), "p202612".to_owned());
        let before = chrono::DateTime::UNIX_EPOCH;
        let (action, rows_estimate) = if drop {
            (Action::DropMonth { month, partition, before, open_below: false }, 600)
        } else {
            (Action::AddMonth { month, partition, before }, 0)
        };
        Step {
            shard: ShardId(shard),
            table: format!("t{shard}"),
            action,
            blocked_by,
            sql: vec![],
            rows_estimate,
            bytes: 2_000_000,
        }
    }

    fn plan(steps: Vec<Step>) -> RotationPlan {
        RotationPlan {
            history: "payments".parse().unwrap(),
            policy: Policy {
                premake_months: Some(3),
                retention_months: Some(12),
                zone: "Europe/London".to_owned(),
                ..Policy::default()
            },
            policy_version: None,
            switches: Switches::default(),
            evaluated_at: chrono::DateTime::UNIX_EPOCH,
            current_month: Month::new(2026, 11).unwrap(),
            steps,
            findings: vec![],
            runway: vec![],
            edges_digest: String::new(),
            hash: PlanHash("0".repeat(64)),
        }
    }

    #[test]
    fn what_is_blocked_is_said_with_its_reason_and_its_size() {
        let off = || vec![Guard::SwitchOff { switch: Switch::Drop }];
        let steps = vec![step(0, false, vec![]), step(1, false, vec![]), step(0, true, off()), step(1, true, off())];
        assert_eq!(
            summary(&plan(steps)),
            "This plan adds 2 partitions on 2 shards. Would drop 2 partitions on 2 shards (≈ 1,200 rows, 4.0 MB), \
             but the drop switch is off."
        );
    }

    #[test]
    fn an_active_drop_is_never_left_out() {
        let said = summary(&plan(vec![step(0, false, vec![]), step(0, true, vec![])]));
        assert_eq!(
            said,
            "This plan adds 1 partition on 1 shard and drops 1 partition on 1 shard (≈ 600 rows, 2.0 MB)."
        );
    }

    #[test]
    fn a_plan_without_steps_does_not_call_a_broken_table_fine() {
        let mut empty = plan(vec![]);
        assert_eq!(summary(&empty), "Nothing to do: every shard is as the policy asks.");
        let kind = FindingKind::MissingTable;
        empty.findings.push(Finding { severity: Severity::Critical, shard: Some(ShardId(0)), kind });
        assert!(summary(&empty).contains("something is wrong"), "{}", summary(&empty));
    }
}
