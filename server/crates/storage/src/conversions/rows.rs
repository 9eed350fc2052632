//! The rows: where chunks end, and whether both tables have the same.

use crate::ddl;
use crate::error::{During, StorageError};
use payhist_dialect::conversion::{Copy, KeyValue, Stretch};
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{Column, Row};

/// The key of the table's last row.
pub async fn last_key(connection: &mut MySqlConnection, copy: &Copy) -> Result<Option<KeyValue>, StorageError> {
    ddl::fetch_all(connection, &copy.last_key()).await?.first().map(key_value).transpose()
}

/// The key at which the next chunk of a stretch ends; `None`: there are no more rows.
pub async fn chunk_end(
    connection: &mut MySqlConnection,
    copy: &Copy,
    stretch: Stretch<'_>,
) -> Result<Option<KeyValue>, StorageError> {
    ddl::fetch_all(connection, &copy.chunk_end(stretch)).await?.first().map(key_value).transpose()
}

fn key_value(row: &MySqlRow) -> Result<KeyValue, StorageError> {
    let texts = row.columns().iter().map(|column| row.try_get::<String, _>(column.ordinal()));
    texts.collect::<Result<_, _>>().during("conversion.key")
}

/// Compares a stretch of both tables at one moment; answers its rows.
///
/// # Errors
/// [`StorageError::Inconsistent`] when count or checksum differ, or a row is too long for a checksum.
pub async fn compare(connection: &mut MySqlConnection, copy: &Copy, stretch: Stretch<'_>) -> Result<u64, StorageError> {
    let rows = ddl::fetch_all(connection, &copy.compare(stretch)).await?;
    let row = rows.first().ok_or_else(|| StorageError::Inconsistent("a comparison has no answer".to_owned()))?;
    let number = |at: usize| row.try_get::<u64, _>(at).during("conversion.compare");
    let (old, new) = ((number(0)?, number(1)?, number(2)?), (number(3)?, number(4)?, number(5)?));
    let (from, to) = (stretch.after, stretch.to);
    if old.0 != old.1 {
        return Err(StorageError::Inconsistent(format!(
            "a row between the keys {from:?} and {to:?} is too long to compare"
        )));
    }
    if old != new {
        return Err(StorageError::Inconsistent(format!(
            "the copy differs between the keys {from:?} and {to:?}: {} rows with checksum {:x}, copied {} with {:x}",
            old.0, old.2, new.0, new.2
        )));
    }
    Ok(old.0)
}
