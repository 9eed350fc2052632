//! Quarantine: the statements that take a partition's rows out into a twin table and back, and the comment by which a
//! twin is known.
//!
//! Invariants: a twin says in its comment what it was made for, so that neither a name nor a guess decides what may be
//! dropped; rows reach a prepared twin by the exchange alone, so that a prepared twin with rows was exchanged. What must
//! not race with a late row (the exchange back, the last drop) runs under LOCK TABLES.

use crate::held::quoted_names;
use crate::{Capabilities, DDL_LOCK_WAIT_SECS, Destructive, Ident, IdentError, Statement, TableName, ddl};
use chrono::{DateTime, SecondsFormat, Utc};
use payhist_types::EngineKind;
use payhist_types::inventory::{Column, ROWS_COUNTED_MAX};

/// What a twin's comment says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Has it the month already, or is it only ready for it?
    pub quarantined: bool,
    /// The partition that it belongs to.
    pub partition: String,
    /// That partition's upper edge.
    pub before: DateTime<Utc>,
}

const PREFIX: &str = "payhist quarantine (";

impl Marker {
    /// Is the comment none of ours, whatever table it is about?
    pub fn is_none(comment: &str) -> bool {
        !comment.starts_with(PREFIX)
    }

    /// Reads the comment of a table that may be a twin of `table`.
    pub fn parse(comment: &str, table: &str) -> Option<Self> {
        let (word, rest) = comment.strip_prefix(PREFIX)?.split_once("), before ")?;
        let quarantined = match word {
            "done" => true,
            "prepared" => false,
            _ => return None,
        };
        let (before, rest) = rest.split_once(", ")?;
        let partition = rest.strip_prefix(table)?.strip_prefix(": ")?.to_owned();
        Some(Self { quarantined, partition, before: before.parse().ok()? })
    }

    fn comment(&self, table: &TableName) -> String {
        let word = if self.quarantined { "done" } else { "prepared" };
        let before = self.before.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        format!("{PREFIX}{word}), before {before}, {}: {}", table.table(), self.partition)
    }
}

/// A partition and its twin.
#[derive(Debug, Clone)]
pub struct Pair {
    table: TableName,
    partition: Ident,
    twin: TableName,
    before: DateTime<Utc>,
    capabilities: Capabilities,
}

impl Pair {
    /// The partition of `table` that ends at `before`, and the twin of that name in the same schema.
    ///
    /// # Errors
    /// [`IdentError`] for a name that the engines do not take.
    pub fn new(
        table: TableName,
        partition: &str,
        twin: &str,
        before: DateTime<Utc>,
        capabilities: &Capabilities,
    ) -> Result<Self, IdentError> {
        let twin = TableName::new(table.schema(), twin)?;
        Ok(Self { partition: Ident::new(partition)?, table, twin, before, capabilities: capabilities.clone() })
    }

    /// The partitioned table.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// Shortens the session's lock wait, where statements do not carry their own.
    pub fn session(&self) -> Option<Statement> {
        ddl::session(&self.capabilities)
    }

    /// Creates the twin, still partitioned.
    pub fn create(&self) -> Statement {
        self.within(&format!("CREATE TABLE {} LIKE {}", self.twin, self.table))
    }

    /// Makes it fit for the exchange, and says so.
    pub fn prepare(&self) -> Statement {
        self.alter(&self.twin, &format!("COMMENT = {} REMOVE PARTITIONING", self.marker(false)))
    }

    /// Exchanges the rows of partition and twin; the engine checks that each row of the twin belongs into the partition.
    pub fn exchange(&self) -> Statement {
        self.alter(&self.table, &format!("EXCHANGE PARTITION {} WITH TABLE {}", self.partition, self.twin))
    }

    /// Says that the twin has the month.
    pub fn mark(&self) -> Statement {
        self.alter(&self.twin, &format!("COMMENT = {}", self.marker(true)))
    }

    /// Copies the partition's rows to the twin and locks them, so that the DELETE of the same transaction finds them all:
    /// as many rows deleted as copied are the same rows. By name: `*` leaves INVISIBLE columns out and takes computed ones.
    pub fn copy_late_rows(&self, columns: &[Column]) -> Statement {
        let Self { table, partition, twin, .. } = self;
        let names = quoted_names(columns);
        let select = format!("SELECT {names} FROM {table} PARTITION ({partition}) FOR UPDATE");
        Statement::new(format!("INSERT INTO {twin} ({names}) {select}"))
    }

    /// Deletes the partition's rows.
    pub fn delete_late_rows(&self) -> Statement {
        Statement::new(format!("DELETE FROM {} PARTITION ({})", self.table, self.partition))
    }

    /// Drops the twin with all its rows.
    pub fn drop_twin(&self) -> Destructive {
        Destructive::new(self.within(&format!("DROP TABLE {}", self.twin)))
    }

    /// Keeps everybody else from the table.
    pub fn lock_table(&self) -> Statement {
        self.lock(&format!("{} WRITE", self.table))
    }

    /// Keeps everybody else from table and twin.
    pub fn lock_both(&self) -> Statement {
        self.lock(&format!("{} WRITE, {} WRITE", self.table, self.twin))
    }

    /// Ends the lock.
    pub fn unlock(&self) -> Statement {
        ddl::unlock()
    }

    /// Drops the partition.
    pub fn drop_partition(&self) -> Destructive {
        ddl::drop_partition(&self.table, &self.partition, &self.capabilities)
    }

    /// Counts the partition's rows.
    pub fn count_partition(&self) -> Statement {
        ddl::count_rows(&self.table, &self.partition)
    }

    /// Counts the twin's rows.
    pub fn count_twin(&self) -> Statement {
        Statement::new(format!("SELECT COUNT(*) FROM {}", self.twin))
    }

    fn alter(&self, table: &TableName, change: &str) -> Statement {
        ddl::alter(table, change, &self.capabilities)
    }

    fn within(&self, sql: &str) -> Statement {
        within(sql, &self.capabilities)
    }

    fn lock(&self, tables: &str) -> Statement {
        ddl::lock(tables, &self.capabilities)
    }

    fn marker(&self, quarantined: bool) -> String {
        let partition = self.partition.as_str().to_owned();
        let comment = Marker { quarantined, partition, before: self.before }.comment(&self.table);
        format!("'{}'", comment.replace('\\', "\\\\").replace('\'', "''"))
    }
}

/// Bounds a statement that has no clause for its wait.
pub(crate) fn within(sql: &str, capabilities: &Capabilities) -> Statement {
    Statement::new(match capabilities.kind() {
        EngineKind::MariaDb => format!("SET STATEMENT lock_wait_timeout = {DDL_LOCK_WAIT_SECS} FOR {sql}"),
        EngineKind::MySql => sql.to_owned(),
    })
}

/// What is counted for a plan: the rows of a table or of one of its partitions.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The table.
    pub table: TableName,
    /// The partition; `None`: the whole table.
    pub partition: Option<Ident>,
}

/// Counts several at once, each up to [`ROWS_COUNTED_MAX`]: one row each, its place and its count.
pub fn count_some(counted: &[Counted]) -> Statement {
    let part = |(place, Counted { table, partition }): (usize, &Counted)| {
        let partition = partition.as_ref().map_or_else(String::new, |partition| format!(" PARTITION ({partition})"));
        format!("SELECT {place}, COUNT(*) FROM (SELECT 1 FROM {table}{partition} LIMIT {ROWS_COUNTED_MAX}) AS counted")
    };
    Statement::new(counted.iter().enumerate().map(part).collect::<Vec<_>>().join(" UNION ALL "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn pair(table: &str, partition: &str, capabilities: &Capabilities) -> String {
        let table = TableName::new("payments", table).unwrap();
        let counted =
            [Some(Ident::new(partition).unwrap()), None].map(|partition| Counted { table: table.clone(), partition });
        let before = Utc.with_ymd_and_hms(2025, 10, 31, 15, 0, 0).unwrap();
        let pair = Pair::new(table, partition, "twin", before, capabilities).unwrap();
        let statements = [
            pair.create(),
            pair.prepare(),
            pair.exchange(),
            pair.mark(),
            pair.copy_late_rows(&[Column { name: "payment_id".to_owned(), is_text: false, key: Some(1) }]),
            pair.delete_late_rows(),
            pair.drop_twin().statement().clone(),
            pair.lock_table(),
            pair.count_partition(),
            pair.drop_partition().statement().clone(),
            pair.unlock(),
            pair.lock_both(),
            pair.count_twin(),
            count_some(&counted),
        ];
        pair.session().iter().chain(&statements).map(ToString::to_string).collect::<Vec<_>>().join(";\n")
    }

    #[test]
    fn quarantine_on_mariadb() {
        let capabilities = Capabilities::detect("10.11.19-MariaDB").unwrap();
        insta::assert_snapshot!(pair("payment_history_shard_7", "p202510", &capabilities));
    }

    #[test]
    fn quarantine_on_mysql() {
        let capabilities = Capabilities::detect("9.7.4").unwrap();
        insta::assert_snapshot!(pair("payment_history_shard_7", "p202510", &capabilities));
    }

    #[test]
    fn a_marker_is_read_back_whatever_the_names() {
        let table = TableName::new("s", "it's, a: table").unwrap();
        let before = Utc.with_ymd_and_hms(2025, 10, 31, 15, 0, 0).unwrap();
        for quarantined in [true, false] {
            let marker = Marker { quarantined, partition: "p: 'x', \\".into(), before };
            assert_eq!(Marker::parse(&marker.comment(&table), table.table()), Some(marker.clone()));
            assert_eq!(Marker::parse(&marker.comment(&table), "another"), None);
        }
        for foreign in ["", "payments of 2025", "payhist quarantine (maybe), before 2025-10-31T15:00:00Z, t: p"] {
            assert_eq!(Marker::parse(foreign, "t"), None, "{foreign}");
        }
    }
}
