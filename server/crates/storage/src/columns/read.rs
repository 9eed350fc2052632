//! From a table to batches.

use super::{BATCH_BYTES_MAX, BATCH_ROWS_MAX, Batch, Values};
use crate::ddl;
use crate::error::{During, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt;
use payhist_dialect::{Statement, TableName};
use payhist_types::archive::{Column, ColumnKind};
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use tokio::sync::mpsc;

/// Digits of Parquet's 128-bit decimals.
const DECIMAL_DIGITS_MAX: u8 = 38;

/// The columns of a table.
///
/// # Errors
/// [`StorageError::Inconsistent`] naming a column that an archive could not keep.
pub async fn of_table(connection: &mut MySqlConnection, table: &TableName) -> Result<Vec<Column>, StorageError> {
    let rows: Vec<ColumnRow> = sqlx::query_as(
        "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, EXTRA, \
         CAST(NUMERIC_PRECISION AS SIGNED), CAST(NUMERIC_SCALE AS SIGNED) FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION",
    )
    .bind(table.schema())
    .bind(table.table())
    .fetch_all(connection)
    .await
    .during("archive.columns")?;
    rows.into_iter().map(|row| column(table, row)).collect()
}

/// Name, data type, type in full, nullable, extra, precision, scale.
type ColumnRow = (String, String, String, String, String, Option<i64>, Option<i64>);

fn column(
    table: &TableName,
    (name, data_type, full_type, nullable, extra, precision, scale): ColumnRow,
) -> Result<Column, StorageError> {
    let kind = kind(&data_type.to_lowercase(), &full_type.to_lowercase(), precision, scale);
    match kind.filter(|_| !extra.to_uppercase().contains("INVISIBLE")) {
        Some(kind) => Ok(Column { name, kind, nullable: nullable == "YES" }),
        None => Err(StorageError::Inconsistent(format!(
            "the column {name} of {} ({full_type} {extra}) cannot be archived",
            table.table()
        ))),
    }
}

/// The comment of a table; `None`: there is no such table.
pub async fn comment_of(connection: &mut MySqlConnection, table: &TableName) -> Result<Option<String>, StorageError> {
    sqlx::query_scalar("SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?")
        .bind(table.schema())
        .bind(table.table())
        .fetch_optional(connection)
        .await
        .during("archive.comment")
}

fn kind(data_type: &str, full_type: &str, precision: Option<i64>, scale: Option<i64>) -> Option<ColumnKind> {
    Some(match data_type {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" if full_type.contains("unsigned") => {
            ColumnKind::Unsigned
        }
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => ColumnKind::Signed,
        "decimal" => {
            let (precision, scale) = (u8::try_from(precision?).ok()?, u8::try_from(scale?).ok()?);
            return (precision <= DECIMAL_DIGITS_MAX).then_some(ColumnKind::Decimal { precision, scale });
        }
        "datetime" | "timestamp" => ColumnKind::Timestamp,
        "date" => ColumnKind::Date,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" => ColumnKind::Text,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => ColumnKind::Binary,
        _ => return None,
    })
}

/// Runs a SELECT of all of a table's columns and sends its rows in batches: one statement, so one snapshot, and the
/// server sends no faster than they are taken. Ends quietly when nobody takes them any more.
///
/// # Errors
/// [`StorageError::Inconsistent`] when the answer's columns are not those, or a value is not of its column's kind.
pub async fn stream(
    connection: &mut MySqlConnection,
    select: &Statement,
    columns: &[Column],
    batches: mpsc::Sender<Batch>,
) -> Result<(), StorageError> {
    let mut rows = sqlx::query(ddl::text(select)).fetch(connection);
    let (mut batch, mut bytes, mut checked) = (Batch::new(columns), 0, false);
    while let Some(row) = rows.try_next().await.during("archive.read")? {
        if !checked {
            check(&row, columns)?;
            checked = true;
        }
        for (place, column) in columns.iter().enumerate() {
            bytes += push(&mut batch, &row, place, column.kind)
                .map_err(|how| StorageError::Inconsistent(format!("the column {}: {how}", column.name)))?;
        }
        batch.rows += 1;
        if batch.rows == BATCH_ROWS_MAX || bytes >= BATCH_BYTES_MAX {
            bytes = 0;
            if batches.send(std::mem::replace(&mut batch, Batch::new(columns))).await.is_err() {
                return Ok(());
            }
        }
    }
    if batch.rows > 0 {
        let _nobody_takes_it = batches.send(batch).await;
    }
    Ok(())
}

fn check(row: &MySqlRow, columns: &[Column]) -> Result<(), StorageError> {
    if row.columns().iter().map(sqlx::Column::name).eq(columns.iter().map(|column| column.name.as_str())) {
        return Ok(());
    }
    Err(StorageError::Inconsistent("the rows have other columns than the catalogue says".to_owned()))
}

/// Appends one value; answers the bytes that it takes, if it is of no fixed size.
fn push(batch: &mut Batch, row: &MySqlRow, place: usize, kind: ColumnKind) -> Result<usize, String> {
    let cells = &mut batch.cells[place];
    let said = |error: sqlx::Error| error.to_string();
    let raw: Option<&[u8]> = row.try_get_unchecked(place).map_err(said)?;
    cells.present.push(i16::from(raw.is_some()));
    let Some(raw) = raw else { return Ok(0) };
    match (&mut cells.values, kind) {
        (Values::Longs(longs), ColumnKind::Unsigned) => {
            longs.push(row.try_get::<u64, _>(place).map_err(said)?.cast_signed());
        }
        (Values::Longs(longs), ColumnKind::Signed) => longs.push(row.try_get(place).map_err(said)?),
        (Values::Longs(longs), ColumnKind::Timestamp) => {
            longs.push(row.try_get::<DateTime<Utc>, _>(place).map_err(said)?.timestamp_micros());
        }
        (Values::Longs(longs), ColumnKind::Date) => {
            let date: NaiveDate = row.try_get(place).map_err(said)?;
            longs.push(date.signed_duration_since(NaiveDate::default()).num_days());
        }
        (Values::Decimals(decimals), ColumnKind::Decimal { scale, .. }) => {
            decimals.push(decimal(raw, scale).ok_or("a decimal that cannot be read")?);
        }
        (Values::Blobs(blobs), ColumnKind::Text | ColumnKind::Binary) => {
            blobs.push(raw);
            return Ok(raw.len());
        }
        _ => return Err("a value of another kind".to_owned()),
    }
    Ok(0)
}

/// A decimal without its point; the engines send it as text with all digits of its scale.
fn decimal(text: &[u8], scale: u8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (mut value, mut after_point, mut point) = (0_i128, 0, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                after_point += u8::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    (after_point == scale && !digits.is_empty()).then_some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_read_exactly_or_not_at_all() {
        assert_eq!(decimal(b"12.3400", 4), Some(123_400));
        assert_eq!(decimal(b"-0.0001", 4), Some(-1));
        assert_eq!(decimal(b"17", 0), Some(17));
        for wrong in [b"12.34".as_slice(), b"", b"-", b"1.2.34", b"1e4", b"12.34000"] {
            assert_eq!(decimal(wrong, 4), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_column_of_an_unknown_type_is_never_archived_by_guess() {
        for unknown in ["float", "double", "json", "time", "year", "bit", "set", "geometry", "inet6", "uuid"] {
            assert_eq!(kind(unknown, unknown, None, None), None, "{unknown}");
        }
        assert_eq!(kind("decimal", "decimal(65,30)", Some(65), Some(30)), None);
        assert_eq!(kind("bigint", "bigint(20) unsigned", Some(20), Some(0)), Some(ColumnKind::Unsigned));
    }
}
