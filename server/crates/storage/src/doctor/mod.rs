//! What the doctor knows of a history: a handful of catalogue queries, and bounded looks at rows.
//!
//! Invariant: a look that fails (no privilege, over its deadline) is told in [`Looks::failed`], never left out.

mod catalogue;
mod looks;

use crate::blockers;
use crate::error::{During, StorageError};
use crate::held::{self, Reach};
use chrono::{DateTime, Utc};
use payhist_plan::doctor::facts::{Facts, Grant, Key, Looks, Privileges, Server, Table};
use payhist_plan::doctor::sources::{LOWER_CASE_TABLE_NAMES, ROLLBACK_ON_TIMEOUT, SQL_MODE, VERSION};
use payhist_types::history::{HistorySpec, SHARD_PLACEHOLDER};
use payhist_types::inventory::Inventory;
use sqlx::mysql::MySqlConnection;
use std::collections::BTreeMap;

pub(crate) use looks::range;
pub use looks::{STATUS_ROWS_LOOKED, TIME_ROWS_LOOKED, USER_ROWS_LOOKED};

/// Reads everything of one source but the partitions, which the caller has read, and what is recorded of a conversion. `now` is payhist's time at the moment of the call.
pub async fn read(
    connection: &mut MySqlConnection,
    spec: &HistorySpec,
    source: &str,
    inventory: Inventory,
    now: DateTime<Utc>,
) -> Result<Facts, StorageError> {
    let server = server(connection, now).await?;
    let privileges = privileges(connection).await?;
    let tables = catalogue::tables(connection, &spec.schema, prefix(spec)).await?;
    let (source, looks) = (source.to_owned(), BTreeMap::new());
    let mut facts = Facts { source, inventory, tables, server, privileges, looks, conversion: None };
    for entry in facts.inventory.shards.iter().filter(|entry| spec.source.of(entry.shard) == facts.source) {
        let looks: Looks = looks::at(connection, spec, entry, facts.tables.get(&entry.table)).await;
        facts.looks.insert(entry.shard, looks);
    }
    Ok(facts)
}

/// The keys of every shard's table that is there, by table.
pub async fn keys(
    connection: &mut MySqlConnection,
    spec: &HistorySpec,
) -> Result<BTreeMap<String, Vec<Key>>, StorageError> {
    let mut tables = spec.route.shards().map(|shard| (spec.table_of(shard), Table::default())).collect();
    catalogue::keys(connection, &spec.schema, &catalogue::pattern(prefix(spec)), &mut tables).await?;
    Ok(tables.into_iter().map(|(name, table)| (name, table.keys)).collect())
}

/// The shape of the tables whose names begin so.
pub(crate) async fn shapes(
    connection: &mut MySqlConnection,
    schema: &str,
    prefix: &str,
) -> Result<BTreeMap<String, Table>, StorageError> {
    catalogue::tables(connection, schema, prefix).await
}

/// What the names of a history's tables begin with.
fn prefix(spec: &HistorySpec) -> &str {
    spec.table_pattern.split(SHARD_PLACEHOLDER).next().unwrap_or_default()
}

async fn server(connection: &mut MySqlConnection, now: DateTime<Utc>) -> Result<Server, StorageError> {
    let (clock, session_zone, global, system): (DateTime<Utc>, String, String, String) =
        sqlx::query_as("SELECT UTC_TIMESTAMP(6), @@session.time_zone, @@global.time_zone, @@system_time_zone")
            .fetch_one(&mut *connection)
            .await
            .during("doctor.server")?;
    let server_zone = if global.eq_ignore_ascii_case("SYSTEM") { system } else { global };
    // Of sessions that set none of their own, as an application's: payhist's have a mode that sqlx sets.
    let (version, mode, names, rollback): (String, String, String, String) = sqlx::query_as(
        "SELECT VERSION(), IF(@@global.sql_mode LIKE '%STRICT%', 'strict', 'not strict'), \
         CAST(@@lower_case_table_names AS CHAR), IF(@@innodb_rollback_on_timeout, 'ON', 'OFF')",
    )
    .fetch_one(&mut *connection)
    .await
    .during("doctor.settings")?;
    let settings =
        [(VERSION, version), (SQL_MODE, mode), (LOWER_CASE_TABLE_NAMES, names), (ROLLBACK_ON_TIMEOUT, rollback)];
    let logs_statements = held::logs_statements(connection, Reach::Global).await?;
    let clock_ahead_ms = (clock - now).num_milliseconds();
    Ok(Server { clock_ahead_ms, session_zone, server_zone, logs_statements, settings: settings.into() })
}

/// Privileges of the user by name. MySQL manual and MariaDB documentation, `USER_PRIVILEGES`.
async fn privileges(connection: &mut MySqlConnection) -> Result<Privileges, StorageError> {
    let (user, role): (String, Option<String>) = sqlx::query_as("SELECT CURRENT_USER(), CURRENT_ROLE()")
        .fetch_one(&mut *connection)
        .await
        .during("doctor.user")?;
    let (user, host) = user.rsplit_once('@').unwrap_or((&user, "%"));
    let (user, host) = (user.to_owned(), host.to_owned());
    let rows: Vec<(String, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT PRIVILEGE_TYPE, CAST(NULL AS CHAR), CAST(NULL AS CHAR) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ? \
         UNION ALL SELECT PRIVILEGE_TYPE, TABLE_SCHEMA, NULL FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = ? \
         UNION ALL SELECT PRIVILEGE_TYPE, TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE = ?",
    )
    .bind(format!("'{user}'@'{host}'"))
    .bind(format!("'{user}'@'{host}'"))
    .bind(format!("'{user}'@'{host}'"))
    .fetch_all(&mut *connection)
    .await
    .during("doctor.privileges")?;
    let sees_lock_holders = blockers::may_be_told(connection).await?;
    let grants = rows.into_iter().map(|(privilege, schema, table)| Grant { privilege, schema, table }).collect();
    let by_role = role.is_some_and(|role| role != "NONE");
    Ok(Privileges { user, host, by_role, grants, sees_lock_holders })
}
