//! Partitions as the catalogue has them: two queries for a whole history.

use crate::error::{During, StorageError, from_ident};
use crate::{ddl, dynamic};
use payhist_dialect::{Ident, TableName, boundary};
use payhist_types::plan::{Boundary, Partition, TableState};
use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use std::collections::HashMap;

/// Reads the state of the named tables of a schema. A table that is not there is not in the answer.
pub async fn read(
    connection: &mut MySqlConnection,
    schema: &str,
    tables: &[&str],
) -> Result<HashMap<String, TableState>, StorageError> {
    let types = column_types(connection, schema, tables).await?;
    let mut select = catalogue("PARTITIONS", schema, tables);
    select
        .columns(
            ["TABLE_NAME", "PARTITION_NAME", "PARTITION_METHOD", "PARTITION_EXPRESSION", "PARTITION_DESCRIPTION"]
                .map(Alias::new),
        )
        .expr_as(Expr::cust("CAST(COALESCE(PARTITION_ORDINAL_POSITION, 0) AS UNSIGNED)"), Alias::new("ordinal"))
        .expr_as(Expr::cust("CAST(COALESCE(TABLE_ROWS, 0) AS UNSIGNED)"), Alias::new("row_estimate"))
        .expr_as(
            Expr::cust("CAST(COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0) AS UNSIGNED)"),
            Alias::new("bytes"),
        )
        .order_by(Alias::new("TABLE_NAME"), Order::Asc)
        .order_by(Alias::new("PARTITION_ORDINAL_POSITION"), Order::Asc);
    let rows = dynamic::fetch_all(connection, "partitions.read", &select).await?;
    let mut found = HashMap::new();
    for row in &rows {
        let table: String = row.try_get("TABLE_NAME").during("partitions.read")?;
        let type_of = |column: &str| types.get(&(table.clone(), column.to_owned())).cloned();
        add(&mut found, row, &table, type_of).during("partitions.read")?;
    }
    Ok(found)
}

/// The state of one table.
pub async fn read_one(connection: &mut MySqlConnection, schema: &str, table: &str) -> Result<TableState, StorageError> {
    Ok(read(connection, schema, &[table]).await?.remove(table).unwrap_or(TableState::Missing))
}

/// Counts the rows of one partition, exactly.
pub async fn count_rows(
    connection: &mut MySqlConnection,
    schema: &str,
    table: &str,
    partition: &str,
) -> Result<u64, StorageError> {
    let table = TableName::new(schema, table).map_err(from_ident)?;
    let partition = Ident::new(partition).map_err(from_ident)?;
    ddl::fetch_count(connection, &payhist_dialect::ddl::count_rows(&table, &partition)).await
}

fn add(
    found: &mut HashMap<String, TableState>,
    row: &MySqlRow,
    table: &str,
    type_of: impl Fn(&str) -> Option<String>,
) -> Result<(), sqlx::Error> {
    let Some(name) = row.try_get::<Option<String>, _>("PARTITION_NAME")? else {
        found.insert(table.to_owned(), TableState::NotPartitioned);
        return Ok(());
    };
    let text = |column| row.try_get::<Option<String>, _>(column).map(Option::unwrap_or_default);
    let state = match found.entry(table.to_owned()) {
        std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
        std::collections::hash_map::Entry::Vacant(new) => {
            let expression =
                boundary::parse_expression(&text("PARTITION_METHOD")?, &text("PARTITION_EXPRESSION")?, type_of);
            new.insert(TableState::Partitioned { expression, partitions: Vec::new() })
        }
    };
    let TableState::Partitioned { expression, partitions } = state else { return Ok(()) };
    let description = row.try_get::<Option<String>, _>("PARTITION_DESCRIPTION")?;
    partitions.push(Partition {
        upper: description.map_or_else(|| Boundary::Unknown(String::new()), |text| boundary::parse(expression, &text)),
        name,
        ordinal: u32::try_from(row.try_get::<u64, _>("ordinal")?).unwrap_or(u32::MAX),
        rows_estimate: row.try_get("row_estimate")?,
        bytes: row.try_get("bytes")?,
    });
    Ok(())
}

/// Data types of the columns that a table may be partitioned by, by table and column.
async fn column_types(
    connection: &mut MySqlConnection,
    schema: &str,
    tables: &[&str],
) -> Result<HashMap<(String, String), String>, StorageError> {
    let mut select = catalogue("COLUMNS", schema, tables);
    select
        .columns(["TABLE_NAME", "COLUMN_NAME", "DATA_TYPE"].map(Alias::new))
        .and_where(Expr::col(Alias::new("DATA_TYPE")).is_in(["date", "datetime", "timestamp"]));
    let rows = dynamic::fetch_all(connection, "partitions.columns", &select).await?;
    rows.iter()
        .map(|row| {
            let text = |column| row.try_get::<String, _>(column).during("partitions.columns");
            Ok(((text("TABLE_NAME")?, text("COLUMN_NAME")?), text("DATA_TYPE")?))
        })
        .collect()
}

fn catalogue(view: &str, schema: &str, tables: &[&str]) -> SelectStatement {
    let mut select = Query::select();
    select
        .from((Alias::new("information_schema"), Alias::new(view)))
        .and_where(Expr::col(Alias::new("TABLE_SCHEMA")).eq(schema))
        .and_where(Expr::col(Alias::new("TABLE_NAME")).is_in(tables.iter().copied()));
    select
}
