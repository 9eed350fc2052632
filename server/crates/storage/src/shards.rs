//! The tables of payhist's own layout: one shard is one table, made from `migrations/history`.

use crate::ddl;
use crate::error::{StorageError, from_ident};
use chrono::{DateTime, Utc};
use payhist_dialect::{Ident, PartitionName, TableName};
use sqlx::mysql::MySqlConnection;

const TEMPLATE: &str = include_str!("../../../../migrations/history/payment_history_shard.sql");

/// Creates a schema unless it is there.
pub async fn create_schema(connection: &mut MySqlConnection, schema: &str) -> Result<(), StorageError> {
    let schema = Ident::new(schema).map_err(from_ident)?;
    ddl::execute(connection, &payhist_dialect::ddl::create_schema(&schema)).await
}

/// Creates a shard's table with the given partitions, oldest first; each with the instant at which its month ends.
pub async fn create(
    connection: &mut MySqlConnection,
    schema: &str,
    table: &str,
    partitions: &[(PartitionName, DateTime<Utc>)],
) -> Result<(), StorageError> {
    let table = TableName::new(schema, table).map_err(from_ident)?;
    ddl::execute(connection, &payhist_dialect::ddl::create_shard(TEMPLATE, &table, partitions)).await
}
