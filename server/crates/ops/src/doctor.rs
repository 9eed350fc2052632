//! Examining a history: before it is adopted, and whenever something seems wrong.

use crate::auth::{Permit, ViewPartitions};
use crate::{Ops, OpsError, catalogue, histories, replicas};
use payhist_dialect::Capabilities;
use payhist_dialect::doctor::explain;
use payhist_plan::doctor::facts::Facts;
use payhist_plan::doctor::sources::differing;
use payhist_plan::doctor::{Found, examine, unreadable};
use payhist_plan::rotation::PlanError;
use payhist_storage::conversions;
use payhist_storage::doctor::{STATUS_ROWS_LOOKED, TIME_ROWS_LOOKED, USER_ROWS_LOOKED};
use payhist_storage::histories::History;
use payhist_types::doctor::{Diagnosis, Finding};
use payhist_types::history::{HistorySpec, Route};
use payhist_types::inventory::Inventory;
use payhist_types::plan::PlanHash;

/// Examines one history; the default one for an empty name. Changes nothing.
///
/// # Errors
/// [`OpsError::NotFound`]. A source that does not answer is a finding.
pub async fn diagnose(ops: &Ops, _permit: &Permit<ViewPartitions>, history: &str) -> Result<Diagnosis, OpsError> {
    let history = histories::find(ops, history).await?;
    let spec = &history.spec;
    let inventory = catalogue::read_for_plan(ops, &history).await?;
    let conversion = conversion(ops, &history).await?;
    let mut sources = Vec::new();
    for name in spec.source.names() {
        let read = read(ops, spec, name, &inventory).await;
        sources.push((
            name,
            read.map(|(facts, capabilities)| (Facts { conversion: conversion.clone(), ..facts }, capabilities)),
        ));
    }
    let answered = sources.iter().filter_map(|(name, read)| Some((*name, read.as_ref().ok()?)));
    let servers: Vec<_> =
        answered.map(|(name, (facts, capabilities))| (name, capabilities.kind(), &facts.server)).collect();
    let differing = differing(&servers);
    let mut findings = Vec::new();
    for (name, read) in &sources {
        let differing = differing.iter().filter(|(source, _)| source == name).map(|(_, found)| found);
        findings.extend(of_source(ops, spec, name, read, &inventory, differing).await?);
    }
    findings.sort_by_key(|finding| finding.shard);
    let looked_at = looked_at(&history);
    Ok(Diagnosis { history: history.spec.name, examined_at: ops.now(), looked_at, findings })
}

/// What a source tells, and what its engine can do.
type Answer<'a> = Result<(Facts, &'a Capabilities), OpsError>;

async fn read<'a>(ops: &'a Ops, spec: &HistorySpec, name: &str, inventory: &Inventory) -> Answer<'a> {
    let source = ops.source(name)?;
    let capabilities = source.capabilities().await?;
    let mut connection = source.pool.acquire("doctor").await?;
    let facts = payhist_storage::doctor::read(&mut connection, spec, name, inventory.clone(), ops.now()).await?;
    Ok((facts, capabilities))
}

/// The plan of the conversion that was begun and is neither finished nor given up.
async fn conversion(ops: &Ops, history: &History) -> Result<Option<PlanHash>, OpsError> {
    let mut connection = ops.control().acquire("doctor.conversion").await?;
    let unfinished = conversions::unfinished(&mut connection, history.id).await?;
    Ok(unfinished.map(|unfinished| unfinished.plan.hash))
}

/// The findings of what a source has of a history, and of the source itself.
async fn of_source<'a>(
    ops: &Ops,
    spec: &HistorySpec,
    name: &str,
    answer: &Answer<'_>,
    inventory: &Inventory,
    differing: impl Iterator<Item = &'a Found>,
) -> Result<Vec<Finding>, OpsError> {
    let unplanned = |error: PlanError| OpsError::Internal(error.to_string());
    let mut findings: Vec<_> = match answer {
        Ok((facts, capabilities)) => {
            let mut found: Vec<_> = differing.cloned().collect();
            found.extend(examine(spec, facts, ops.now()).map_err(unplanned)?);
            found.iter().map(|found| explain(found, spec, Some((facts, capabilities)))).collect()
        }
        Err(error) => {
            tracing::warn!(history = %spec.name, source = name, error = error as &dyn std::error::Error, "not examined");
            let reason = format!("the source {name}: {error}");
            let found = unreadable(spec, name, inventory, reason, ops.now()).map_err(unplanned)?;
            found.iter().map(|found| explain(found, spec, None)).collect()
        }
    };
    if let Ok(source) = ops.source(name) {
        let behind = payhist_plan::doctor::replicas(spec, replicas::of_source(source).await);
        findings.extend(behind.iter().map(|found| explain(found, spec, None)));
    }
    // With one source there is nothing to tell apart.
    if spec.source.only().is_none() {
        for finding in &mut findings {
            finding.source = Some(name.to_owned());
        }
    }
    Ok(findings)
}

fn looked_at(history: &History) -> Vec<String> {
    let mut looked = vec![
        "the catalogue of every shard: partitions, columns, keys, foreign keys, triggers; the settings of its server"
            .to_owned(),
        format!(
            "the time of up to {TIME_ROWS_LOOKED} rows of each shard's first and last partition; not of those between"
        ),
        "every row of a MAXVALUE partition, up to a million".to_owned(),
    ];
    if history.spec.route != Route::Single {
        looked.push(format!("the users of up to {USER_ROWS_LOOKED} rows from either end of each shard's primary key; not of those between"));
    }
    if history.spec.columns.is_some() {
        looked.push(format!("the states of up to {STATUS_ROWS_LOOKED} rows from either end of each shard's primary key; not of those between"));
    }
    looked
}
