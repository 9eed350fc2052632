//! Held rows on their source: whether their copies are there and equal, and which copies no hold keeps any more.

use crate::ddl;
use crate::error::{During, StorageError, from_ident};
use crate::partitions;
use chrono::{DateTime, Utc};
use payhist_dialect::error_class::ErrorClass;
use payhist_dialect::held::{Original, Shelf};
use payhist_dialect::{Capabilities, Statement};
use payhist_types::history::HistorySpec;
use payhist_types::holds::RowHold;
use payhist_types::inventory::{Carving, HeldState, HeldTable, ROWS_COUNTED_MAX, ShardInventory, TableState};
use payhist_types::{Month, ShardId};
use sqlx::mysql::MySqlConnection;
use std::time::Duration;

/// A month of a shard whose rows are about to be destroyed, and where they are.
#[derive(Debug, Clone)]
pub struct Doomed<'a> {
    /// The history.
    pub spec: &'a HistorySpec,
    /// The shard.
    pub shard: ShardId,
    /// Its table.
    pub table: &'a str,
    /// The month.
    pub month: Month,
    /// Its rows.
    pub original: Original,
    /// What the source can do.
    pub capabilities: &'a Capabilities,
    /// For how long its held rows may be compared with their copies while others wait.
    pub compared_for_max: Duration,
}

/// What comparing held rows with their copies came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Each has an equal copy.
    Equal,
    /// So many have not.
    Missing(u64),
    /// It took longer than it may.
    TookTooLong,
}

/// Locks the original rows and their copies, and compares the held ones with them. The lock stays until [`unlock`].
///
/// What takes too long, or has no equal copy anyway, is found out without the lock first where writers would wait for it.
///
/// # Errors
/// [`StorageError::Inconsistent`] when the tables are not what they should be: then nothing may be destroyed.
pub(crate) async fn lock_and_compare(
    connection: &mut MySqlConnection,
    doomed: &Doomed<'_>,
    holds: &[RowHold],
) -> Result<Compared, StorageError> {
    let before = carving(connection, doomed).await?;
    let Doomed { spec, table, original, capabilities, compared_for_max, .. } = doomed;
    let shelf = Shelf::new(spec, table, &before.columns, capabilities).map_err(from_ident)?;
    let with_copies = has_copies(&before);
    let count = if with_copies { shelf.count_missing(original, holds) } else { shelf.count_original(original, holds) };
    let count = capabilities.limit_select(&count, *compared_for_max);
    ddl::execute(connection, &Shelf::session()).await?;
    if matches!(original, Original::Partition(_)) {
        let compared = compare(connection, &count).await?;
        if compared != Compared::Equal {
            return Ok(compared);
        }
    }
    ddl::execute(connection, &shelf.lock(original, with_copies)).await?;
    // A column that came before the lock would not be compared.
    let locked = carving(connection, doomed).await?;
    if locked.columns != before.columns || has_copies(&locked) != with_copies {
        return Err(StorageError::Inconsistent(format!("{table}, or its held rows, have changed meanwhile")));
    }
    compare(connection, &count).await
}

async fn compare(connection: &mut MySqlConnection, count: &Statement) -> Result<Compared, StorageError> {
    match ddl::fetch_count(connection, count).await {
        Ok(0) => Ok(Compared::Equal),
        Ok(missing) => Ok(Compared::Missing(missing)),
        Err(error) if error.class() == Some(ErrorClass::StatementTimeout) => Ok(Compared::TookTooLong),
        Err(error) => Err(error),
    }
}

/// Ends the lock of [`lock_and_compare`], if there is one.
pub async fn unlock(connection: &mut MySqlConnection) -> Result<(), StorageError> {
    ddl::execute(connection, &Shelf::unlock()).await.map(drop)
}

async fn carving(connection: &mut MySqlConnection, doomed: &Doomed<'_>) -> Result<Carving, StorageError> {
    match partitions::read_one(connection, &doomed.spec.schema, doomed.table).await? {
        TableState::Partitioned { carving, .. } => Ok(carving),
        _ => Err(StorageError::Inconsistent(format!("{} is not partitioned", doomed.table))),
    }
}

fn has_copies(carving: &Carving) -> bool {
    carving.held.as_ref().is_some_and(|held| held.state == HeldState::Ready && held.same_columns)
}

/// Whose settings are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This session's.
    Session,
    /// Those of sessions to come.
    Global,
}

/// Does a session log its statements, and not the rows that they change? Of an INSERT … SELECT … LIMIT replicas may then
/// take other rows (MySQL manual 19.4.1.18, "Replication and LIMIT"). A server without `binlog_format` logs rows; a format
/// that is not known to is taken for one that does not.
pub async fn logs_statements(connection: &mut MySqlConnection, reach: Reach) -> Result<bool, StorageError> {
    let sql = match reach {
        Reach::Session => "SHOW SESSION VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format')",
        Reach::Global => "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format')",
    };
    let variables: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(connection).await.during("held.binlog")?;
    Ok(by_statement(&variables))
}

fn by_statement(variables: &[(String, String)]) -> bool {
    let of =
        |wanted: &str| variables.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    let is = |value: Option<&String>, one: &str| value.is_some_and(|value| value.eq_ignore_ascii_case(one));
    let format = of("binlog_format");
    !is(of("log_bin"), "OFF") && format.is_some() && !is(format, "ROW") && !is(format, "MIXED")
}

/// Counts the rows of the held-rows table, exactly.
pub async fn count(connection: &mut MySqlConnection, shelf: &Shelf) -> Result<u64, StorageError> {
    ddl::fetch_count(connection, &shelf.count()).await
}

/// Counts the original rows that the holds are on, exactly.
pub async fn count_original(
    connection: &mut MySqlConnection,
    shelf: &Shelf,
    original: &Original,
    holds: &[RowHold],
) -> Result<u64, StorageError> {
    ddl::fetch_count(connection, &shelf.count_original(original, holds)).await
}

/// Counts the original rows that the holds are on and that have no equal copy, exactly.
pub async fn count_missing(
    connection: &mut MySqlConnection,
    shelf: &Shelf,
    original: &Original,
    holds: &[RowHold],
) -> Result<u64, StorageError> {
    ddl::fetch_count(connection, &shelf.count_missing(original, holds)).await
}

/// Counts those of them that have a copy all the same, one that differs, exactly.
pub async fn count_changed(
    connection: &mut MySqlConnection,
    shelf: &Shelf,
    original: &Original,
    holds: &[RowHold],
) -> Result<u64, StorageError> {
    ddl::fetch_count(connection, &shelf.count_changed(original, holds)).await
}

/// Counts, up to [`ROWS_COUNTED_MAX`] for each shard, the copies from before that edge that no hold keeps. `keeps` answers the holds on a shard's rows.
pub async fn count_released<'a>(
    connection: &mut MySqlConnection,
    spec: &HistorySpec,
    shards: impl Iterator<Item = &'a mut ShardInventory>,
    before: DateTime<Utc>,
    capabilities: &Capabilities,
    keeps: impl Fn(ShardId) -> Vec<RowHold>,
) -> Result<(), StorageError> {
    for ShardInventory { shard, table, state, .. } in shards {
        let TableState::Partitioned { expression, carving, .. } = state else { continue };
        let Carving { columns, held: Some(HeldTable { state: HeldState::Ready, released_rows, .. }) } = carving else {
            continue;
        };
        let shelf = Shelf::new(spec, table, columns, capabilities).map_err(from_ident)?;
        // Such an edge cannot be written: nothing is deleted then.
        let Ok(count) = shelf.count_released(expression, before, &keeps(*shard), ROWS_COUNTED_MAX) else { continue };
        *released_rows = Some(ddl::fetch_count(connection, &count).await?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_that_is_not_known_to_log_rows_counts_as_statements() {
        let by = |variables: &[(&str, &str)]| {
            by_statement(
                &variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>(),
            )
        };
        assert!(by(&[("log_bin", "ON"), ("binlog_format", "STATEMENT")]));
        assert!(by(&[("log_bin", "ON"), ("binlog_format", "ANOTHER")]));
        assert!(by(&[("binlog_format", "STATEMENT")]), "nobody says that there is no log");
        assert!(!by(&[("log_bin", "OFF"), ("binlog_format", "STATEMENT")]));
        for format in ["ROW", "MIXED"] {
            assert!(!by(&[("log_bin", "ON"), ("binlog_format", format)]));
        }
        assert!(!by(&[("log_bin", "ON")]), "a server that knows rows alone");
    }
}
