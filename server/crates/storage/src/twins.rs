//! Quarantine's twin tables: telling them from what the catalogue says, and counting what a plan must know.
//!
//! Invariant: a table is taken for a month's quarantine only when its comment and its name agree on the partition.

use crate::error::{During, StorageError, from_ident};
use crate::{ddl, partitions};
use chrono::{DateTime, Utc};
use payhist_dialect::quarantine::{Counted, Marker, Pair, count_some};
use payhist_dialect::{Ident, TableName};
use payhist_plan::twins::name as name_of;
use payhist_types::inventory::{Column, TableState, Twin, TwinState};
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use std::collections::HashMap;

/// What `LIKE` finds all names of twins by; `payhist_plan::twins` makes them.
pub(crate) const NAMES_LIKE: &str = "%\\_q__________";

/// A table whose name could be a twin's.
#[derive(Debug, Default)]
pub(crate) struct Candidate {
    pub(crate) partitioned: bool,
    pub(crate) rows_estimate: u64,
    pub(crate) bytes: u64,
}

/// Gives a candidate to the table that it belongs to, if it belongs to any.
pub(crate) fn adopt(
    found: &mut HashMap<String, TableState>,
    name: &str,
    candidate: &Candidate,
    comment: &str,
    same_columns: impl Fn(&str) -> bool,
) {
    let told =
        found.iter().find_map(|(table, state)| Some((table.clone(), told(table, state, name, candidate, comment)?)));
    // A name that only begins like a table's: whatever it was, people should know of it.
    let resembles = |table: &&String| Marker::is_none(comment) && name.starts_with(&format!("{table}_"));
    let told = told.or_else(|| Some((found.keys().find(resembles)?.clone(), (None, None, TwinState::Foreign))));
    let Some((table, (partition, before, state))) = told else { return };
    let Candidate { rows_estimate, bytes, .. } = *candidate;
    let same_columns = same_columns(&table);
    if let Some(TableState::Partitioned { twins, .. }) = found.get_mut(&table) {
        twins.push(Twin { name: name.to_owned(), partition, before, state, same_columns, rows_estimate, bytes });
    }
}

type Told = (Option<String>, Option<DateTime<Utc>>, TwinState);

/// What name and comment tell of a candidate, if they name that table.
fn told(table: &str, state: &TableState, name: &str, candidate: &Candidate, comment: &str) -> Option<Told> {
    let TableState::Partitioned { partitions, .. } = state else { return None };
    let marker = Marker::parse(comment, table).filter(|marker| name_of(table, &marker.partition) == name);
    if let Some(Marker { quarantined, partition, before }) = marker.filter(|_| !candidate.partitioned) {
        let state =
            if quarantined { TwinState::Quarantined { late_rows: None } } else { TwinState::Prepared { rows: None } };
        return Some((Some(partition), Some(before), state));
    }
    let partition = partitions.iter().find(|partition| name_of(table, &partition.name) == name)?;
    let is_begun = candidate.partitioned && Marker::is_none(comment);
    let state = if is_begun { TwinState::Unfinished { rows: None } } else { TwinState::Foreign };
    Some((Some(partition.name.clone()), None, state))
}

/// Counts the late rows of quarantined months and the rows of twins that should have none, in one bounded statement.
pub async fn count<'a>(
    connection: &mut MySqlConnection,
    schema: &str,
    tables: impl Iterator<Item = (&'a str, &'a mut TableState)>,
) -> Result<(), StorageError> {
    let (mut counted, mut places) = (Vec::new(), Vec::new());
    for (table, state) in tables {
        let TableState::Partitioned { partitions, twins, .. } = state else { continue };
        for twin in twins {
            let Some(partition) = partitions.iter().find(|partition| Some(&partition.name) == twin.partition.as_ref())
            else {
                continue;
            };
            let (table, partition) = match twin.state {
                TwinState::Quarantined { .. } => (table, Some(Ident::new(&partition.name).map_err(from_ident)?)),
                TwinState::Prepared { .. } | TwinState::Unfinished { .. } => (twin.name.as_str(), None),
                TwinState::Foreign => continue,
            };
            counted.push(Counted { table: TableName::new(schema, table).map_err(from_ident)?, partition });
            places.push(&mut twin.state);
        }
    }
    for (place, count) in counts(connection, &counted).await? {
        match places.get_mut(place) {
            Some(
                TwinState::Quarantined { late_rows: rows }
                | TwinState::Prepared { rows }
                | TwinState::Unfinished { rows },
            ) => {
                *rows = Some(count);
            }
            Some(TwinState::Foreign) | None => {}
        }
    }
    Ok(())
}

/// Counts several in one bounded statement: each one's place and its rows.
pub(crate) async fn counts(
    connection: &mut MySqlConnection,
    counted: &[Counted],
) -> Result<Vec<(usize, u64)>, StorageError> {
    if counted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::raw_sql(ddl::text(&count_some(counted))).fetch_all(connection).await.during("count some")?;
    let count = |row: &MySqlRow| {
        let (place, rows): (i64, i64) = (row.try_get(0).during("count some")?, row.try_get(1).during("count some")?);
        Ok((usize::try_from(place).unwrap_or(usize::MAX), rows.unsigned_abs()))
    };
    rows.iter().map(count).collect()
}

/// Counts a twin's rows, exactly.
pub async fn count_twin(connection: &mut MySqlConnection, pair: &Pair) -> Result<u64, StorageError> {
    ddl::fetch_count(connection, &pair.count_twin()).await
}

/// Counts the rows of the partition beside it, exactly.
pub async fn count_partition(connection: &mut MySqlConnection, pair: &Pair) -> Result<u64, StorageError> {
    ddl::fetch_count(connection, &pair.count_partition()).await
}

async fn copied_columns(connection: &mut MySqlConnection, pair: &Pair) -> Result<Vec<Column>, StorageError> {
    match partitions::read_one(connection, pair.table().schema(), pair.table().table()).await? {
        TableState::Partitioned { carving, .. } => Ok(carving.columns),
        _ => Err(StorageError::Inconsistent(format!("{} is not partitioned", pair.table()))),
    }
}

/// Moves the partition's rows to the twin; to be run in a transaction. Answers how many.
///
/// # Errors
/// [`StorageError::Server`] of class `Duplicate` when the twin has a late row's key already;
/// [`StorageError::Inconsistent`] when not exactly the copied rows were deleted, or columns came meanwhile: roll back.
pub async fn move_late_rows(connection: &mut MySqlConnection, pair: &Pair) -> Result<u64, StorageError> {
    let columns = copied_columns(connection, pair).await?;
    let copied = ddl::execute_counted(connection, &pair.copy_late_rows(&columns)).await?;
    // The copy keeps everybody from altering the table; a column that came before it has not been copied.
    if copied_columns(connection, pair).await? != columns {
        return Err(StorageError::Inconsistent(format!("the columns of {} have changed meanwhile", pair.table())));
    }
    let deleted = ddl::execute_counted(connection, &pair.delete_late_rows()).await?;
    if copied == deleted {
        Ok(copied)
    } else {
        Err(StorageError::Inconsistent(format!("{copied} late rows were copied, but {deleted} would be deleted")))
    }
}
