//! Examining a history: before it is adopted, and whenever something seems wrong.

use crate::auth::{Permit, ViewPartitions};
use crate::{Ops, OpsError, catalogue, histories};
use payhist_dialect::doctor::explain;
use payhist_plan::doctor::{Found, examine, unreadable};
use payhist_storage::doctor::{STATUS_ROWS_LOOKED, TIME_ROWS_LOOKED, USER_ROWS_LOOKED};
use payhist_storage::histories::History;
use payhist_types::doctor::Diagnosis;
use payhist_types::history::Route;

/// Examines one history; the default one for an empty name. Changes nothing.
///
/// # Errors
/// [`OpsError::NotFound`]. A source that does not answer is a finding.
pub async fn diagnose(ops: &Ops, _permit: &Permit<ViewPartitions>, history: &str) -> Result<Diagnosis, OpsError> {
    let history = histories::find(ops, history).await?;
    let spec = &history.spec;
    let inventory = catalogue::read_for_plan(ops, &history).await?;
    let unplanned = |error: payhist_plan::rotation::PlanError| OpsError::Internal(error.to_string());
    let examined = async {
        let source = ops.source(&spec.source)?;
        let capabilities = source.capabilities().await?;
        let mut connection = source.pool.acquire("doctor").await?;
        let facts = payhist_storage::doctor::read(&mut connection, spec, inventory.clone(), ops.now()).await?;
        Ok::<_, OpsError>((facts, capabilities))
    };
    let findings = match examined.await {
        Ok((facts, capabilities)) => {
            let found = examine(spec, &facts, ops.now()).map_err(unplanned)?;
            let said = |found: &Found| explain(found, spec, Some((&facts, capabilities)));
            found.iter().map(said).collect()
        }
        Err(error) => {
            tracing::warn!(history = %spec.name, error = &error as &dyn std::error::Error, "not examined");
            let found = unreadable(spec, &inventory, error.to_string(), ops.now()).map_err(unplanned)?;
            found.iter().map(|found| explain(found, spec, None)).collect()
        }
    };
    let looked_at = looked_at(&history);
    Ok(Diagnosis { history: history.spec.name, examined_at: ops.now(), looked_at, findings })
}

fn looked_at(history: &History) -> Vec<String> {
    let mut looked = vec![
        "the catalogue of every shard: partitions, columns, keys, foreign keys".to_owned(),
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
