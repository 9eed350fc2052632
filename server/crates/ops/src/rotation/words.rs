//! Plans, findings and runs in the words of pages, logs and job summaries.

use payhist_types::plan::{Finding, FindingKind, Guard, RotationPlan};
use payhist_types::run::{RotationRun, StepOutcome};

/// A guard in words.
pub(super) fn guard(guard: &Guard) -> String {
    match guard {
        Guard::SwitchOff { switch } => format!("the {switch} switch is off"),
        Guard::UnknownBoundary { partition } => format!("the edge of partition {partition} cannot be read"),
        Guard::MaxValuePresent { partition, rows_estimate } => {
            format!("the MAXVALUE partition {partition} (about {rows_estimate} rows) stands where the month would go")
        }
        Guard::LastPartition => "a table's last partition is never dropped".to_owned(),
        Guard::OlderPartitionStays { partition } => {
            format!("the older partition {partition} stays, and a gap would swallow late rows")
        }
        Guard::NameTaken { partition } => format!("another partition is called {partition} already"),
        Guard::NotExpressible { reason } => reason.clone(),
        _ => "a guard that this version does not know".to_owned(),
    }
}

/// Several guards in words.
pub fn guards(guards: &[Guard]) -> String {
    guards.iter().map(guard).collect::<Vec<_>>().join("; ")
}

/// Why the first blocked step of a plan is blocked.
pub(super) fn blocked(plan: &RotationPlan) -> String {
    plan.steps
        .iter()
        .find(|step| !step.is_active())
        .map(|step| format!("{}: {}", step.key(), guards(&step.blocked_by)))
        .unwrap_or_default()
}

/// A run in a sentence.
pub(super) fn run(run: &RotationRun) -> String {
    let count = |outcome: StepOutcome| run.steps.iter().filter(|step| step.outcome == outcome).count();
    let done = count(StepOutcome::Done) + count(StepOutcome::AlreadyDone);
    let mut said = format!("{done} of {} steps done", run.steps.len());
    for (outcome, word) in
        [(StepOutcome::Failed, "failed"), (StepOutcome::Skipped, "skipped"), (StepOutcome::Blocked, "blocked")]
    {
        if count(outcome) > 0 {
            said += &format!(", {} {word}", count(outcome));
        }
    }
    if let Some(failed) = run.steps.iter().find(|step| step.outcome == StepOutcome::Failed) {
        said += &format!(" ({} {}: {})", failed.table, failed.action, failed.detail.as_deref().unwrap_or("no detail"));
    }
    said
}

/// A finding in words.
pub fn finding(finding: &Finding) -> String {
    let said = match &finding.kind {
        FindingKind::MissingTable => "its table does not exist".to_owned(),
        FindingKind::NotPartitioned => "its table has no partitions".to_owned(),
        FindingKind::Unreadable { reason } => format!("it cannot be read: {reason}"),
        FindingKind::NotInventoried => "it is in the route but was not found exactly once".to_owned(),
        FindingKind::UnknownExpression { raw } => format!("it is partitioned by {raw}, which payhist does not know"),
        FindingKind::UnknownBoundary { partition, raw } => {
            format!("the edge of partition {partition} cannot be read: {raw}")
        }
        FindingKind::MaxValuePresent { partition, rows_estimate } => {
            format!("the MAXVALUE partition {partition} holds about {rows_estimate} rows")
        }
        FindingKind::Gap { partition, first, last } => {
            format!("partition {partition} also swallows {first} to {last}, which have none of their own")
        }
        FindingKind::Overlap { partition } => {
            format!("the edge of partition {partition} is not above the one before it")
        }
        FindingKind::Irregular { partition, .. } => {
            format!("partition {partition} is not a month of the business zone; it is never dropped")
        }
        FindingKind::NameMisleads { partition, month } => {
            format!("partition {partition} holds {month}, whatever its name says")
        }
        FindingKind::ShardDiffers { missing } => {
            let months: Vec<_> = missing.iter().map(ToString::to_string).collect();
            format!("it lacks {}, which other shards have", months.join(", "))
        }
        FindingKind::RunwayShort { months, wanted } => format!("{months} months ahead, the policy asks for {wanted}"),
        FindingKind::TooFarBehind { months } => format!("{months} months are missing: too many to add by plan"),
        _ => "a finding that this version does not know".to_owned(),
    };
    match finding.shard {
        Some(shard) => format!("shard {shard}: {said}"),
        None => said,
    }
}
