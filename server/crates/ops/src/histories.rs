//! Registered histories: finding them and making new ones.

use crate::auth::{ManagePartitions, Permit};
use crate::{Ops, OpsError};
use payhist_plan::validate::{shared_table, validate};
use payhist_storage::histories::{self as stored, History};
use payhist_storage::{Source, audit, tx};
use payhist_types::history::{HistoryName, HistorySpec, Policy, Route, Switches};
use payhist_types::sources::Sources;
use serde_json::json;

/// Shards of a history that payhist makes itself (DESIGN §4).
pub const DEFAULT_SHARDS: u16 = 10;

/// All histories, the default first.
pub async fn all(ops: &Ops) -> Result<Vec<History>, OpsError> {
    let mut connection = ops.control().acquire("histories").await?;
    Ok(stored::all(&mut connection).await?)
}

/// The history of that name; the default one for an empty name.
///
/// # Errors
/// [`OpsError::NotFound`].
pub async fn find(ops: &Ops, name: &str) -> Result<History, OpsError> {
    if name.is_empty() {
        let missing = || OpsError::NotFound("A history".to_owned());
        return all(ops).await?.into_iter().next().ok_or_else(missing);
    }
    let missing = || OpsError::NotFound(format!("The history {name}"));
    let name: HistoryName = name.parse().map_err(|_| missing())?;
    let mut connection = ops.control().acquire("histories").await?;
    stored::find(&mut connection, &name).await?.ok_or_else(missing)
}

/// A history of payhist's own layout: ten shards by `user_id % 10` in the schema that bears the history's name.
pub fn own_layout(name: HistoryName, source: impl Into<Sources>, schema: String, policy: Policy) -> HistorySpec {
    let table_pattern = if name.as_str() == "payments" {
        "payment_history_shard_{shard}".to_owned()
    } else {
        format!("{name}_shard_{{shard}}")
    };
    HistorySpec {
        name,
        source: source.into(),
        schema,
        table_pattern,
        route: Route::Modulo { shards: DEFAULT_SHARDS },
        policy,
        columns: None,
    }
}

/// Are its tables payhist's own, made from its template? Those of an adopted history are never altered but by plan.
pub(crate) fn is_own_layout(spec: &HistorySpec) -> bool {
    let HistorySpec { name, source, schema, policy, .. } = spec;
    own_layout(name.clone(), source.clone(), schema.clone(), policy.clone()) == *spec
}

/// The source of a history that is to be filled.
///
/// # Errors
/// [`OpsError::Refused`]: its shards live on several.
pub(crate) fn only_source<'a>(ops: &'a Ops, spec: &HistorySpec) -> Result<&'a Source, OpsError> {
    let only = spec.source.only().ok_or_else(|| {
        OpsError::refused(
            format!(
                "the shards of {} live on several sources: payhist rotates and browses them, and fills none",
                spec.name
            ),
            "Name another history with --history NAME; it is made if it does not exist",
        )
    })?;
    ops.source(only)
}

/// No table is in two histories, or the one's policy would drop what the other keeps.
pub(crate) fn check_tables<'a>(
    spec: &HistorySpec,
    others: impl IntoIterator<Item = &'a HistorySpec>,
) -> Result<(), OpsError> {
    for other in others.into_iter().filter(|other| other.name != spec.name) {
        if let Some(table) = shared_table(spec, other) {
            let why = format!("history {}: the table {table} is in the history {} already", spec.name, other.name);
            return Err(OpsError::field("table_pattern", why));
        }
    }
    Ok(())
}

/// Registers a history; one of that name that is there already is left as it is. Tables are made by who fills them.
///
/// # Errors
/// [`OpsError::BadInput`] with the key that makes no sense.
pub async fn register(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    spec: &HistorySpec,
    switches: Switches,
) -> Result<History, OpsError> {
    validate(spec).map_err(|error| OpsError::field(error.key(), error.to_string()))?;
    check_tables(spec, all(ops).await?.iter().map(|known| &known.spec))?;
    let now = ops.now();
    tx::run(ops.control(), "history.register", |connection| {
        let (spec, actor) = (spec.clone(), permit.actor().to_owned());
        Box::pin(async move {
            if stored::register(connection, &spec, switches, &actor, now).await? {
                let detail = json!({ "spec": spec, "switches": switches });
                let entry = audit::Entry {
                    at: now,
                    actor: &actor,
                    action: "history.register",
                    target: spec.name.as_str(),
                    detail,
                };
                audit::append(connection, &entry).await?;
            }
            Ok(())
        })
    })
    .await?;
    find(ops, spec.name.as_str()).await
}
