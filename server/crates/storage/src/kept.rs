//! Counting what legal holds on users or on orders keep of a shard.

use crate::ddl;
use crate::error::{During, StorageError};
use payhist_dialect::kept::{Kept, Place};
use payhist_types::holds::HeldRows;
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};

/// Held rows of one month in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Where they are.
    pub place: Place,
    /// How many of the starts of months are not after theirs.
    pub starts: usize,
    /// How many there are of each user or order that was asked for.
    pub rows: Vec<u64>,
}

/// Counts the rows of several users, or of several orders, in one statement. The connection's deadline bounds it.
pub async fn count(
    connection: &mut MySqlConnection,
    kept: &Kept<'_>,
    rows: &[HeldRows],
) -> Result<Vec<Counted>, StorageError> {
    let text = ddl::text(&kept.count(rows));
    let answer = sqlx::raw_sql(text).fetch_all(connection).await.during("count held rows")?;
    answer.iter().map(|row| read(row, rows.len())).collect()
}

fn read(row: &MySqlRow, width: usize) -> Result<Counted, StorageError> {
    let number = |column: usize| row.try_get::<i64, _>(column).during("count held rows");
    let place = number(0)?;
    let place = Place::of(place).ok_or_else(|| StorageError::Inconsistent(format!("{place} is no place of rows")))?;
    // A time that is none counts as before all starts.
    let starts = usize::try_from(number(1)?).unwrap_or(0);
    let rows = (2..2 + width).map(|column| Ok(number(column)?.unsigned_abs())).collect::<Result<_, StorageError>>()?;
    Ok(Counted { place, starts, rows })
}
