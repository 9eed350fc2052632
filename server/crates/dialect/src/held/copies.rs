//! Copies and their originals: which rows are held, which are copied, and which copy is equal.

use super::{COPIED_AT_ONCE_MAX, Original, Shelf, quoted_name, quoted_names};
use crate::Statement;
use payhist_types::holds::RowHold;
use payhist_types::inventory::Column;

impl Shelf {
    /// Counts the original rows that the holds are on.
    pub fn count_original(&self, original: &Original, holds: &[RowHold]) -> Statement {
        let (from, _) = self.from(original);
        Statement::new(format!("SELECT COUNT(*) FROM {from} WHERE {}", self.are_held(holds)))
    }

    /// Copies [`COPIED_AT_ONCE_MAX`] at most of the original rows that the holds are on and whose key no copy has.
    pub fn copy(&self, original: &Original, holds: &[RowHold]) -> Statement {
        let (from, name) = self.from(original);
        let (held, names, are_held) = (&self.held, quoted_names(&self.columns), self.are_held(holds));
        let copied = self.copy_where(&self.same_key(&name));
        Statement::new(format!(
            "INSERT INTO {held} ({names}) SELECT {names} FROM {from} WHERE {are_held} AND NOT {copied} LIMIT {COPIED_AT_ONCE_MAX}"
        ))
    }

    /// Counts the original rows that the holds are on and that have no equal copy.
    pub fn count_missing(&self, original: &Original, holds: &[RowHold]) -> Statement {
        let (from, name) = self.from(original);
        let (are_held, equal) = (self.are_held(holds), self.copy_where(&self.equal(&name)));
        Statement::new(format!("SELECT COUNT(*) FROM {from} WHERE {are_held} AND NOT {equal}"))
    }

    /// Counts those of them that have a copy all the same, one that differs.
    pub fn count_changed(&self, original: &Original, holds: &[RowHold]) -> Statement {
        let (from, name) = self.from(original);
        let (copied, equal) = (self.copy_where(&self.same_key(&name)), self.copy_where(&self.equal(&name)));
        let are_held = self.are_held(holds);
        Statement::new(format!("SELECT COUNT(*) FROM {from} WHERE {are_held} AND {copied} AND NOT {equal}"))
    }

    fn copy_where(&self, condition: &str) -> String {
        format!("EXISTS (SELECT 1 FROM {} WHERE {condition})", self.held)
    }

    /// Original and copy have the same key, as the engine sees it.
    fn same_key(&self, original: &str) -> String {
        let copy = quoted_name(self.held.table());
        let key = self.columns.iter().filter(|column| column.is_key());
        key.map(|column| same(&quoted_name(&column.name), original, &copy)).collect::<Vec<_>>().join(" AND ")
    }

    fn equal(&self, original: &str) -> String {
        let copy = quoted_name(self.held.table());
        self.columns.iter().map(|column| equal(column, original, &copy)).collect::<Vec<_>>().join(" AND ")
    }
}

/// Text that the engine calls equal may differ in case, accents or trailing spaces.
pub(crate) fn equal(column: &Column, original: &str, copy: &str) -> String {
    let name = quoted_name(&column.name);
    let plain = same(&name, original, copy);
    match (column.is_text, column.is_key()) {
        (false, _) => plain,
        (true, false) => as_bytes(&name, original, copy),
        // The plain comparison is what the key serves.
        (true, true) => format!("{plain} AND {}", as_bytes(&name, original, copy)),
    }
}

fn same(name: &str, original: &str, copy: &str) -> String {
    format!("{original}.{name} <=> {copy}.{name}")
}

fn as_bytes(name: &str, original: &str, copy: &str) -> String {
    format!("CAST({original}.{name} AS BINARY) <=> CAST({copy}.{name} AS BINARY)")
}
