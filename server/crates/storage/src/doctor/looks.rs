//! Bounded looks at one shard's rows.

use crate::ddl;
use crate::error::{During, StorageError, from_ident};
use chrono::{DateTime, Utc};
use payhist_dialect::doctor::{counts_days, user_column};
use payhist_dialect::ident::IdentError;
use payhist_dialect::{Ident, Statement, TableName, probe};
use payhist_plan::doctor::facts::{Looks, MAXVALUE_ROWS_MAX, Table};
use payhist_plan::doctor::layout::{hint, time_column};
use payhist_types::UserId;
use payhist_types::history::{HistorySpec, Route};
use payhist_types::inventory::{Boundary, Partition, PartitionExpression, ShardInventory, TableState};
use sqlx::Row;
use sqlx::mysql::MySqlConnection;

/// Rows whose user is looked at, from either end of the primary key.
pub const USER_ROWS_LOOKED: u64 = 5_000;
/// Rows whose state is looked at, from either end of the primary key.
pub const STATUS_ROWS_LOOKED: u64 = 5_000;
/// Rows whose time is looked at, of the first and of the last partition.
pub const TIME_ROWS_LOOKED: u64 = 5_000;

/// Earliest and latest.
type Times = Option<(DateTime<Utc>, DateTime<Utc>)>;

pub(super) async fn at(
    connection: &mut MySqlConnection,
    spec: &HistorySpec,
    entry: &ShardInventory,
    table: Option<&Table>,
) -> Looks {
    let mut looks = Looks::default();
    let (Some(table), Ok(name)) = (table, TableName::new(&spec.schema, &entry.table)) else { return looks };
    if spec.route != Route::Single {
        match users(connection, user_column(spec), &name, table).await {
            Ok(users) => looks.users = Some(users),
            Err(why) => looks.failed.push(format!("whether all its users belong here: {why}")),
        }
    }
    if let Some(columns) = &spec.columns {
        match statuses(connection, &columns.status, &name, table).await {
            Ok(words) => looks.statuses = Some(words),
            Err(why) => looks.failed.push(format!("whether all its words for states are known: {why}")),
        }
    }
    if let Err(error) = times(connection, spec, &name, entry, table, &mut looks).await {
        looks.failed.push(format!("the times of its rows: {error}"));
    }
    looks
}

async fn users(
    connection: &mut MySqlConnection,
    user: &str,
    name: &TableName,
    table: &Table,
) -> Result<Vec<UserId>, String> {
    let column = table.column(user).ok_or_else(|| format!("it has no column {user}"))?;
    if !column.data_type.contains("int") {
        return Err(format!("{user} is no integer"));
    }
    let key = primary_key(table).map_err(|error| error.to_string())?;
    let user = Ident::new(&column.name).map_err(|error| error.to_string())?;
    let statement = probe::some_users(name, &user, &key, USER_ROWS_LOOKED);
    let rows = ddl::fetch_all(connection, &statement).await.map_err(|error| error.to_string())?;
    rows.iter().map(|row| row.try_get::<u64, _>(0).map(UserId).map_err(|error| error.to_string())).collect()
}

/// The columns of the primary key.
fn primary_key(table: &Table) -> Result<Vec<Ident>, IdentError> {
    let primary = table.keys.iter().find(|key| key.name == "PRIMARY").map(|key| key.columns.as_slice());
    primary.unwrap_or_default().iter().filter_map(|(column, _)| column.as_deref()).map(Ident::new).collect()
}

async fn statuses(
    connection: &mut MySqlConnection,
    status: &str,
    name: &TableName,
    table: &Table,
) -> Result<Vec<String>, String> {
    let column = table.column(status).ok_or_else(|| format!("it has no column {status}"))?;
    let status = Ident::new(&column.name).map_err(|error| error.to_string())?;
    let key = primary_key(table).map_err(|error| error.to_string())?;
    let statement = probe::some_words(name, &status, &key, STATUS_ROWS_LOOKED);
    let rows = ddl::fetch_all(connection, &statement).await.map_err(|error| error.to_string())?;
    let words = rows.iter().map(|row| row.try_get::<Option<String>, _>(0).map(Option::unwrap_or_default));
    words.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

async fn times(
    connection: &mut MySqlConnection,
    spec: &HistorySpec,
    name: &TableName,
    entry: &ShardInventory,
    table: &Table,
    looks: &mut Looks,
) -> Result<(), StorageError> {
    let (expression, partitions) = match &entry.state {
        TableState::Partitioned { expression, partitions, .. } => (Some(expression), partitions.as_slice()),
        TableState::NotPartitioned => (None, &[][..]),
        TableState::Missing | TableState::Unreadable { .. } | TableState::Misplaced { .. } => return Ok(()),
    };
    let hint = match expression {
        Some(PartitionExpression::Unknown { raw }) => raw.clone(),
        Some(known) => format!("`{}`", known.column().unwrap_or_default()),
        None => hint(spec),
    };
    let Some(column) = time_column(table, &hint) else { return Ok(()) };
    let column = Ident::new(&column.name).map_err(from_ident)?;
    if let Some(max) = partitions.iter().find(|partition| partition.upper == Boundary::MaxValue) {
        let partition = Ident::new(&max.name).map_err(from_ident)?;
        let count = probe::count_up_to(name, &partition, MAXVALUE_ROWS_MAX + 1);
        looks.max_value_rows = Some(ddl::fetch_count(connection, &count).await?);
        looks.extent = range(connection, &probe::extent(name, Some(&partition), &column)).await?;
    } else if expression.is_none_or(|known| known.column().is_none() || counts_days(known)) {
        looks.extent = range(connection, &probe::extent(name, None, &column)).await?;
    }
    let known = |partition: &&Partition| matches!(partition.upper, Boundary::Before(_));
    let ends = [partitions.iter().find(known), partitions.iter().rev().find(known)];
    for partition in ends.into_iter().flatten() {
        let ident = Ident::new(&partition.name).map_err(from_ident)?;
        let statement = probe::some_times(name, &ident, &column, TIME_ROWS_LOOKED);
        if let Some((earliest, latest)) = range(connection, &statement).await? {
            looks.times.push((partition.name.clone(), earliest, latest));
        }
    }
    looks.times.dedup();
    Ok(())
}

/// Earliest and latest, as [`probe::extent`] asks for them.
pub(crate) async fn range(connection: &mut MySqlConnection, statement: &Statement) -> Result<Times, StorageError> {
    let rows = ddl::fetch_all(connection, statement).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let earliest: Option<DateTime<Utc>> = row.try_get(0).during("doctor.times")?;
    let latest: Option<DateTime<Utc>> = row.try_get(1).during("doctor.times")?;
    Ok(earliest.zip(latest))
}
