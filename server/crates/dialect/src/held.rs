//! Held rows: the statements that copy what legal holds keep out of an expiring month, compare copy and original, and
//! delete what no hold keeps any more.
//!
//! Invariants: copy and original are equal when every column is, text byte by byte; a row that cannot be compared counts
//! as missing. No statement has an alias, since under LOCK TABLES each would need a lock of its own.

use crate::boundary::{self, NotExpressible};
use crate::quarantine::within;
use crate::{Capabilities, Destructive, Ident, IdentError, Statement, TableName, ddl};
use chrono::{DateTime, Utc};
use payhist_types::columns::Columns;
use payhist_types::history::HistorySpec;
use payhist_types::holds::{HeldRows, RowHold};
use payhist_types::inventory::{Column, PartitionExpression};

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

    /// Shortens the session's lock wait, where statements do not carry their own.
    pub fn session(&self) -> Option<Statement> {
        ddl::session(&self.capabilities)
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

    /// Counts the original rows that the holds are on.
    pub fn count_original(&self, original: &Original, holds: &[RowHold]) -> Statement {
        let (from, _) = self.from(original);
        Statement::new(format!("SELECT COUNT(*) FROM {from} WHERE {}", self.are_held(holds)))
    }

    /// Copies the original rows that the holds are on and that have no equal copy yet. One with another row's key fails.
    pub fn copy(&self, original: &Original, holds: &[RowHold]) -> Statement {
        let (held, names) = (&self.held, quoted_names(&self.columns));
        Statement::new(format!("INSERT INTO {held} ({names}) SELECT {names} {}", self.without_copy(original, holds)))
    }

    /// Counts the original rows that the holds are on and that have no equal copy.
    pub fn count_missing(&self, original: &Original, holds: &[RowHold]) -> Statement {
        Statement::new(format!("SELECT COUNT(*) {}", self.without_copy(original, holds)))
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

    /// Counts copies up to a bound: those that none of the holds is on, from before that edge.
    ///
    /// # Errors
    /// [`NotExpressible`]: as when a partition had that edge.
    pub fn count_released(
        &self,
        expression: &PartitionExpression,
        before: DateTime<Utc>,
        keeps: &[RowHold],
        most: u64,
    ) -> Result<Statement, NotExpressible> {
        let released = self.released(expression, before, keeps)?;
        let held = &self.held;
        Ok(Statement::new(format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {held} WHERE {released} LIMIT {most}) AS counted"
        )))
    }

    /// Deletes [`DELETED_AT_ONCE_MAX`] such copies at most.
    ///
    /// # Errors
    /// [`NotExpressible`]: as when a partition had that edge.
    pub fn delete_released(
        &self,
        expression: &PartitionExpression,
        before: DateTime<Utc>,
        keeps: &[RowHold],
    ) -> Result<Destructive, NotExpressible> {
        let (held, released) = (&self.held, self.released(expression, before, keeps)?);
        let key = self.columns.iter().filter(|column| column.is_key).map(|column| quoted_name(&column.name));
        let key = key.collect::<Vec<_>>().join(", ");
        let order = if key.is_empty() { key } else { format!(" ORDER BY {key}") };
        let sql = format!("DELETE FROM {held} WHERE {released}{order} LIMIT {DELETED_AT_ONCE_MAX}");
        Ok(Destructive::new(Statement::new(sql)))
    }

    fn released(
        &self,
        expression: &PartitionExpression,
        before: DateTime<Utc>,
        keeps: &[RowHold],
    ) -> Result<String, NotExpressible> {
        let edge = boundary::literal(expression, before, &self.capabilities)?;
        let column = quoted_name(expression.column().unwrap_or_default());
        let place = match expression {
            PartitionExpression::UnixTimestamp { .. } => format!("UNIX_TIMESTAMP({column})"),
            PartitionExpression::ToDays { .. } => format!("TO_DAYS({column})"),
            PartitionExpression::YearMonth { .. } => format!("YEAR({column}) * 100 + MONTH({column})"),
            _ => column,
        };
        // A row without an order has none that is held: it must not stay for being neither held nor not held.
        Ok(format!("{place} < {edge} AND {} IS NOT TRUE", self.are_held(keeps)))
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

    fn without_copy(&self, original: &Original, holds: &[RowHold]) -> String {
        let (from, name) = self.from(original);
        let copy = quoted_name(self.held.table());
        let equal = self.columns.iter().map(|column| equal(column, &name, &copy)).collect::<Vec<_>>().join(" AND ");
        let (held, are_held) = (&self.held, self.are_held(holds));
        format!("FROM {from} WHERE {are_held} AND NOT EXISTS (SELECT 1 FROM {held} WHERE {equal})")
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

/// Text that the engine calls equal may differ in case, accents or trailing spaces.
pub(crate) fn equal(column: &Column, original: &str, copy: &str) -> String {
    let name = quoted_name(&column.name);
    let plain = format!("{original}.{name} <=> {copy}.{name}");
    match (column.is_text, column.is_key) {
        (false, _) => plain,
        (true, false) => as_bytes(&name, original, copy),
        // The plain comparison is what the key serves.
        (true, true) => format!("{plain} AND {}", as_bytes(&name, original, copy)),
    }
}

fn as_bytes(name: &str, original: &str, copy: &str) -> String {
    format!("CAST({original}.{name} AS BINARY) <=> CAST({copy}.{name} AS BINARY)")
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

#[cfg(test)]
mod tests {
    use super::*;
    use payhist_types::UserId;
    use payhist_types::history::{Policy, Route};

    fn shelf(version: &str) -> Shelf {
        let spec = HistorySpec {
            name: "payments".parse().unwrap(),
            source: "main".into(),
            schema: "pay".into(),
            table_pattern: "t_{shard}".into(),
            route: Route::Modulo { shards: 2 },
            columns: None,
            policy: Policy::default(),
        };
        let column = |name: &str, is_text, is_key| Column { name: name.into(), is_text, is_key };
        let columns = [
            column("payment_id", false, true),
            column("code", true, true),
            column("amount", false, false),
            column("payer`name", true, false),
        ];
        Shelf::new(&spec, "t_1", &columns, &Capabilities::detect(version).unwrap()).unwrap()
    }

    fn rendered(version: &str) -> String {
        let shelf = shelf(version);
        let order = |order: &str| HeldRows::Order { order: order.into() };
        let rows = [
            HeldRows::User { user: UserId(7) },
            order("ORD-7"),
            order("it's \\ 주문"),
            HeldRows::User { user: UserId(9) },
        ];
        let holds: Vec<_> = (1..).zip(rows).map(|(hold, rows)| RowHold { hold, rows }).collect();
        let (twin, partition) =
            (Original::new("pay", "p1", Some("twin")).unwrap(), Original::new("pay", "p1", None).unwrap());
        let created = PartitionExpression::UnixTimestamp { column: "created_at".into() };
        let before = "2026-01-01T00:00:00Z".parse().unwrap();
        let statements = [
            shelf.create(),
            shelf.prepare(),
            shelf.copy(&twin, &holds),
            shelf.lock(&twin, true),
            shelf.lock(&partition, false),
            shelf.count_missing(&partition, &holds),
            shelf.count_original(&partition, &holds[..1]),
            shelf.delete_released(&created, before, &holds).unwrap().statement().clone(),
            shelf.count_released(&created, before, &[], 1_000).unwrap(),
        ];
        statements.iter().map(ToString::to_string).collect::<Vec<_>>().join(";\n")
    }

    #[test]
    fn held_rows_on_mariadb() {
        insta::assert_snapshot!(rendered("10.11.19-MariaDB"));
    }

    #[test]
    fn held_rows_on_mysql() {
        insta::assert_snapshot!(rendered("9.7.4"));
    }

    #[test]
    fn a_mark_is_one_tables() {
        assert!(is_marked("payhist held rows of t_1", "t_1") && !is_marked("payhist held rows of t_10", "t_1"));
        assert!(is_unmarked("") && !is_unmarked("payhist held rows of another"));
    }
}
