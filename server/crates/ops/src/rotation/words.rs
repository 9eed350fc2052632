//! Plans and runs in the words of logs and job summaries.

use payhist_types::plan::RotationPlan;
use payhist_types::plan_words::guards;
use payhist_types::run::{RotationRun, StepOutcome};

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
    with_unknown(said, &run.unknown)
}

/// With the shards that could not be looked at, if there are any.
pub(super) fn with_unknown(said: String, unknown: &[String]) -> String {
    if unknown.is_empty() { said } else { format!("{said}; not looked at: {}", unknown.join("; ")) }
}
