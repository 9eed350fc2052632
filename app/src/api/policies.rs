//! Policies: what holds, what another one would do, and changing it.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use payhist_types::policy_edit::{PolicyEdit, PolicyView};
use payhist_types::simulation::Simulation;

use super::Result;
use super::server::{answer, authorise, confirmed, respond_with};

/// The policy of a history, with its latest changes; empty means the default one.
#[server(name = ReadPolicy, prefix = "/api/ui", endpoint = "policies", input = GetUrl)]
pub async fn policy(#[server(default)] history: String) -> Result<PolicyView> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::policies::show(&ops, &permit, &history).await)
}

/// The coming months by the policy with what was typed. Errors: `BadInput` by field.
#[server(name = ReadSimulation, prefix = "/api/ui", endpoint = "policies/simulation", input = GetUrl)]
pub async fn simulation(
    #[server(default)] history: String,
    #[server(default)] edit: PolicyEdit,
    /// How many months; anything but a number is refused as 0 is.
    #[server(default)]
    months: String,
) -> Result<Simulation> {
    let (ops, permit) = authorise()?;
    answer(payhist_ops::policies::simulate(&ops, &permit, &history, &edit, months.parse().unwrap_or(0)).await)
}

/// Saves a policy that was simulated, on top of the version that was looked at. It wants the history's name in
/// `confirm`, since a shorter retention drops months. Errors: `Refused` for another version or a configured policy.
#[server(prefix = "/api/ui", endpoint = "policies/set")]
pub async fn set_policy(
    /// The history.
    history: String,
    /// The version that was looked at.
    version: u64,
    /// What was typed to confirm it.
    #[server(default)]
    confirm: String,
    /// What was typed.
    #[server(default)]
    edit: PolicyEdit,
) -> Result<()> {
    let (ops, permit) = authorise()?;
    confirmed(false, &confirm, &history).map_err(respond_with)?;
    answer(payhist_ops::policies::set(&ops, &permit, &history, &edit, Some(version)).await)?;
    leptos_axum::redirect(&crate::links::with_history("/settings", &history));
    Ok(())
}
