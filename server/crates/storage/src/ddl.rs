//! First door of dynamic SQL: statements that `payhist_dialect` rendered.

use crate::error::{During, StorageError};
use crate::permit::DropPermit;
use payhist_dialect::{Destructive, Statement};
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};

/// Runs one rendered statement as text (some DDL cannot be prepared, FACTS §2), and answers how many rows it touched.
///
/// # Errors
/// [`StorageError::Inconsistent`] for one that destroys rows: that is [`destroy`]'s.
pub async fn execute(connection: &mut MySqlConnection, statement: &Statement) -> Result<u64, StorageError> {
    if statement.destroys() {
        return Err(StorageError::Inconsistent(format!("{statement} needs a permit")));
    }
    execute_counted(connection, statement).await
}

/// Runs a statement that destroys rows, and answers how many where it is a DELETE.
pub async fn destroy(
    connection: &mut MySqlConnection,
    statement: &Destructive,
    _permit: &DropPermit<'_>,
) -> Result<u64, StorageError> {
    execute_counted(connection, statement.statement()).await
}

/// Runs one rendered statement and answers how many rows it touched.
pub(crate) async fn execute_counted(
    connection: &mut MySqlConnection,
    statement: &Statement,
) -> Result<u64, StorageError> {
    Ok(sqlx::raw_sql(text(statement)).execute(connection).await.during("ddl")?.rows_affected())
}

/// Runs a rendered `SELECT COUNT(*)`.
pub(crate) async fn fetch_count(connection: &mut MySqlConnection, statement: &Statement) -> Result<u64, StorageError> {
    let row = sqlx::raw_sql(text(statement)).fetch_one(connection).await.during("count")?;
    let count: i64 = row.try_get(0).during("count")?;
    Ok(count.unsigned_abs())
}

/// Runs a rendered SELECT and collects its rows.
pub(crate) async fn fetch_all(
    connection: &mut MySqlConnection,
    statement: &Statement,
) -> Result<Vec<MySqlRow>, StorageError> {
    sqlx::raw_sql(text(statement)).fetch_all(connection).await.during("look")
}

/// A statement of the dialect crate as sqlx wants it: its text was built from typed identifiers and literals alone.
pub(crate) fn text(statement: &Statement) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(statement.as_str().to_owned())
}
