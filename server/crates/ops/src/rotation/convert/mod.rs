//! Tables without partitions get them while writes go on.
//!
//! Invariants:
//! - A conversion has one plan, frozen in the control database before anything is made; it begins by that plan's hash, and
//!   goes on by it until it is finished or given up.
//! - How far a table is, its recorded stage and the catalogue say together. So the command may be killed anywhere and repeated.
//! - The table as it was is kept, and payhist never drops it; the shadow is dropped only while the table is there without
//!   partitions.

mod plan;
mod shard;
mod work;

use super::execute::{self, Lease};
use crate::auth::{ManagePartitions, Permit, ViewPartitions};
use crate::{Ops, OpsError, catalogue, histories};
use payhist_storage::conversions::{self, Unfinished};
use payhist_storage::histories::History;
use payhist_storage::{audit, fault, tx};
use payhist_types::conversion::{ConversionOutcome, ConversionPlan, ShardConverted};
use serde_json::json;
use shard::Converter;

/// How far a conversion is, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many more rows were copied, about.
    Copied(u64),
    /// So many more rows were compared.
    Compared(u64),
}

/// Today's plan, or that of the conversion which was begun. Changes nothing.
///
/// # Errors
/// As of reading the catalogue.
pub async fn conversion_plan(
    ops: &Ops,
    _permit: &Permit<ViewPartitions>,
    history: &str,
) -> Result<ConversionPlan, OpsError> {
    let history = histories::find(ops, history).await?;
    match unfinished(ops, &history).await? {
        Some(unfinished) => Ok(ConversionPlan { begun: true, ..unfinished.plan }),
        None => plan::make(ops, &history).await,
    }
}

/// Converts the tables of the plan with that hash, one after the other. A table that fails never stops the others.
///
/// # Errors
/// [`OpsError::Refused`] for a stale hash, nothing to convert, or a run at work.
pub async fn convert(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &str,
    hash: &str,
    progress: impl Fn(Progress) + Sync,
) -> Result<Vec<ShardConverted>, OpsError> {
    let history = histories::find(ops, history).await?;
    execute::resume(ops, &history).await?;
    let lease = take_lease(ops, &history).await?;
    let work = async {
        let unfinished = begun(ops, &history, permit.actor(), hash).await?;
        fault::point("convert.after_begin");
        let mut all = Vec::new();
        for table in &unfinished.plan.tables {
            let converter =
                Converter { ops, history: &history, id: unfinished.id, table, lease: &lease, actor: permit.actor() };
            all.push(converter.shard(&progress).await);
        }
        if !all.iter().any(|shard| shard.outcome == ConversionOutcome::Failed) {
            end(ops, &history, &unfinished, permit.actor(), "conversion.finished", &all).await?;
        }
        Ok(all)
    };
    let done = work.await;
    give_back(ops, &lease).await?;
    done
}

/// Gives a conversion up: triggers and shadows go, and the tables stay as they are. What is converted already stays so.
///
/// # Errors
/// [`OpsError::Refused`] when none was begun, or a run is at work.
pub async fn give_up_conversion(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &str,
) -> Result<Vec<ShardConverted>, OpsError> {
    let history = histories::find(ops, history).await?;
    let lease = take_lease(ops, &history).await?;
    let work = async {
        let unfinished = unfinished(ops, &history).await?.ok_or_else(|| {
            OpsError::refused("no conversion was begun", "`payhist partitions convert` shows what one would do.")
        })?;
        let mut all = Vec::new();
        for table in &unfinished.plan.tables {
            let converter =
                Converter { ops, history: &history, id: unfinished.id, table, lease: &lease, actor: permit.actor() };
            all.push(converter.give_up().await);
        }
        if !all.iter().any(|shard| shard.outcome == ConversionOutcome::Failed) {
            end(ops, &history, &unfinished, permit.actor(), "conversion.given_up", &all).await?;
        }
        Ok(all)
    };
    let done = work.await;
    give_back(ops, &lease).await?;
    done
}

async fn take_lease(ops: &Ops, history: &History) -> Result<Lease, OpsError> {
    execute::take_lease(ops, history).await?.ok_or_else(|| {
        OpsError::refused(format!("a run is at work on {}", history.spec.name), "Wait for its end, then try again.")
    })
}

async fn give_back(ops: &Ops, lease: &Lease) -> Result<(), OpsError> {
    catalogue::forget(ops);
    lease.release(ops).await
}

async fn unfinished(ops: &Ops, history: &History) -> Result<Option<Unfinished>, OpsError> {
    let mut connection = ops.control().acquire("convert.unfinished").await?;
    Ok(conversions::unfinished(&mut connection, history.id).await?)
}

/// The conversion that goes on, or a new one by today's plan; either only by its hash.
async fn begun(ops: &Ops, history: &History, actor: &str, hash: &str) -> Result<Unfinished, OpsError> {
    let stale = || {
        let remedy = "Look at the plan as it is now, and apply that one if it is right.";
        OpsError::refused("the situation has changed since this plan was made", remedy)
    };
    if let Some(unfinished) = unfinished(ops, history).await? {
        return if unfinished.plan.hash.0 == hash { Ok(unfinished) } else { Err(stale()) };
    }
    let plan = plan::make(ops, history).await?;
    if plan.hash.0 != hash {
        return Err(stale());
    }
    if plan.tables.iter().all(|table| table.conversion.is_none()) {
        return Err(OpsError::refused("this plan has no table to convert", "Look at what is in the way of each."));
    }
    let now = ops.now();
    let id = tx::run(ops.control(), "convert.begin", |connection| {
        let (id, plan, actor) = (history.id, plan.clone(), actor.to_owned());
        Box::pin(async move {
            let conversion = conversions::begin(connection, id, &plan, &actor, now).await?;
            let detail = json!({ "conversion": conversion, "plan": plan.hash });
            let target = plan.history.as_str();
            let entry = audit::Entry { at: now, actor: &actor, action: "conversion.begin", target, detail };
            audit::append(connection, &entry).await?;
            Ok(conversion)
        })
    })
    .await?;
    Ok(Unfinished { id, plan })
}

async fn end(
    ops: &Ops,
    history: &History,
    unfinished: &Unfinished,
    actor: &str,
    action: &'static str,
    tables: &[ShardConverted],
) -> Result<(), OpsError> {
    let now = ops.now();
    tx::run(ops.control(), "convert.end", |connection| {
        let (id, name, actor) = (unfinished.id, history.spec.name.to_string(), actor.to_owned());
        let detail = json!({ "conversion": id, "tables": tables });
        Box::pin(async move {
            conversions::finish(connection, id, now).await?;
            let entry = audit::Entry { at: now, actor: &actor, action, target: &name, detail };
            audit::append(connection, &entry).await
        })
    })
    .await?;
    Ok(())
}
