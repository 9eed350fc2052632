//! From batches to a table.

use super::{Batch, Value};
use crate::dynamic;
use crate::error::{StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, TimeDelta};
use payhist_dialect::TableName;
use payhist_types::archive::{Column, ColumnKind, decimal_text};
use sea_query::{Alias, Expr, Query};
use sqlx::mysql::MySqlConnection;

/// Rows of one INSERT: with a few dozen columns well below the 65,535 values of a statement.
const INSERT_ROWS_MAX: usize = 500;

/// Inserts a batch's rows; to be run in a transaction.
///
/// # Errors
/// [`StorageError::Inconsistent`] for a value that is none of its column's kind; nothing is guessed.
pub async fn insert(
    connection: &mut MySqlConnection,
    table: &TableName,
    columns: &[Column],
    batch: &Batch,
) -> Result<(), StorageError> {
    let (mut rows, mut row) = (batch.rows(), Vec::new());
    let mut left = batch.rows;
    while left > 0 {
        let mut insert = Query::insert();
        insert
            .into_table((Alias::new(table.schema()), Alias::new(table.table())))
            .columns(columns.iter().map(|column| Alias::new(&column.name)));
        let size = left.min(INSERT_ROWS_MAX);
        for _ in 0..size {
            rows.read(&mut row);
            let values = columns.iter().zip(&row).map(|(column, value)| bound(column, *value));
            insert
                .values(values.collect::<Result<Vec<_>, _>>()?)
                .map_err(|error| StorageError::Inconsistent(error.to_string()))?;
        }
        let inserted = dynamic::insert(connection, "archive.restore", &insert).await?;
        expect_rows(&inserted, size as u64, "archive.restore")?;
        left -= size;
    }
    Ok(())
}

fn bound(column: &Column, value: Value) -> Result<Expr, StorageError> {
    let wrong = || StorageError::Inconsistent(format!("the column {} has a value of another kind", column.name));
    Ok(match (column.kind, value) {
        (_, Value::Null) => Expr::value(Option::<String>::None),
        (ColumnKind::Unsigned, Value::Long(bits)) => Expr::value(bits.cast_unsigned()),
        (ColumnKind::Signed, Value::Long(long)) => Expr::value(long),
        (ColumnKind::Timestamp, Value::Long(micros)) => {
            Expr::value(DateTime::from_timestamp_micros(micros).ok_or_else(wrong)?.naive_utc())
        }
        (ColumnKind::Date, Value::Long(days)) => {
            let date = TimeDelta::try_days(days).and_then(|days| NaiveDate::default().checked_add_signed(days));
            Expr::value(date.ok_or_else(wrong)?)
        }
        // As text: the engine reads every digit, whatever the precision.
        (ColumnKind::Decimal { scale, .. }, Value::Decimal(unscaled)) => Expr::value(decimal_text(unscaled, scale)),
        (ColumnKind::Text, Value::Blob(text)) => Expr::value(std::str::from_utf8(text).map_err(|_| wrong())?),
        (ColumnKind::Binary, Value::Blob(bytes)) => Expr::value(bytes.to_vec()),
        _ => return Err(wrong()),
    })
}
