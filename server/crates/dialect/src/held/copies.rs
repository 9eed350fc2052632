//! Copies and their originals: which rows are held, which are copied, and which copy is equal.

use super::{Original, Shelf, quoted_name, quoted_names};
use crate::Statement;
use payhist_types::holds::RowHold;
use payhist_types::inventory::Column;

impl Shelf {
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

    fn without_copy(&self, original: &Original, holds: &[RowHold]) -> String {
        let (from, name) = self.from(original);
        let copy = quoted_name(self.held.table());
        let equal = self.columns.iter().map(|column| equal(column, &name, &copy)).collect::<Vec<_>>().join(" AND ");
        let (held, are_held) = (&self.held, self.are_held(holds));
        format!("FROM {from} WHERE {are_held} AND NOT EXISTS (SELECT 1 FROM {held} WHERE {equal})")
    }
}

/// Text that the engine calls equal may differ in case, accents or trailing spaces.
fn equal(column: &Column, original: &str, copy: &str) -> String {
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
