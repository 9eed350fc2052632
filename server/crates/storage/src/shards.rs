//! The tables of payhist's own layout: one shard is one table, made from `migrations/history`.

use crate::ddl;
use crate::error::{During, StorageError, from_ident};
use chrono::{DateTime, Utc};
use payhist_dialect::ddl::{KEYS_PUT_OFF, Keys};
use payhist_dialect::{Capabilities, Ident, PartitionName, TableName};
use sqlx::mysql::MySqlConnection;

const TEMPLATE: &str = include_str!("../../../../migrations/history/payment_history_shard.sql");

/// Creates a schema unless it is there.
pub async fn create_schema(connection: &mut MySqlConnection, schema: &str) -> Result<(), StorageError> {
    let schema = Ident::new(schema).map_err(from_ident)?;
    ddl::execute(connection, &payhist_dialect::ddl::create_schema(&schema)).await.map(drop)
}

/// Creates a shard's table with the given partitions, oldest first; each with the instant at which its month ends.
pub async fn create(
    connection: &mut MySqlConnection,
    table: &TableName,
    partitions: &[(PartitionName, DateTime<Utc>)],
    keys: Keys,
) -> Result<(), StorageError> {
    ddl::execute(connection, &payhist_dialect::ddl::create_shard(TEMPLATE, table, partitions, keys)).await.map(drop)
}

/// Builds the secondary keys of a table where they were put off, by this process or by one that was killed.
pub async fn build_keys(
    connection: &mut MySqlConnection,
    table: &TableName,
    capabilities: &Capabilities,
) -> Result<(), StorageError> {
    if !are_keys_put_off(connection, table).await? {
        return Ok(());
    }
    for statement in payhist_dialect::ddl::build_keys(TEMPLATE, table, capabilities) {
        ddl::execute(connection, &statement).await?;
    }
    Ok(())
}

async fn are_keys_put_off(connection: &mut MySqlConnection, table: &TableName) -> Result<bool, StorageError> {
    let comment: Option<String> = sqlx::query_scalar(
        "SELECT CAST(TABLE_COMMENT AS CHAR) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
    )
    .bind(table.schema())
    .bind(table.table())
    .fetch_optional(connection)
    .await
    .during("table comment")?;
    Ok(comment.as_deref() == Some(KEYS_PUT_OFF))
}
