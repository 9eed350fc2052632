//! Tables that are refused although their partitions look like months: those to which the server adds partitions by itself,
//! as only their own definition tells, and those that keep the versions of their rows.
//!
//! Invariant: what such a definition says is read to refuse the table. A definition that cannot be read refuses it, too.

use crate::ddl;
use crate::error::{During, StorageError, from_ident};
use payhist_dialect::boundary::{INTERVAL_METHOD, adds_partitions_itself};
use payhist_dialect::{TableName, probe};
use payhist_types::inventory::{Boundary, PartitionExpression, TableState};
use sqlx::Row;
use sqlx::mysql::MySqlConnection;

/// Makes expression and edges of a table unknown if it has, or may have, an INTERVAL.
pub async fn refuse(connection: &mut MySqlConnection, schema: &str, table: &str, state: &mut TableState) {
    if !matches!(state, TableState::Partitioned { .. }) {
        return;
    }
    if !matches!(definition(connection, schema, table).await, Ok(definition) if !adds_partitions_itself(&definition)) {
        forget(state, INTERVAL_METHOD);
    }
}

/// Makes a known expression unknown, and all edges.
pub(crate) fn forget(state: &mut TableState, method: &str) {
    let TableState::Partitioned { expression, partitions, .. } = state else { return };
    let raw = format!("{method} (`{}`)", expression.column().unwrap_or_default());
    *expression = PartitionExpression::Unknown { raw };
    for partition in partitions {
        partition.upper = Boundary::Unknown(method.to_owned());
    }
}

async fn definition(connection: &mut MySqlConnection, schema: &str, table: &str) -> Result<String, StorageError> {
    let table = TableName::new(schema, table).map_err(from_ident)?;
    let rows = ddl::fetch_all(connection, &probe::definition(&table)).await?;
    let row = rows.first().ok_or_else(|| StorageError::Inconsistent(format!("{table} has no definition")))?;
    row.try_get(1).during("partitions.definition")
}
