//! Held rows: the statements that copy what legal holds keep out of an expiring month, compare copy and original, and
//! delete what no hold keeps any more.
//!
//! Invariants: copy and original are equal when every column is, text byte by byte; a row that cannot be compared counts
//! as missing; a copy is never overwritten. No statement has an alias, since under LOCK TABLES each would need a lock of its own.

mod copies;
mod release;
#[cfg(test)]
mod tests;

pub(crate) use copies::equal;

use crate::quarantine::within;
use crate::{Capabilities, Ident, IdentError, Statement, TableName, ddl};
use payhist_types::columns::Columns;
use payhist_types::history::HistorySpec;
use payhist_types::holds::{HeldRows, RowHold};
use payhist_types::inventory::Column;

/// The most rows that one statement copies: it locks them, and those that it looks at to find them.
pub const COPIED_AT_ONCE_MAX: u64 = 1_000;

/// The most rows that one statement deletes.
pub const DELETED_AT_ONCE_MAX: u64 = 1_000;

const PREFIX: &str = "payhist held rows of ";

/// Does a table's comment say that it has the held rows of `table`?
pub fn is_marked(comment: &str, table: &str) -> bool {
    comment.strip_prefix(PREFIX) == Some(table)
}

/// Is the comment none of ours, whatever table it is about?
pub fn is_unmarked(comment: &str) -> bool {
    !comment.starts_with(PREFIX)
}

/// A table and the one beside it that has its held rows.
#[derive(Debug, Clone)]
pub struct Shelf {
    table: TableName,
    held: TableName,
    columns: Vec<Column>,
    user: Ident,
    order: Ident,
    capabilities: Capabilities,
}

/// Where a month's rows are, before they go.
#[derive(Debug, Clone)]
pub enum Original {
    /// In a partition of the table.
    Partition(Ident),
    /// In a twin table.
    Twin(TableName),
}

impl Original {
    /// The twin, where there is one, or the partition.
    ///
    /// # Errors
    /// [`IdentError`] for a name that the engines do not take.
    pub fn new(schema: &str, partition: &str, twin: Option<&str>) -> Result<Self, IdentError> {
        match twin {
            Some(twin) => Ok(Self::Twin(TableName::new(schema, twin)?)),
            None => Ok(Self::Partition(Ident::new(partition)?)),
        }
    }
}

impl Shelf {
    /// `columns`: those of the table that are copied, as the catalogue has them.
    ///
    /// # Errors
    /// [`IdentError`] for a name that the engines do not take.
    pub fn new(
        spec: &HistorySpec,
        table: &str,
        columns: &[Column],
        capabilities: &Capabilities,
    ) -> Result<Self, IdentError> {
        let own = Columns::own();
        let names = spec.columns.as_deref().unwrap_or(&own);
        for column in columns {
            Ident::new(&column.name)?;
        }
        Ok(Self {
            table: TableName::new(&spec.schema, table)?,
            held: TableName::new(&spec.schema, &payhist_plan::held::name(table))?,
            columns: columns.to_vec(),
            user: Ident::new(&names.user_id)?,
            order: Ident::new(&names.order_id)?,
            capabilities: capabilities.clone(),
        })
    }

    /// Settings of the session that all statements below need.
    pub fn session() -> Statement {
        Statement::new(ddl::session_to_copy())
    }

    /// Creates the held-rows table, still partitioned.
    pub fn create(&self) -> Statement {
        within(&format!("CREATE TABLE {} LIKE {}", self.held, self.table), &self.capabilities)
    }

    /// Makes it fit for rows, and says whose.
    pub fn prepare(&self) -> Statement {
        let comment = quoted(&format!("{PREFIX}{}", self.table.table()));
        ddl::alter(&self.held, &format!("COMMENT = {comment} REMOVE PARTITIONING"), &self.capabilities)
    }

    /// Counts the held-rows table's rows.
    pub fn count(&self) -> Statement {
        Statement::new(format!("SELECT COUNT(*) FROM {}", self.held))
    }

    /// Keeps everybody else from the original, and from writing to the copies where there are any.
    pub fn lock(&self, original: &Original, with_copies: bool) -> Statement {
        let table = match original {
            Original::Partition(_) => &self.table,
            Original::Twin(twin) => twin,
        };
        let held = if with_copies { format!(", {} READ", self.held) } else { String::new() };
        ddl::lock(&format!("{table} WRITE{held}"), &self.capabilities)
    }

    /// Ends the lock.
    pub fn unlock() -> Statement {
        ddl::unlock()
    }

    /// The rows that one hold at least is on.
    fn are_held(&self, holds: &[RowHold]) -> String {
        let (mut users, mut orders) = (Vec::new(), Vec::new());
        for hold in holds {
            match &hold.rows {
                rows @ HeldRows::User { .. } => users.push(literal(rows)),
                rows @ HeldRows::Order { .. } => orders.push(literal(rows)),
            }
        }
        let any = |column: &Ident, values: &[String]| match values {
            [] => None,
            values => Some(format!("{column} IN ({})", values.join(", "))),
        };
        let parts: Vec<_> = any(&self.user, &users).into_iter().chain(any(&self.order, &orders)).collect();
        if parts.is_empty() { "FALSE".to_owned() } else { format!("({})", parts.join(" OR ")) }
    }

    /// What to select from, and what its columns are called by.
    fn from(&self, original: &Original) -> (String, String) {
        match original {
            Original::Partition(partition) => {
                (format!("{} PARTITION ({partition})", self.table), quoted_name(self.table.table()))
            }
            Original::Twin(twin) => (twin.to_string(), quoted_name(twin.table())),
        }
    }
}

/// The user's or the order's id.
pub(crate) fn literal(rows: &HeldRows) -> String {
    match rows {
        HeldRows::User { user } => user.to_string(),
        HeldRows::Order { order } => quoted(order),
    }
}

pub(crate) fn quoted_names(columns: &[Column]) -> String {
    columns.iter().map(|column| quoted_name(&column.name)).collect::<Vec<_>>().join(", ")
}

/// A name that stands in the catalogue, or that [`Ident`] has taken already.
pub(crate) fn quoted_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Text as a literal that means the same whatever the session takes a backslash for.
fn quoted(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii_graphic() && c != '\'' && c != '\\' || c == ' ') {
        return format!("'{text}'");
    }
    format!("_utf8mb4 x'{}'", hex::encode(text))
}
