//! The exact SQL of a plan's steps.

use crate::boundary::NotExpressible;
use crate::held::{Original, Shelf};
use crate::quarantine::Pair;
use crate::split::Split;
use crate::{Capabilities, Ident, IdentError, Statement, TableName, archive, ddl};
use payhist_plan::rotation;
use payhist_types::ShardId;
use payhist_types::history::HistorySpec;
use payhist_types::holds::RowHold;
use payhist_types::inventory::{Inventory, TableState};
use payhist_types::plan::{Action, Guard, NewMonth, RotationPlan, Step};
use std::collections::{BTreeMap, HashMap};

/// Why a step has no SQL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanSqlError {
    /// A name that cannot be an identifier.
    #[error(transparent)]
    Ident(#[from] IdentError),
    /// The edge cannot be written.
    #[error(transparent)]
    NotExpressible(#[from] NotExpressible),
    /// The table is not partitioned.
    #[error("the table {0} is missing or has no partitions")]
    NotPartitioned(String),
    /// A kind of step that this version cannot render.
    #[error("this version cannot write the SQL of {0}")]
    Unsupported(String),
}

/// Fills in every step's SQL, by what the engine of its shard can do, and the plan's hash. A step whose edge the table cannot express is blocked.
///
/// # Errors
/// [`PlanSqlError`] for a plan that does not fit its inventory.
pub fn render(
    plan: &mut RotationPlan,
    spec: &HistorySpec,
    inventory: &Inventory,
    capabilities: &BTreeMap<ShardId, &Capabilities>,
) -> Result<(), PlanSqlError> {
    let states = inventory.shards.iter().map(|found| ((found.shard, found.table.as_str()), &found.state));
    let states: HashMap<_, _> = states.collect();
    for step in &mut plan.steps {
        let capabilities = capabilities.get(&step.shard).ok_or_else(|| PlanSqlError::Unsupported(step.key()))?;
        let state = states.get(&(step.shard, step.table.as_str())).copied().unwrap_or(&TableState::Missing);
        match statements(step, spec, state, capabilities) {
            Ok(statements) => {
                step.sql = statements.into_iter().map(|statement| statement.as_str().to_owned()).collect();
            }
            Err(PlanSqlError::NotExpressible(error)) => {
                step.blocked_by.push(Guard::NotExpressible { reason: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    rotation::rehash(plan);
    Ok(())
}

/// The statements of one step on a table as it is.
pub fn statements(
    step: &Step,
    spec: &HistorySpec,
    state: &TableState,
    capabilities: &Capabilities,
) -> Result<Vec<Statement>, PlanSqlError> {
    let TableState::Partitioned { expression, carving, .. } = state else {
        return Err(PlanSqlError::NotPartitioned(step.table.clone()));
    };
    let schema = &spec.schema;
    let table = TableName::new(schema, &step.table)?;
    match &step.action {
        Action::AddMonth { partition, before, .. } => {
            Ok(ddl::add_partition(&table, &Ident::new(partition)?, expression, *before, capabilities)?)
        }
        Action::SplitMaxValue { partition, into, .. } => {
            Ok(split(table, partition, into, state, capabilities)?.statements())
        }
        Action::DropMonth { partition, .. } => {
            let drop = ddl::drop_partition(&table, &Ident::new(partition)?, capabilities);
            Ok(ddl::session(capabilities).into_iter().chain([drop.statement().clone()]).collect())
        }
        Action::QuarantineMonth { partition, before, twin, .. } => {
            Ok(quarantine(&Pair::new(table, partition, twin, *before, capabilities)?))
        }
        Action::QuarantineLateRows { partition, before, twin, .. } => {
            let pair = Pair::new(table, partition, twin, *before, capabilities)?;
            Ok(vec![pair.copy_late_rows(&carving.columns), pair.delete_late_rows()])
        }
        Action::ArchiveMonth { twin, .. } => Ok(vec![archive::select(&TableName::new(schema, twin)?)]),
        Action::DropQuarantined { partition, before, twin, .. } => {
            Ok(drop_quarantined(&Pair::new(table, partition, twin, *before, capabilities)?))
        }
        Action::CarveOut { partition, twin, holds, .. } => {
            let shelf = Shelf::new(spec, &step.table, &carving.columns, capabilities)?;
            Ok(carve_out(&shelf, &Original::new(schema, partition, twin.as_deref())?, holds))
        }
        Action::DeleteHeld { before, keeps, .. } => {
            let shelf = Shelf::new(spec, &step.table, &carving.columns, capabilities)?;
            Ok(vec![Shelf::session(), shelf.delete_released(expression, *before, keeps)?.statement().clone()])
        }
        _ => Err(PlanSqlError::Unsupported(step.key())),
    }
}

/// The statements that split months off a table's MAXVALUE partition.
///
/// # Errors
/// As [`statements`].
pub fn split(
    table: TableName,
    partition: &str,
    into: &[NewMonth],
    state: &TableState,
    capabilities: &Capabilities,
) -> Result<Split, PlanSqlError> {
    let TableState::Partitioned { expression, partitions, .. } = state else {
        return Err(PlanSqlError::NotPartitioned(table.table().to_owned()));
    };
    let named = |new: &NewMonth| Ok((Ident::new(&new.partition)?, new.before));
    let months = into.iter().map(named).collect::<Result<Vec<_>, IdentError>>()?;
    Ok(Split::new(table, Ident::new(partition)?, expression, partitions, &months, capabilities)?)
}

fn quarantine(pair: &Pair) -> Vec<Statement> {
    pair.session().into_iter().chain([pair.create(), pair.prepare(), pair.exchange(), pair.mark()]).collect()
}

fn carve_out(shelf: &Shelf, original: &Original, holds: &[RowHold]) -> Vec<Statement> {
    let (copy, count) = (shelf.copy(original, holds), shelf.count_missing(original, holds));
    vec![Shelf::session(), shelf.create(), shelf.prepare(), copy, count]
}

fn drop_quarantined(pair: &Pair) -> Vec<Statement> {
    let (twin, partition) = (pair.drop_twin().statement().clone(), pair.drop_partition().statement().clone());
    let end = [twin, pair.lock_table(), pair.count_partition(), partition, pair.unlock()];
    pair.session().into_iter().chain(end).collect()
}
