//! Rotation: the map of months, the plan, and its runs.
//!
//! Plan is data and apply is dumb: pages, commands and jobs make the same plan ([`plan_of`]) and hand it to the same
//! executor, which decides nothing but "is it still so?".

mod archive;
mod attempt;
mod carve;
mod convert;
mod execute;
mod follow;
mod killer;
mod map;
mod obstacles;
mod patience;
mod quarantine;
mod restore;
mod split;
mod step;
mod words;

pub use convert::{Progress, conversion_plan, convert, give_up_conversion};
pub(crate) use follow::Followed;
pub use follow::follow;
pub use map::map;
pub(crate) use map::map_of;
pub use obstacles::obstacles;
pub use restore::restore;

use crate::auth::{ManagePartitions, Permit, ViewPartitions};
use crate::zone::local;
use crate::{Ops, OpsError, catalogue, histories, zone};
use execute::Started;
pub(crate) use execute::{Lease, take_lease};
pub(crate) use patience::Patient;
use payhist_dialect::plan_sql;
use payhist_storage::histories::{self as stored_histories, History};
use payhist_storage::runs::{self, StoredRun, StoredStep};
use payhist_storage::{audit, tx};
use payhist_types::history::Switch;
use payhist_types::inventory::Inventory;
use payhist_types::plan::RotationPlan;
use payhist_types::plan_words;
use payhist_types::run::{RotationRun, RunOutcome, RunStep};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Runs in a list.
const RUNS_IN_LIST: u32 = 20;

/// Which steps of a plan a job applies: create and drop are never in one hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// What adds partitions.
    Adds,
    /// What takes months away: quarantine and drops.
    Drops,
}

/// What an application did.
#[derive(Debug)]
pub struct Applied {
    /// The run, if there was anything to do.
    pub run: Option<u64>,
    /// How it ended.
    pub outcome: RunOutcome,
    /// In a sentence.
    pub summary: String,
}

/// Today's plan.
pub async fn plan(ops: &Ops, _permit: &Permit<ViewPartitions>, history: &str) -> Result<RotationPlan, OpsError> {
    plan_of(ops, &histories::find(ops, history).await?).await
}

/// Today's plan of a history, from the catalogue as it is now, with its exact SQL and its hash.
pub(crate) async fn plan_of(ops: &Ops, history: &History) -> Result<RotationPlan, OpsError> {
    plan_on(ops, history, &catalogue::read_for_plan(ops, history).await?).await
}

async fn plan_on(ops: &Ops, history: &History, inventory: &Inventory) -> Result<RotationPlan, OpsError> {
    let switches = {
        let mut connection = ops.control().acquire("rotation.switches").await?;
        stored_histories::switches(&mut connection, history.id).await?
    };
    let mut plan = payhist_plan::rotation::plan(&history.spec, inventory, &switches, ops.now())
        .map_err(|error| OpsError::Internal(error.to_string()))?;
    plan.policy_version = Some(history.policy_version);
    // A source that did not answer has no steps to render.
    let mut capabilities = BTreeMap::new();
    for shard in plan.steps.iter().map(|step| step.shard).collect::<BTreeSet<_>>() {
        capabilities.insert(shard, ops.source(history.spec.source.of(shard))?.capabilities().await?);
    }
    plan_sql::render(&mut plan, &history.spec, inventory, &capabilities)
        .map_err(|error| OpsError::Internal(error.to_string()))?;
    payhist_plan::checker::check(&plan, &history.spec, inventory).map_err(|violations| {
        OpsError::Internal(format!("the plan breaks its own rules and is not used: {violations:?}"))
    })?;
    Ok(plan)
}

/// Applies today's plan if it is still the one with that hash. Answers the run's number at once; the work goes on.
///
/// # Errors
/// [`OpsError::Refused`] for a stale hash, a run in progress, or nothing to do.
pub async fn apply(ops: &Ops, permit: &Permit<ManagePartitions>, history: &str, hash: &str) -> Result<u64, OpsError> {
    let started = start(ops, permit, &histories::find(ops, history).await?, hash).await?;
    let (run, background) = (started.run, ops.clone());
    ops.spawn(async move {
        if let Err(error) = started.work(&background).await {
            tracing::error!(
                run,
                error = &error as &dyn std::error::Error,
                "a rotation run stopped; the next one resumes it"
            );
        }
    });
    Ok(run)
}

/// The same, waiting for its end.
pub async fn apply_and_wait(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &str,
    hash: &str,
) -> Result<RotationRun, OpsError> {
    let history = histories::find(ops, history).await?;
    let started = start(ops, permit, &history, hash).await?;
    let id = started.run;
    started.work(ops).await?;
    view(ops, id).await
}

async fn start(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &History,
    hash: &str,
) -> Result<Started, OpsError> {
    execute::resume(ops, history).await?;
    let plan = plan_of(ops, history).await?;
    if plan.hash.0 != hash {
        return Err(OpsError::refused(
            "the situation has changed since this plan was made",
            "Look at the plan as it is now, and apply that one if it is right.",
        ));
    }
    if plan.active_steps().next().is_none() {
        return Err(OpsError::refused("this plan has no step that may run now", "Look at what blocks its steps."));
    }
    execute::begin(ops, history, plan, permit.actor()).await
}

/// Applies one kind of steps of today's plan, for a scheduled job.
pub(crate) async fn apply_for_job(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &History,
    only: Only,
) -> Result<Applied, OpsError> {
    execute::resume(ops, history).await?;
    let switch = match only {
        Only::Adds => Switch::Create,
        Only::Drops => Switch::Drop,
    };
    let mut plan = plan_of(ops, history).await?;
    plan.steps.retain(|step| step.action.switch() == switch);
    payhist_plan::rotation::rehash(&mut plan);
    let blocked = plan.steps.iter().filter(|step| !step.is_active()).count();
    if plan.active_steps().next().is_none() {
        let summary = if blocked == 0 {
            "nothing to do".to_owned()
        } else {
            format!("{blocked} steps are blocked, e.g. {}", words::blocked(&plan))
        };
        let outcome = if plan.is_partial() { RunOutcome::Partial } else { RunOutcome::Done };
        return Ok(Applied { run: None, outcome, summary: words::with_unknown(summary, &plan.unknown()) });
    }
    let started = execute::begin(ops, history, plan, permit.actor()).await?;
    let id = started.run;
    started.work(ops).await?;
    let run = view(ops, id).await?;
    Ok(Applied { run: Some(id), outcome: run.outcome, summary: words::run(&run) })
}

/// Takes up the runs of one history that nobody works on any more; answers how many.
pub async fn resume(ops: &Ops, _permit: &Permit<ManagePartitions>, history: &str) -> Result<usize, OpsError> {
    execute::resume(ops, &histories::find(ops, history).await?).await
}

/// Takes up every run that a killed process left behind; answers how many there were.
pub async fn resume_all(ops: &Ops) -> Result<usize, OpsError> {
    let mut resumed = 0;
    for history in histories::all(ops).await? {
        resumed += execute::resume(ops, &history).await?;
    }
    Ok(resumed)
}

/// Turns a stop switch.
pub async fn switch(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &str,
    switch: Switch,
    on: bool,
) -> Result<(), OpsError> {
    let history = histories::find(ops, history).await?;
    let now = ops.now();
    tx::run(ops.control(), "rotation.switch", |connection| {
        let (actor, name, id) = (permit.actor().to_owned(), history.spec.name.to_string(), history.id);
        Box::pin(async move {
            stored_histories::turn(connection, id, switch, on, &actor, now).await?;
            let detail = json!({ "switch": switch, "on": on });
            audit::append(
                connection,
                &audit::Entry { at: now, actor: &actor, action: "switch.turn", target: &name, detail },
            )
            .await
        })
    })
    .await?;
    Ok(())
}

/// The newest runs of a history, without their steps.
pub async fn runs(ops: &Ops, _permit: &Permit<ViewPartitions>, history: &str) -> Result<Vec<RotationRun>, OpsError> {
    let history = histories::find(ops, history).await?;
    let zone = zone::parse(&history.spec.policy.zone)?;
    let mut connection = ops.control().acquire("rotation.runs").await?;
    let runs = runs::newest(&mut connection, history.id, RUNS_IN_LIST).await?;
    Ok(runs.into_iter().map(|run| run_view(run, Vec::new(), zone)).collect())
}

/// One run with its steps.
pub async fn run(ops: &Ops, _permit: &Permit<ViewPartitions>, id: u64) -> Result<RotationRun, OpsError> {
    view(ops, id).await
}

async fn view(ops: &Ops, id: u64) -> Result<RotationRun, OpsError> {
    let mut connection = ops.control().acquire("rotation.run").await?;
    let run = runs::find(&mut connection, id).await?.ok_or_else(|| OpsError::NotFound(format!("The run {id}")))?;
    let steps = runs::steps(&mut connection, id).await?;
    let zone = zone::parse(&run.plan.policy.zone)?;
    Ok(run_view(run, steps, zone))
}

fn run_view(run: StoredRun, steps: Vec<StoredStep>, zone: chrono_tz::Tz) -> RotationRun {
    let steps = run.plan.steps.iter().zip(steps).map(|(planned, step)| {
        let duration =
            step.intended_at.zip(step.finished_at).map(|(from, to)| (to - from).num_milliseconds().unsigned_abs());
        RunStep {
            sequence: step.sequence,
            table: planned.table.clone(),
            action: format!("{} {}", planned.action.verb(), planned.action.month()),
            sql: planned.sql.join(";\n"),
            outcome: step.outcome,
            attempts: step.attempts,
            wait_ms: step.wait_ms,
            duration_ms: duration,
            rows: step.rows,
            detail: step.detail.or_else(|| (!planned.is_active()).then(|| plan_words::guards(&planned.blocked_by))),
        }
    });
    let unknown = run.plan.unknown();
    RotationRun {
        id: run.id,
        steps: steps.collect(),
        history: run.plan.history.to_string(),
        plan_hash: run.plan.hash.0,
        policy_version: run.plan.policy_version,
        trigger: run.started_by,
        started_at: local(run.started_at, zone),
        finished_at: run.finished_at.map(|at| local(at, zone)),
        outcome: run.outcome,
        unknown,
    }
}
