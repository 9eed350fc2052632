//! The shape of tables whose names begin alike: five queries for a whole history.

use crate::error::{During, StorageError};
use payhist_plan::doctor::facts::{Column, ForeignKey, Key, Table};
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use std::collections::BTreeMap;

/// Names that begin so, for LIKE with `|` as its escape.
pub(super) fn pattern(prefix: &str) -> String {
    format!("{}%", prefix.replace('|', "||").replace('%', "|%").replace('_', "|_"))
}

pub(super) async fn tables(
    connection: &mut MySqlConnection,
    schema: &str,
    prefix: &str,
) -> Result<BTreeMap<String, Table>, StorageError> {
    let pattern = pattern(prefix);
    let rows = fetch(
        connection,
        "SELECT TABLE_NAME, ENGINE, TABLE_COLLATION, CREATE_OPTIONS, \
         CAST(COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0) AS UNSIGNED) AS bytes FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE ? ESCAPE '|' AND TABLE_TYPE = 'BASE TABLE'",
        schema,
        &pattern,
    )
    .await?;
    let mut tables = BTreeMap::new();
    for row in &rows {
        let options = text(row, "CREATE_OPTIONS")?;
        let table = Table {
            engine: text(row, "ENGINE")?,
            collation: text(row, "TABLE_COLLATION")?,
            partitioned: options.contains("partitioned"),
            bytes: row.try_get("bytes").during("doctor.catalogue")?,
            ..Table::default()
        };
        tables.insert(text(row, "TABLE_NAME")?, table);
    }
    columns(connection, schema, &pattern, &mut tables).await?;
    keys(connection, schema, &pattern, &mut tables).await?;
    foreign_keys(connection, schema, &pattern, &mut tables).await?;
    triggers(connection, schema, &pattern, &mut tables).await?;
    Ok(tables)
}

async fn columns(
    connection: &mut MySqlConnection,
    schema: &str,
    pattern: &str,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), StorageError> {
    let rows = fetch(
        connection,
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, COLLATION_NAME \
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE ? ESCAPE '|' \
         ORDER BY TABLE_NAME, ORDINAL_POSITION",
        schema,
        pattern,
    )
    .await?;
    for row in &rows {
        let Some(table) = tables.get_mut(&text(row, "TABLE_NAME")?) else { continue };
        table.columns.push(Column {
            name: text(row, "COLUMN_NAME")?,
            data_type: text(row, "DATA_TYPE")?,
            column_type: text(row, "COLUMN_TYPE")?,
            nullable: text(row, "IS_NULLABLE")? == "YES",
            default: row.try_get("COLUMN_DEFAULT").during("doctor.catalogue")?,
            extra: text(row, "EXTRA")?,
            collation: row.try_get("COLLATION_NAME").during("doctor.catalogue")?,
        });
    }
    Ok(())
}

pub(super) async fn keys(
    connection: &mut MySqlConnection,
    schema: &str,
    pattern: &str,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), StorageError> {
    let rows = fetch(
        connection,
        "SELECT TABLE_NAME, INDEX_NAME, CAST(NON_UNIQUE AS UNSIGNED) AS not_unique, COLUMN_NAME, \
         CAST(SUB_PART AS UNSIGNED) AS prefix FROM information_schema.STATISTICS \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE ? ESCAPE '|' ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        schema,
        pattern,
    )
    .await?;
    for row in &rows {
        let Some(table) = tables.get_mut(&text(row, "TABLE_NAME")?) else { continue };
        let name = text(row, "INDEX_NAME")?;
        let unique = row.try_get::<u64, _>("not_unique").during("doctor.catalogue")? == 0;
        let column = row.try_get("COLUMN_NAME").during("doctor.catalogue")?;
        let prefix = row.try_get("prefix").during("doctor.catalogue")?;
        match table.keys.last_mut().filter(|key| key.name == name) {
            Some(key) => key.columns.push((column, prefix)),
            None => table.keys.push(Key { name, unique, columns: vec![(column, prefix)] }),
        }
    }
    Ok(())
}

async fn foreign_keys(
    connection: &mut MySqlConnection,
    schema: &str,
    pattern: &str,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), StorageError> {
    let rows = fetch(
        connection,
        "SELECT CONSTRAINT_NAME, TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA = ? AND CONCAT(TABLE_NAME, ' ', REFERENCED_TABLE_NAME) LIKE CONCAT('%', ?) ESCAPE '|'",
        schema,
        pattern,
    )
    .await?;
    for row in &rows {
        let key = ForeignKey {
            name: text(row, "CONSTRAINT_NAME")?,
            table: text(row, "TABLE_NAME")?,
            referenced: text(row, "REFERENCED_TABLE_NAME")?,
        };
        for (name, table) in &mut *tables {
            if *name == key.table || *name == key.referenced {
                table.foreign_keys.push(key.clone());
            }
        }
    }
    Ok(())
}

async fn triggers(
    connection: &mut MySqlConnection,
    schema: &str,
    pattern: &str,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), StorageError> {
    let rows = fetch(
        connection,
        "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS \
         WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE LIKE ? ESCAPE '|' ORDER BY TRIGGER_NAME",
        schema,
        pattern,
    )
    .await?;
    for row in &rows {
        let Some(table) = tables.get_mut(&text(row, "EVENT_OBJECT_TABLE")?) else { continue };
        table.triggers.push(text(row, "TRIGGER_NAME")?);
    }
    Ok(())
}

async fn fetch(
    connection: &mut MySqlConnection,
    sql: &'static str,
    schema: &str,
    pattern: &str,
) -> Result<Vec<MySqlRow>, StorageError> {
    sqlx::query(sql).bind(schema).bind(pattern).fetch_all(connection).await.during("doctor.catalogue")
}

fn text(row: &MySqlRow, column: &str) -> Result<String, StorageError> {
    row.try_get::<Option<String>, _>(column).map(Option::unwrap_or_default).during("doctor.catalogue")
}
