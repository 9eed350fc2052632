//! Second door of dynamic SQL: what sea-query built, with its values bound.

use crate::error::{During, StorageError};
use sea_query::MysqlQueryBuilder;
use sea_query_sqlx::SqlxBinder;
use sqlx::mysql::{MySqlConnection, MySqlQueryResult, MySqlRow};

/// Runs a built SELECT and collects its rows; `operation` names it in errors.
pub async fn fetch_all(
    connection: &mut MySqlConnection,
    operation: &'static str,
    select: &sea_query::SelectStatement,
) -> Result<Vec<MySqlRow>, StorageError> {
    let (sql, values) = select.build_sqlx(MysqlQueryBuilder);
    sqlx::query_with(sqlx::AssertSqlSafe(sql), values).fetch_all(connection).await.during(operation)
}

/// Runs a built INSERT.
pub async fn insert(
    connection: &mut MySqlConnection,
    operation: &'static str,
    insert: &sea_query::InsertStatement,
) -> Result<MySqlQueryResult, StorageError> {
    let (sql, values) = insert.build_sqlx(MysqlQueryBuilder);
    sqlx::query_with(sqlx::AssertSqlSafe(sql), values).execute(connection).await.during(operation)
}
