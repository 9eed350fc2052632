//! What the catalogue says of a table that is to be converted, and of what stands around it.

use crate::error::{During, StorageError, from_ident};
use crate::{ddl, doctor};
use payhist_dialect::conversion::Names;
use payhist_dialect::{Capabilities, Ident, probe};
use payhist_plan::conversion::Surroundings;
use payhist_plan::doctor::facts::Table;
use sqlx::Row;
use sqlx::mysql::MySqlConnection;
use std::collections::{BTreeMap, BTreeSet};

/// Table and shadow, and others whose names begin like them.
pub async fn shapes(connection: &mut MySqlConnection, names: &Names) -> Result<BTreeMap<String, Table>, StorageError> {
    doctor::shapes(connection, names.table.schema(), names.table.table()).await
}

/// Looks around a table. `time` is its partition column, if it is known. What cannot be seen is told as unknown.
pub async fn surroundings(
    connection: &mut MySqlConnection,
    names: &Names,
    time: Option<&str>,
    capabilities: &Capabilities,
) -> Result<Surroundings, StorageError> {
    let (schema, table) = (names.table.schema(), names.table.table());
    let mut around = Surroundings { triggers: triggers(connection, names).await?, ..Surroundings::default() };
    around.special_keys = sqlx::query_scalar(
        "SELECT DISTINCT CAST(INDEX_NAME AS CHAR) FROM information_schema.STATISTICS \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_TYPE IN ('FULLTEXT', 'SPATIAL')",
    )
    .bind(schema)
    .bind(table)
    .fetch_all(&mut *connection)
    .await
    .during("conversion.keys")?;
    for name in [&names.shadow, &names.kept] {
        if there(connection, name.schema(), name.table()).await?.is_some() {
            around.names_taken.push(name.table().to_owned());
        }
    }
    (around.rows_estimate, around.bytes) = sqlx::query_as(
        "SELECT CAST(COALESCE(TABLE_ROWS, 0) AS UNSIGNED), CAST(COALESCE(DATA_LENGTH + INDEX_LENGTH, 0) AS UNSIGNED) \
         FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
    )
    .bind(schema)
    .bind(table)
    .fetch_optional(&mut *connection)
    .await
    .during("conversion.size")?
    .unwrap_or_default();
    let foreign_keys = ddl::fetch_all(connection, &names.foreign_keys(capabilities)).await;
    match foreign_keys {
        Ok(rows) => {
            for row in rows {
                let end = |at| row.try_get::<String, _>(at).during("conversion.foreign_keys");
                around.foreign_keys.push(format!("from {} to {}", end(0)?, end(1)?));
            }
        }
        Err(error) => around.unknown.push(format!("foreign keys of other schemas (GRANT PROCESS ON *.*): {error}")),
    }
    around.triggers_forbidden = triggers_forbidden(connection).await?;
    if let Some(time) = time {
        let time = Ident::new(time).map_err(from_ident)?;
        match doctor::range(connection, &probe::extent(&names.table, None, &time)).await {
            Ok(extent) => around.extent = extent,
            Err(error) => around.unknown.push(format!("the times of its rows: {error}")),
        }
    }
    Ok(around)
}

/// Does the server refuse triggers of this user, as one with a binary log does (1419)?
async fn triggers_forbidden(connection: &mut MySqlConnection) -> Result<bool, StorageError> {
    let (logs, trusts): (bool, bool) = sqlx::query_as("SELECT @@log_bin = 1, @@log_bin_trust_function_creators = 1")
        .fetch_one(&mut *connection)
        .await
        .during("conversion.log")?;
    let supers: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'SUPER' \
         AND GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')",
    )
    .fetch_one(connection)
    .await
    .during("conversion.log")?;
    Ok(logs && !trusts && supers == 0)
}

/// The triggers on a table.
pub async fn triggers(connection: &mut MySqlConnection, names: &Names) -> Result<Vec<String>, StorageError> {
    sqlx::query_scalar(
        "SELECT CAST(TRIGGER_NAME AS CHAR) FROM information_schema.TRIGGERS \
         WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ? ORDER BY TRIGGER_NAME",
    )
    .bind(names.table.schema())
    .bind(names.table.table())
    .fetch_all(connection)
    .await
    .during("conversion.triggers")
}

/// Has a table partitions? `None`: there is no such table.
pub async fn there(connection: &mut MySqlConnection, schema: &str, table: &str) -> Result<Option<bool>, StorageError> {
    sqlx::query_scalar(
        "SELECT COALESCE(CREATE_OPTIONS, '') LIKE '%partitioned%' FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
    )
    .bind(schema)
    .bind(table)
    .fetch_optional(connection)
    .await
    .during("conversion.there")
}

/// The next automatic number of the table, if it gives any.
pub async fn next_number(connection: &mut MySqlConnection, names: &Names) -> Result<Option<u64>, StorageError> {
    let number: Option<Option<u64>> = sqlx::query_scalar(
        "SELECT CAST(AUTO_INCREMENT AS UNSIGNED) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
    )
    .bind(names.table.schema())
    .bind(names.table.table())
    .fetch_optional(connection)
    .await
    .during("conversion.number")?;
    Ok(number.flatten())
}

/// A transaction: its connection, and when it began.
pub type Transaction = (u64, String);

/// The transactions of others that are open now. Their snapshots may lack what is in the shadow. Needs PROCESS.
pub async fn old_transactions(connection: &mut MySqlConnection) -> Result<BTreeSet<Transaction>, StorageError> {
    let open: Vec<Transaction> = sqlx::query_as(
        "SELECT CAST(trx_mysql_thread_id AS UNSIGNED), CAST(trx_started AS CHAR) FROM information_schema.INNODB_TRX \
         WHERE trx_mysql_thread_id <> 0 AND trx_mysql_thread_id <> CONNECTION_ID()",
    )
    .fetch_all(connection)
    .await
    .during("conversion.transactions")?;
    Ok(open.into_iter().collect())
}
