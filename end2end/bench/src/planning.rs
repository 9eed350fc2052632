//! Reading and planning many partitions: the catalogue's answer, and the pure planner.

use crate::demo::Demo;
use crate::figures::{median, millis, timed};
use crate::report::{Beside, Line};
use anyhow::{Result, anyhow, ensure};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_dialect::ddl::Keys;
use payhist_dialect::{Capabilities, PartitionName, TableName, plan_sql};
use payhist_plan::{checker, months, rotation};
use payhist_storage::{partitions, shards};
use payhist_types::Month;
use payhist_types::history::{HistorySpec, Switches};
use payhist_types::inventory::{Inventory, TableState};
use serde_json::json;
use sqlx::mysql::MySqlConnection;
use std::time::Duration;

const SCHEMA: &str = "bench_inventory";
const INVENTORY_SHARDS: usize = 10;
const INVENTORY_MONTHS: i32 = 84;
const INVENTORY_GOAL: Duration = Duration::from_millis(100);
/// Catalogue queries of one inventory.
const QUERIES_GOAL: u64 = 2;

const PLANNED_TABLES: u16 = 1_000;
const PLANNED_MONTHS: i32 = 120;
/// Of the months of a planned table so many have expired, and so many are missing ahead.
const MONTHS_KEPT: i32 = 110;
const PLANNING_GOAL: Duration = Duration::from_millis(50);

/// Each is taken so often.
const SAMPLES: usize = 21;

/// The months that end with the present one, oldest first, each with the instant at which it ends.
pub(crate) fn months_until(now: DateTime<Utc>, count: i32) -> impl Iterator<Item = (Month, DateTime<Utc>)> {
    let current = months::month_of(now, Tz::UTC);
    (1 - count..=0).filter_map(move |offset| current.plus(offset)).map(|month| (month, months::end(month, Tz::UTC)))
}

pub(crate) async fn inventory(demo: &mut Demo, now: DateTime<Utc>) -> Result<Vec<Line>> {
    let database = demo.database();
    shards::create_schema(database, SCHEMA).await?;
    let named = |(month, end)| (PartitionName::for_month(month), end);
    let layout: Vec<_> = months_until(now, INVENTORY_MONTHS).map(named).collect();
    let names: Vec<_> = (0..INVENTORY_SHARDS).map(|shard| format!("shard_{shard}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for name in &names {
        shards::create(database, &TableName::new(SCHEMA, name)?, &layout, Keys::Now).await?;
    }
    let before = questions(database).await?;
    let found = partitions::read(database, SCHEMA, &names).await?;
    let queries = questions(database).await? - before - 1; // the second look at the counter counts itself
    let is_whole = |state: &TableState| matches!(state, TableState::Partitioned { partitions, .. } if partitions.len() == layout.len());
    ensure!(found.len() == names.len() && found.values().all(is_whole), "the inventory is not whole");
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        let reading = async { Ok(partitions::read(database, SCHEMA, &names).await?) };
        samples.push(timed(reading).await?.0);
    }
    let took = median(&mut samples);
    Ok(vec![Line {
        what: format!("inventory of {INVENTORY_SHARDS} shards × {INVENTORY_MONTHS} months from the catalogue (median)"),
        ours: format!("{}, {queries} queries", millis(took)),
        beside: Beside::Nothing,
        ratio: "–".to_owned(),
        goal: format!("≤ {}, ≤ {QUERIES_GOAL} queries", millis(INVENTORY_GOAL)),
        met: Some(took <= INVENTORY_GOAL && queries <= QUERIES_GOAL),
    }])
}

/// Statements that this session has sent.
async fn questions(database: &mut MySqlConnection) -> Result<u64> {
    let sql = "SHOW SESSION STATUS LIKE 'Questions'";
    let (_, count) = sqlx::query_as::<_, (String, String)>(sql).fetch_one(database).await?;
    Ok(count.parse()?)
}

/// Plan, exact SQL and the checker's judgement, as each page and command makes them.
pub(crate) async fn planning(demo: &mut Demo, now: DateTime<Utc>) -> Result<Vec<Line>> {
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(demo.database()).await?;
    let capabilities = Capabilities::detect(&version)?;
    let (spec, inventory) = wide_history(now)?;
    let capabilities = spec.route.shards().map(|shard| (shard, &capabilities)).collect();
    let switches = Switches { create: true, drop: true, erase: true };
    let mut samples = Vec::new();
    let mut steps = 0;
    for _ in 0..SAMPLES {
        let planning = async {
            let mut plan = rotation::plan(&spec, &inventory, &switches, now)?;
            plan_sql::render(&mut plan, &spec, &inventory, &capabilities)?;
            checker::check(&plan, &spec, &inventory).map_err(|violations| anyhow!("{violations:?}"))?;
            Ok(plan)
        };
        let (took, plan) = timed(planning).await?;
        samples.push(took);
        steps = plan.active_steps().count();
    }
    let took = median(&mut samples);
    Ok(vec![Line {
        what: format!(
            "plan, SQL and check of {PLANNED_TABLES} tables × {PLANNED_MONTHS} months, {steps} steps to do (median)"
        ),
        ours: millis(took),
        beside: Beside::Nothing,
        ratio: "–".to_owned(),
        goal: format!("≤ {}", millis(PLANNING_GOAL)),
        met: Some(took <= PLANNING_GOAL),
    }])
}

fn wide_history(now: DateTime<Utc>) -> Result<(HistorySpec, Inventory)> {
    let spec: HistorySpec = serde_json::from_value(json!({
        "name": "wide", "source": "main", "schema": "wide", "table_pattern": "payments_{shard}",
        "route": { "kind": "modulo", "shards": PLANNED_TABLES },
        "policy": { "premake_months": 3, "retention_months": MONTHS_KEPT, "zone": "Europe/London" },
    }))?;
    let zone: Tz = spec.policy.zone.parse()?;
    let partitions: Vec<_> = (1..)
        .zip(months_until(now, PLANNED_MONTHS))
        .map(|(ordinal, (month, _))| {
            json!({
                "name": months::partition_name(month), "ordinal": ordinal, "rows_estimate": 500_000, "bytes": 100_000_000,
                "upper": { "kind": "before", "value": months::end(month, zone) },
            })
        })
        .collect();
    let state = json!({
        "kind": "partitioned", "partitions": partitions,
        "expression": { "kind": "range_columns_datetime", "column": "created_at" },
    });
    let shards: Vec<_> = spec
        .route
        .shards()
        .map(|shard| json!({ "shard": shard, "table": spec.table_of(shard), "state": state }))
        .collect();
    let inventory =
        serde_json::from_value(json!({ "history": spec.name, "shards": shards, "read_at": now, "holds": [] }))?;
    Ok((spec, inventory))
}
