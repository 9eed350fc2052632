//! The partition map, the plan, its runs, and the switches.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::Month;
use payhist_types::archive::Archive;
use payhist_types::history::Switch;
use payhist_types::obstacles::Obstacles;
use payhist_types::partition::PartitionMap;
use payhist_types::plan::RotationPlan;
use payhist_types::run::RotationRun;

use super::Result;
use super::server::{answer, authorise, confirmed, respond_with};

/// The shard × month map of a history; empty means the default one.
#[server(name = ReadPartitionMap, prefix = "/api/ui", endpoint = "partitions", input = GetUrl)]
pub async fn partition_map(#[server(default)] history: String) -> Result<PartitionMap> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::rotation::map(&ops, &permit, &history).await)
}

/// The archives of a month. Errors: `NotFound` when `month` is none.
#[server(name = ReadArchives, prefix = "/api/ui", endpoint = "partitions/archives", input = GetUrl)]
pub async fn archives(history: String, month: String) -> Result<Vec<Archive>> {
    use payhist_types::error::{ApiError, ErrorKind};
    let (ops, permit) = authorise()?;
    let month = month.parse().map_err(|_| {
        respond_with(ApiError::new(ErrorKind::NotFound, format!("{month:?} is no month such as 2026-05.")))
    })?;
    answer(payhist_ops::archive::list(&ops, &permit, &history, Some(month)).await)
}

/// What rotation would do now.
#[server(name = ReadRotationPlan, prefix = "/api/ui", endpoint = "partitions/plan", input = GetUrl)]
pub async fn rotation_plan(#[server(default)] history: String) -> Result<RotationPlan> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::rotation::plan(&ops, &permit, &history).await)
}

/// Who holds locks on the history's tables now.
#[server(name = ReadObstacles, prefix = "/api/ui", endpoint = "partitions/obstacles", input = GetUrl)]
pub async fn obstacles(#[server(default)] history: String) -> Result<Obstacles> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::rotation::obstacles(&ops, &permit, &history).await)
}

/// The latest runs, newest first, without their steps.
#[server(prefix = "/api/ui", endpoint = "partitions/runs", input = GetUrl)]
pub async fn rotation_runs(#[server(default)] history: String) -> Result<Vec<RotationRun>> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::rotation::runs(&ops, &permit, &history).await)
}

/// One run with its steps. Errors: `NotFound`, also when `id` is no number at all.
#[server(name = ReadRotationRun, prefix = "/api/ui", endpoint = "partitions/run", input = GetUrl)]
pub async fn rotation_run(id: String) -> Result<RotationRun> {
    use payhist_types::error::{ApiError, ErrorKind};
    let (ops, permit) = authorise()?;
    let id =
        id.parse().map_err(|_| respond_with(ApiError::new(ErrorKind::NotFound, format!("There is no run {id:?}."))))?;
    answer(payhist_ops::rotation::run(&ops, &permit, id).await)
}

/// Applies the plan that was shown, then leads to its run. A plan that drops anything wants the history's name in
/// `confirm`. Errors: `Refused` when the inventory has moved since.
#[server(prefix = "/api/ui", endpoint = "partitions/apply")]
pub async fn apply_plan(
    /// The history.
    history: String,
    /// The plan's hash.
    hash: String,
    /// The plan drops something.
    drops: bool,
    /// What was typed to confirm it.
    #[server(default)]
    confirm: String,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    confirmed(!drops, &confirm, &history).map_err(respond_with)?;
    let run = answer(payhist_ops::rotation::apply(&ops, &permit, &history, &hash).await)?;
    leptos_axum::redirect(&crate::links::with_history(&format!("/partitions/runs/{run}"), &history));
    Ok(())
}

/// Turns one switch. Allowing something that destroys wants the history's name in `confirm`.
#[server(prefix = "/api/ui", endpoint = "partitions/switch")]
pub async fn turn_switch(
    /// The history.
    history: String,
    /// Which switch.
    switch: Switch,
    /// Turn it on, or off.
    on: bool,
    /// What was typed to confirm it.
    #[server(default)]
    confirm: String,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    confirmed(!on || switch == Switch::Create, &confirm, &history).map_err(respond_with)?;
    answer(payhist_ops::rotation::switch(&ops, &permit, &history, switch, on).await)
}

/// Brings a month back from quarantine on every shard. Errors: `Refused` when it is not in quarantine, a run is at work,
/// or a shard failed; the others are restored then.
#[server(prefix = "/api/ui", endpoint = "partitions/restore")]
pub async fn restore_month(
    /// The history.
    history: String,
    /// The month.
    month: Month,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    let restoration = answer(payhist_ops::rotation::restore(&ops, &permit, &history, month).await)?;
    restoration.complete().map_err(respond_with)
}
