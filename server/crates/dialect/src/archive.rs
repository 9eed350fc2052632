//! Archives: the statement that reads a table whole, and those of the table that an archive is restored to.
//!
//! Invariant: a table of a restored archive says in its comment of which archive it is and whether it is whole; only one
//! that says it is not is dropped.

use crate::ddl::{alter, session};
use crate::quarantine::within;
use crate::{Capabilities, IdentError, Statement, TableName};
use payhist_types::Month;

/// Reads a table whole, in one snapshot.
pub fn select(table: &TableName) -> Statement {
    Statement::new(format!("SELECT * FROM {table}"))
}

/// What a table says of itself that stands where an archive would be restored to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// An archive is being restored to it, or was when the process was killed.
    Restoring,
    /// It has that archive, whole.
    Restored(u64),
    /// payhist says nothing of it.
    Foreign,
}

impl Claim {
    /// Reads a table's comment.
    pub fn parse(comment: &str) -> Self {
        match comment.strip_prefix("payhist archive ").and_then(|rest| rest.split_once(": ")) {
            Some((id, "restoring")) if id.parse::<u64>().is_ok() => Self::Restoring,
            Some((id, "restored")) => id.parse().map_or(Self::Foreign, Self::Restored),
            _ => Self::Foreign,
        }
    }
}

/// The table that an archive is restored to.
#[derive(Debug, Clone)]
pub struct RestoredTable {
    /// The shard's table, whose columns and keys it gets.
    like: TableName,
    table: TableName,
    archive: u64,
    capabilities: Capabilities,
}

impl RestoredTable {
    /// `TABLE_restored_YYYYMM` in the schema of the shard's table.
    ///
    /// # Errors
    /// [`IdentError`] when that is longer than the engines take.
    pub fn new(like: TableName, month: Month, archive: u64, capabilities: &Capabilities) -> Result<Self, IdentError> {
        let name = format!("{}_restored_{}", like.table(), month.to_string().replace('-', ""));
        let table = TableName::new(like.schema(), &name)?;
        Ok(Self { like, table, archive, capabilities: capabilities.clone() })
    }

    /// It.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// Shortens the session's lock wait, where statements do not carry their own.
    pub fn session(&self) -> Option<Statement> {
        session(&self.capabilities)
    }

    /// Creates it, still partitioned.
    pub fn create(&self) -> Statement {
        within(&format!("CREATE TABLE {} LIKE {}", self.table, self.like), &self.capabilities)
    }

    /// Takes its partitions away, and says what it is for.
    pub fn prepare(&self) -> Statement {
        self.alter(&format!("COMMENT = 'payhist archive {}: restoring' REMOVE PARTITIONING", self.archive))
    }

    /// Says that it is whole.
    pub fn mark(&self) -> Statement {
        self.alter(&format!("COMMENT = 'payhist archive {}: restored'", self.archive))
    }

    /// Drops it.
    pub fn drop(&self) -> Statement {
        within(&format!("DROP TABLE {}", self.table), &self.capabilities)
    }

    fn alter(&self, change: &str) -> Statement {
        alter(&self.table, change, &self.capabilities)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_known_by_its_comment_alone() {
        let like = TableName::new("payments", "payment_history_shard_7").unwrap();
        for version in ["10.11.19-MariaDB", "9.7.4"] {
            let capabilities = Capabilities::detect(version).unwrap();
            let restored = RestoredTable::new(like.clone(), "2025-10".parse().unwrap(), 12, &capabilities).unwrap();
            assert_eq!(restored.table().table(), "payment_history_shard_7_restored_202510");
            let comment = |statement: Statement| statement.as_str().split('\'').nth(1).unwrap_or_default().to_owned();
            assert_eq!(Claim::parse(&comment(restored.prepare())), Claim::Restoring);
            assert_eq!(Claim::parse(&comment(restored.mark())), Claim::Restored(12));
        }
        for foreign in ["", "payhist archive", "payhist archive x: restoring", "payhist archive 1: maybe"] {
            assert_eq!(Claim::parse(foreign), Claim::Foreign, "{foreign}");
        }
    }
}
