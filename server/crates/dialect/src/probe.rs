//! Bounded looks at rows, for the doctor.
//!
//! Invariant: rows are limited in a derived table, so that no look reads more than its limit, and the conditions on them
//! are the caller's: the engine prunes partitions by a condition, and would never find the row that is in a wrong one.

use crate::{Ident, Statement, TableName};

/// Counts a partition's rows, up to a limit.
pub fn count_up_to(table: &TableName, partition: &Ident, limit: u64) -> Statement {
    Statement::new(format!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM {table} PARTITION ({partition}) LIMIT {limit}) AS looked"
    ))
}

/// Earliest and latest time (DATETIME(6), NULL without rows) of a whole table, or of a partition.
pub fn extent(table: &TableName, partition: Option<&Ident>, column: &Ident) -> Statement {
    let partition = partition.map(|partition| format!(" PARTITION ({partition})")).unwrap_or_default();
    Statement::new(format!(
        "SELECT CAST(MIN({column}) AS DATETIME(6)), CAST(MAX({column}) AS DATETIME(6)) FROM {table}{partition}"
    ))
}

/// Earliest and latest time of some rows of a partition.
pub fn some_times(table: &TableName, partition: &Ident, column: &Ident, limit: u64) -> Statement {
    Statement::new(format!(
        "SELECT CAST(MIN({column}) AS DATETIME(6)), CAST(MAX({column}) AS DATETIME(6)) \
         FROM (SELECT {column} FROM {table} PARTITION ({partition}) LIMIT {limit}) AS looked"
    ))
}

/// The users (as unsigned numbers) of some rows, from both ends of a key.
pub fn some_users(table: &TableName, user: &Ident, key: &[Ident], limit: u64) -> Statement {
    let rows = both_ends(table, user, key, limit);
    Statement::new(format!("SELECT DISTINCT CAST({user} AS UNSIGNED) FROM ({rows}) AS looked"))
}

/// The distinct words (as text) in a column of some rows, from both ends of a key.
pub fn some_words(table: &TableName, column: &Ident, key: &[Ident], limit: u64) -> Statement {
    let rows = both_ends(table, column, key, limit);
    Statement::new(format!("SELECT DISTINCT CAST({column} AS CHAR) FROM ({rows}) AS looked"))
}

fn both_ends(table: &TableName, column: &Ident, key: &[Ident], limit: u64) -> String {
    let end = |direction: &str| {
        let columns: Vec<_> = key.iter().map(|column| format!("{column} {direction}")).collect();
        let order = if columns.is_empty() { String::new() } else { format!(" ORDER BY {}", columns.join(", ")) };
        format!("(SELECT {column} FROM {table}{order} LIMIT {limit})")
    };
    [end("ASC"), end("DESC")].join(" UNION ALL ")
}

/// A table's own definition, as the second column.
pub fn definition(table: &TableName) -> Statement {
    Statement::new(format!("SHOW CREATE TABLE {table}"))
}
