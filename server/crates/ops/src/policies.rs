//! Policies: what holds, how it came about, what another one would do, and changing it.
//!
//! Invariants: every change is a version of its own with its audit entry; a policy that the configuration gives is
//! changed only there; nobody changes a policy that somebody else has changed since he looked at it.

use crate::auth::{ManagePartitions, Permit, ViewPartitions};
use crate::zone::{self, local};
use crate::{Ops, OpsError, catalogue, histories};
use payhist_plan::simulation;
use payhist_plan::validate::validate;
use payhist_storage::histories::{self as stored, History};
use payhist_storage::{audit, policies, tx};
use payhist_types::history::{HistorySpec, Policy, Switches};
use payhist_types::policy_edit::{PolicyChange, PolicyEdit, PolicyView};
use payhist_types::simulation::Simulation;
use serde_json::json;

/// Changes that are shown.
const CHANGES_SHOWN: u32 = 20;

/// The policy of a history.
pub async fn show(ops: &Ops, _permit: &Permit<ViewPartitions>, history: &str) -> Result<PolicyView, OpsError> {
    view(ops, &histories::find(ops, history).await?).await
}

async fn view(ops: &Ops, history: &History) -> Result<PolicyView, OpsError> {
    let zone = zone::parse(&history.spec.policy.zone)?;
    let mut connection = ops.control().acquire("policies.show").await?;
    let versions = policies::newest(&mut connection, history.id, CHANGES_SHOWN).await?;
    let changes = versions.iter().enumerate().map(|(place, version)| PolicyChange {
        version: version.version,
        from: versions.get(place + 1).map(|before| before.policy.clone()),
        to: version.policy.clone(),
        by: version.changed_by.clone(),
        at: local(version.changed_at, zone),
    });
    Ok(PolicyView {
        history: history.spec.name.to_string(),
        version: history.policy_version,
        policy: history.spec.policy.clone(),
        configured: ops.is_configured(&history.spec.name),
        changes: changes.collect(),
    })
}

/// Changes a policy, if `version` is still the one that holds; `None`: whichever does.
///
/// # Errors
/// [`OpsError::BadInput`] by field; [`OpsError::Refused`] for a policy that the configuration gives or that was changed
/// meanwhile.
pub async fn set(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &str,
    edit: &PolicyEdit,
    version: Option<u64>,
) -> Result<PolicyView, OpsError> {
    let before = histories::find(ops, history).await?;
    if ops.is_configured(&before.spec.name) {
        return Err(OpsError::refused(
            format!("the policy of {} is given by the configuration", before.spec.name),
            "Change [history.policy] in the configuration file, then restart payhist.",
        ));
    }
    let spec = edited(ops, &before.spec, edit)?;
    if spec == before.spec {
        return view(ops, &before).await;
    }
    let changed =
        version.is_none_or(|seen| seen == before.policy_version) && change(ops, permit, &before, &spec).await?;
    if !changed {
        return Err(OpsError::refused(
            format!("the policy of {} was changed since you looked at it", before.spec.name),
            "Look at it as it is now, then change it.",
        ));
    }
    view(ops, &histories::find(ops, spec.name.as_str()).await?).await
}

/// Gives a history another spec, with its audit entry; answers whether nobody else did so first.
pub(crate) async fn change(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    before: &History,
    spec: &HistorySpec,
) -> Result<bool, OpsError> {
    let now = ops.now();
    let changed = tx::run(ops.control(), "history.change", |connection| {
        let (before, spec, actor) = (before.clone(), spec.clone(), permit.actor().to_owned());
        Box::pin(async move {
            if !stored::change(connection, &before, &spec, &actor, now).await? {
                return Ok(false);
            }
            let detail = json!({ "before": before.spec, "after": spec });
            let target = spec.name.as_str();
            let entry = audit::Entry { at: now, actor: &actor, action: "history.change", target, detail };
            audit::append(connection, &entry).await?;
            Ok(true)
        })
    })
    .await?;
    catalogue::forget(ops);
    Ok(changed)
}

/// What the policy, or an edited one, would do over so many months, with both switches on.
///
/// # Errors
/// [`OpsError::BadInput`] by field.
pub async fn simulate(
    ops: &Ops,
    _permit: &Permit<ViewPartitions>,
    history: &str,
    edit: &PolicyEdit,
    months: u16,
) -> Result<Simulation, OpsError> {
    let history = histories::find(ops, history).await?;
    let spec = edited(ops, &history.spec, edit)?;
    if !(1..=simulation::MONTHS_MAX).contains(&months) {
        let message = format!("{months} months: 1 to {} can be simulated", simulation::MONTHS_MAX);
        return Err(OpsError::field("months", message));
    }
    let inventory = catalogue::read_for_plan(ops, &history).await?;
    let switches = Switches { create: true, drop: true, erase: false };
    simulation::simulate(&spec, &inventory, switches, ops.now(), months)
        .map_err(|error| OpsError::Internal(error.to_string()))
}

fn edited(ops: &Ops, spec: &HistorySpec, edit: &PolicyEdit) -> Result<HistorySpec, OpsError> {
    let policy: Policy = edit.on(&spec.policy).map_err(OpsError::BadInput)?;
    let spec = HistorySpec { policy, ..spec.clone() };
    validate(&spec).map_err(|error| {
        let key = error.key().trim_start_matches("policy.");
        OpsError::field(if key == "retention_months" { "retention" } else { key }, error.to_string())
    })?;
    match &spec.policy.archive {
        Some(name) if !ops.archive().targets.contains_key(name) => {
            Err(OpsError::field("archive", format!("there is no [archive.{name}] in the configuration")))
        }
        _ => Ok(spec),
    }
}
