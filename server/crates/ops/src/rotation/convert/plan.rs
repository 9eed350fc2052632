//! The plan of a conversion: look, judge, write, judge again.

use crate::{Ops, OpsError, catalogue};
use payhist_dialect::conversion::{Copy, Names};
use payhist_plan::conversion;
use payhist_plan::doctor::facts::Table;
use payhist_plan::doctor::layout::{hint, time_column};
use payhist_storage::conversions;
use payhist_storage::histories::History;
use payhist_types::conversion::{ConversionPlan, LeftAlone, TablePlan};
use payhist_types::inventory::{ShardInventory, TableState};
use payhist_types::plan::PlanHash;

/// Today's plan of a history.
pub(super) async fn make(ops: &Ops, history: &History) -> Result<ConversionPlan, OpsError> {
    let earlier = {
        let mut connection = ops.control().acquire("convert.earlier").await?;
        conversions::count(&mut connection, history.id).await?
    };
    let mut tables = Vec::new();
    for found in &catalogue::read(ops, history).await?.shards {
        tables.push(of_table(ops, history, found, earlier).await);
    }
    let mut plan =
        ConversionPlan { history: history.spec.name.clone(), hash: PlanHash(String::new()), begun: false, tables };
    conversion::rehash(&mut plan);
    Ok(plan)
}

async fn of_table(ops: &Ops, history: &History, found: &ShardInventory, earlier: u64) -> TablePlan {
    let mut plan = TablePlan {
        shard: found.shard,
        table: found.table.clone(),
        earlier,
        left_alone: None,
        notes: Vec::new(),
        conversion: None,
        sql: Vec::new(),
        rows_estimate: 0,
    };
    plan.left_alone = match &found.state {
        TableState::NotPartitioned => match convertible(ops, history, &mut plan).await {
            Ok(Ok(())) => None,
            Ok(Err(obstacles)) => Some(LeftAlone::Obstacles(obstacles)),
            Err(error) => Some(LeftAlone::Obstacles(vec![format!("it could not be looked at: {error}")])),
        },
        TableState::Partitioned { .. } => Some(LeftAlone::Partitioned),
        TableState::Missing => Some(LeftAlone::Obstacles(vec!["it does not exist".to_owned()])),
        TableState::Misplaced { .. } => {
            Some(LeftAlone::Obstacles(vec!["its table is on other sources than configured: see doctor".to_owned()]))
        }
        TableState::Unreadable { reason } => Some(LeftAlone::Obstacles(vec![reason.clone()])),
    };
    plan
}

/// Fills a plan in, or says what is in the way.
async fn convertible(ops: &Ops, history: &History, plan: &mut TablePlan) -> Result<Result<(), Vec<String>>, OpsError> {
    let spec = &history.spec;
    let names = match Names::new(&spec.schema, &plan.table, plan.earlier) {
        Ok(names) => names,
        Err(error) => {
            return Ok(Err(vec![format!("its triggers are called after it, and its name is too long: {error}")]));
        }
    };
    let source = ops.source(spec.source.of(plan.shard))?;
    let capabilities = source.capabilities().await?;
    let mut connection = source.work.acquire("convert.plan").await?;
    let table = conversions::shapes(&mut connection, &names).await?.remove(&plan.table).unwrap_or_default();
    let hint = hint(spec);
    let time = time_column(&table, &hint).map(|column| column.name.as_str());
    let around = conversions::surroundings(&mut connection, &names, time, capabilities).await?;
    let judged = conversion::judge(&table, &hint, &around, &spec.policy, ops.now());
    let written = judged.and_then(|conversion| {
        let copy = Copy::new(names, &conversion, capabilities).map_err(|error| vec![error.to_string()])?;
        Ok((conversion, copy))
    });
    let (conversion, copy) = match written {
        Ok(written) => written,
        Err(obstacles) => return Ok(Err(obstacles)),
    };
    check(&conversion, &table, &around, history, ops)?;
    plan.notes = conversion::notes(&conversion, &around);
    plan.sql = copy.shown(capabilities);
    plan.rows_estimate = around.rows_estimate;
    plan.conversion = Some(conversion);
    Ok(Ok(()))
}

fn check(
    conversion: &payhist_types::conversion::Conversion,
    table: &Table,
    around: &conversion::Surroundings,
    history: &History,
    ops: &Ops,
) -> Result<(), OpsError> {
    conversion::check(conversion, table, around, &history.spec.policy, ops.now())
        .map_err(|broken| OpsError::Internal(format!("the plan breaks its own rules and is not used: {broken:?}")))
}
