//! Adopting tables that are there already: histories by configuration.
//!
//! Invariants: a registered history never moves to other tables; a new one adds months and drops nothing until somebody
//! turns that switch on; no route or column is changed by which a hold would
//! lose sight of its rows.

use crate::auth::{ManagePartitions, Permit};
use crate::histories::check_tables;
use crate::{Ops, OpsError, histories, policies};
use payhist_plan::routing::shard_of;
use payhist_plan::validate::validate;
use payhist_storage::histories::History;
use payhist_storage::holds;
use payhist_types::columns::Columns;
use payhist_types::history::{HistorySpec, Switches};
use payhist_types::holds::HoldScope;

/// Does this part of a configuration make sense by itself?
///
/// # Errors
/// [`OpsError::BadInput`] with the first key that makes none.
pub fn check(configured: &[HistorySpec], sources: &[&str], archives: &[&str]) -> Result<(), OpsError> {
    for (index, spec) in configured.iter().enumerate() {
        let before = &configured[..index];
        validate(spec).map_err(|error| wrong(spec, error.key(), &error.to_string()))?;
        if let Some(unknown) = spec.source.names().into_iter().find(|name| !sources.contains(name)) {
            return Err(wrong(spec, "source", &format!("there is no [[source]] called {unknown:?}")));
        }
        if let Some(name) = spec.policy.archive.as_deref().filter(|name| !archives.contains(name)) {
            return Err(wrong(spec, "policy.archive", &format!("there is no [archive.{name}]")));
        }
        if before.iter().any(|other| other.name == spec.name) {
            return Err(wrong(spec, "name", "it is configured twice"));
        }
        check_tables(spec, before)?;
    }
    Ok(())
}

/// Registers the configured histories that are new, and changes those whose policy or route is another now. One that is
/// no longer configured stays as it is, and its policy may be changed elsewhere.
///
/// # Errors
/// [`OpsError::BadInput`] with the first key that makes no sense.
pub async fn adopt(ops: &Ops, permit: &Permit<ManagePartitions>, configured: &[HistorySpec]) -> Result<(), OpsError> {
    let sources: Vec<_> = ops.sources().map(|source| source.name.as_str()).collect();
    let archives: Vec<_> = ops.archive().targets.keys().map(String::as_str).collect();
    check(configured, &sources, &archives)?;
    ops.configure(configured.iter().map(|spec| spec.name.clone()));
    for spec in configured {
        let known = histories::all(ops).await?;
        match known.iter().find(|known| known.spec.name == spec.name) {
            None => drop(histories::register(ops, permit, spec, Switches::default()).await?),
            Some(before) if before.spec == *spec => {}
            Some(before) => {
                check_tables(spec, known.iter().map(|known| &known.spec))?;
                change(ops, permit, before, spec).await?;
            }
        }
    }
    Ok(())
}

async fn change(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    before: &History,
    spec: &HistorySpec,
) -> Result<(), OpsError> {
    let place = |of: &HistorySpec, shard| (of.source.of(shard).to_owned(), of.schema.clone(), of.table_of(shard));
    let both = before.spec.route.shards().zip(spec.route.shards()).map(|(shard, _)| shard);
    if both.into_iter().any(|shard| place(&before.spec, shard) != place(spec, shard)) {
        let why = "a registered history never moves to other tables; give this one another name";
        return Err(wrong(spec, "table_pattern", why));
    }
    refuse_lost_holds(ops, before, spec).await?;
    policies::change(ops, permit, before, spec).await?;
    Ok(())
}

/// A hold on a user or an order keeps rows by the route and by the columns that count. By others it would look on another shard
/// or for something else, and what it was placed for would be kept no more.
async fn refuse_lost_holds(ops: &Ops, before: &History, spec: &HistorySpec) -> Result<(), OpsError> {
    let mut connection = ops.control().acquire("adopt.holds").await?;
    let until = "release the hold, or leave this as it is until it ends";
    for hold in holds::active(&mut connection, before.id, ops.now()).await? {
        if hold.scope.rows().is_some() && columns_of_holds(&before.spec) != columns_of_holds(spec) {
            let why = format!("hold {} keeps rows by the columns of users and orders as they are; {until}", hold.id);
            return Err(wrong(spec, "columns", &why));
        }
        let HoldScope::User { user } = hold.scope else { continue };
        let (old, new) = (shard_of(&before.spec.route, user), shard_of(&spec.route, user));
        if old != new {
            let why = format!(
                "hold {} keeps user {user} on shard {old}, which this route would look for on shard {new}; {until}",
                hold.id
            );
            return Err(wrong(spec, "route", &why));
        }
    }
    Ok(())
}

fn columns_of_holds(spec: &HistorySpec) -> (String, String) {
    let columns = spec.columns.as_deref().cloned().unwrap_or_else(Columns::own);
    (columns.user_id, columns.order_id)
}

fn wrong(spec: &HistorySpec, key: &str, why: &str) -> OpsError {
    OpsError::field(key, format!("history {}: {why}", spec.name))
}
