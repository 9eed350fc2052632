//! Second door of dynamic SQL: what sea-query built, with its values bound.

use crate::error::{During, StorageError};
use futures::stream::BoxStream;
use sea_query::MysqlQueryBuilder;
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::Arguments;
use sqlx::IntoArguments;
use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlQueryResult, MySqlRow};
use std::sync::Arc;

/// Runs a built SELECT and collects its rows; `operation` names it in errors.
pub async fn fetch_all(
    connection: &mut MySqlConnection,
    operation: &'static str,
    select: &sea_query::SelectStatement,
) -> Result<Vec<MySqlRow>, StorageError> {
    let (sql, values) = select.build_sqlx(MysqlQueryBuilder);
    let values = bound(operation, values)?;
    sqlx::query_with(sqlx::AssertSqlSafe(sql), values).fetch_all(connection).await.during(operation)
}

/// The values as arguments. The driver's binder leaves out, in silence, what cannot be sent, such as a time before Christ, and
/// sqlx 0.9.0 then waits for ever for the answer to a statement that it never sent: a slot of the pool would be lost.
fn bound(operation: &'static str, values: SqlxValues) -> Result<MySqlArguments, StorageError> {
    let wanted = values.0.0.len();
    let arguments = values.into_arguments();
    if arguments.len() == wanted {
        return Ok(arguments);
    }
    Err(StorageError::Inconsistent(format!("{operation}: a value is beyond what the database can be sent")))
}

/// EXPLAINs a built SELECT: the first row of what the engine answers.
pub(crate) async fn explain(
    connection: &mut MySqlConnection,
    explain: &str,
    select: &str,
) -> Result<MySqlRow, StorageError> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{explain}{select}"))).fetch_one(connection).await.during("explain")
}

/// Runs a built SELECT; its rows come as the server sends them, and it sends no faster than they are taken.
pub(crate) fn fetch<'c>(
    connection: &'c mut MySqlConnection,
    operation: &'static str,
    select: &sea_query::SelectStatement,
) -> Result<BoxStream<'c, Result<MySqlRow, sqlx::Error>>, StorageError> {
    let (sql, values) = select.build_sqlx(MysqlQueryBuilder);
    let values = bound(operation, values)?;
    Ok(sqlx::query_with(sqlx::AssertSqlSafe(sql), values).fetch(connection))
}

/// Runs a built INSERT.
pub async fn insert(
    connection: &mut MySqlConnection,
    operation: &'static str,
    insert: &sea_query::InsertStatement,
) -> Result<MySqlQueryResult, StorageError> {
    let (sql, values) = insert.build_sqlx(MysqlQueryBuilder);
    let values = bound(operation, values)?;
    sqlx::query_with(sqlx::AssertSqlSafe(sql), values).execute(connection).await.during(operation)
}

/// The text of a statement that sea-query built once, to be run many times with other values.
#[derive(Debug, Clone)]
pub(crate) struct Shape(Arc<str>);

impl Shape {
    /// The shape of a SELECT; the values it was built with are left out.
    pub(crate) fn of_select(select: &sea_query::SelectStatement) -> Self {
        Self(select.build(MysqlQueryBuilder).0.into())
    }

    /// The shape of an INSERT; the values it was built with are left out.
    pub(crate) fn of_insert(insert: &sea_query::InsertStatement) -> Self {
        Self(insert.build(MysqlQueryBuilder).0.into())
    }
}

/// Runs a shape with its values, in the order of its placeholders.
pub(crate) async fn execute_shape(
    connection: &mut MySqlConnection,
    operation: &'static str,
    shape: &Shape,
    values: MySqlArguments,
) -> Result<MySqlQueryResult, StorageError> {
    sqlx::query_with(sqlx::AssertSqlSafe(Arc::clone(&shape.0)), values).execute(connection).await.during(operation)
}

/// Runs the shape of a SELECT with its values and collects its rows.
pub(crate) async fn fetch_shape(
    connection: &mut MySqlConnection,
    operation: &'static str,
    shape: &Shape,
    values: MySqlArguments,
) -> Result<Vec<MySqlRow>, StorageError> {
    sqlx::query_with(sqlx::AssertSqlSafe(Arc::clone(&shape.0)), values).fetch_all(connection).await.during(operation)
}
