//! A month of half a million payments in a table of its own, to be dropped, quarantined or archived.

use crate::demo::Demo;
use crate::planning::months_until;
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use payhist_dialect::ddl::Keys;
use payhist_dialect::{PartitionName, TableName};
use payhist_storage::shards;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;
use std::fmt::Write as _;

pub(crate) const SCHEMA: &str = "bench_month";
/// Where the rows are made, once.
const MODEL: &str = "model";
pub(crate) const MONTH_ROWS: u64 = 500_000;
const ROWS_PER_USER: u64 = 100;
/// The month that leaves, the two that are kept, the present one.
const MONTHS: i32 = 4;

/// Months with the instants at which they end, oldest first: the first one has the rows, and leaves.
pub(crate) type Layout = [(PartitionName, DateTime<Utc>)];

/// Makes the rows, unless they are there.
pub(crate) async fn prepare(
    database: &mut MySqlConnection,
    now: DateTime<Utc>,
) -> Result<Vec<(PartitionName, DateTime<Utc>)>> {
    let layout: Vec<_> = months_until(now, MONTHS).map(|(month, end)| (PartitionName::for_month(month), end)).collect();
    let sql = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = ?";
    let there: i64 = sqlx::query_scalar(sql).bind(SCHEMA).bind(MODEL).fetch_one(&mut *database).await?;
    if there == 0 {
        eprintln!("bench: a month of {MONTH_ROWS} rows …");
        shards::create_schema(database, SCHEMA).await?;
        create(database, MODEL, &layout).await?;
        fill_model(database, layout[0].1).await?;
    }
    Ok(layout)
}

async fn create(database: &mut MySqlConnection, table: &str, layout: &Layout) -> Result<()> {
    Ok(shards::create(database, &TableName::new(SCHEMA, table)?, layout, Keys::Now).await?)
}

/// A new table of the same month and rows, and none of its pages waiting to be written.
pub(crate) async fn copy(database: &mut MySqlConnection, table: &str, layout: &Layout) -> Result<()> {
    execute(database, &format!("DROP TABLE IF EXISTS {SCHEMA}.{table}")).await?;
    create(database, table, layout).await?;
    execute(database, &format!("INSERT INTO {SCHEMA}.{table} SELECT * FROM {SCHEMA}.{MODEL}")).await?;
    execute(database, &format!("FLUSH TABLES {SCHEMA}.{table} FOR EXPORT")).await?;
    execute(database, "UNLOCK TABLES").await
}

/// Payments of the month that ends at `end`, the newest of them a second before it.
async fn fill_model(database: &mut MySqlConnection, end: DateTime<Utc>) -> Result<()> {
    execute(database, &format!("CREATE TABLE {SCHEMA}.digit (n BIGINT PRIMARY KEY) AS SELECT 0 AS n")).await?;
    execute(database, &format!("INSERT INTO {SCHEMA}.digit VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9)")).await?;
    let numbers = format!(
        "SELECT 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 100000 * f.n AS seq FROM {SCHEMA}.digit a, \
         {SCHEMA}.digit b, {SCHEMA}.digit c, {SCHEMA}.digit d, {SCHEMA}.digit e, {SCHEMA}.digit f"
    );
    let created = format!("TIMESTAMP '{}' - INTERVAL seq SECOND", end.naive_utc());
    let sql = format!(
        "INSERT INTO {SCHEMA}.{MODEL} SELECT seq, seq DIV {ROWS_PER_USER}, CONCAT('order-', seq), 'acme', CONCAT('tx-', seq), \
         'card', 'PAID', seq / 100, 'EUR', 'A. Payer', 'payer@example.org', NULL, 1, {created}, {created} \
         FROM ({numbers}) AS numbers WHERE seq <= {MONTH_ROWS}"
    );
    execute(database, &sql).await
}

/// Adds the table to the demo's configuration as a history of its own, whose first month is past its retention.
pub(crate) fn adopt(demo: &Demo, table: &str, policy: &str) -> Result<()> {
    let path = demo.dir().join("payhist.toml");
    let mut config = std::fs::read_to_string(&path)?;
    write!(
        config,
        "\n[[history]]\nname = \"{table}\"\nsource = \"{}\"\nschema = \"{SCHEMA}\"\ntable_pattern = \"{table}\"\n\
         route = {{ kind = \"single\" }}\n[history.policy]\nzone = \"UTC\"\nretention_months = {}\n{policy}",
        source(&config)?,
        MONTHS - 2,
    )?;
    Ok(std::fs::write(&path, config)?)
}

/// The name of the demo's source.
fn source(config: &str) -> Result<String> {
    let config: toml::Table = toml::from_str(config)?;
    let sources = config.get("source").and_then(toml::Value::as_array);
    let name = sources.and_then(|all| all.first()?.get("name")?.as_str());
    Ok(name.context("the configuration names no source")?.to_owned())
}

pub(crate) async fn execute(database: &mut MySqlConnection, sql: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(database).await?;
    Ok(())
}
