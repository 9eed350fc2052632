//! When rows last changed, as the engine remembers it: `information_schema.PARTITIONS.UPDATE_TIME`.
//!
//! It is kept in memory alone, to the second, and forgotten at a restart or when the table leaves the dictionary's cache: so it
//! tells that rows have changed, never that they have not. MySQL sets it when a change commits; MariaDB (10.11, 11.8) when its
//! statement runs, so a transaction may bring in rows that are older than they look.

use crate::dynamic;
use crate::error::{During, StorageError};
use chrono::{DateTime, Utc};
use sea_query::{Alias, Expr, ExprTrait, Query};
use sqlx::Row;
use sqlx::mysql::MySqlConnection;
use std::collections::BTreeMap;

/// A table, and its partition if it has any.
pub type Touched = BTreeMap<(String, Option<String>), DateTime<Utc>>;

/// When each partition of the named tables was last changed, where the server remembers.
pub async fn touched(
    connection: &mut MySqlConnection,
    schema: &str,
    tables: &[String],
) -> Result<Touched, StorageError> {
    let column = |name: &str| Expr::col(Alias::new(name));
    let mut select = Query::select();
    select
        .columns(["TABLE_NAME", "PARTITION_NAME", "UPDATE_TIME"].map(Alias::new))
        .from((Alias::new("information_schema"), Alias::new("PARTITIONS")))
        .and_where(column("TABLE_SCHEMA").eq(schema))
        .and_where(column("TABLE_NAME").is_in(tables.iter().map(String::as_str)))
        .and_where(column("UPDATE_TIME").is_not_null());
    let rows = dynamic::fetch_all(connection, "summaries.touched", &select).await?;
    let read = |row: &sqlx::mysql::MySqlRow| {
        let place = (row.try_get("TABLE_NAME")?, row.try_get("PARTITION_NAME")?);
        Ok((place, row.try_get("UPDATE_TIME")?))
    };
    rows.iter().map(|row| read(row).during("summaries.touched")).collect()
}
