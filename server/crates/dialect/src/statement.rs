//! Statements that this crate rendered.
//!
//! Invariant: what destroys rows is a [`Destructive`]; its statement says so wherever it goes.

use std::fmt;

/// SQL text made of quoted identifiers and literals of this crate; the only text that `storage::ddl` executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    sql: String,
    destroys: bool,
}

impl Statement {
    pub(crate) fn new(sql: String) -> Self {
        Self { sql, destroys: false }
    }

    /// The SQL.
    pub fn as_str(&self) -> &str {
        &self.sql
    }

    /// Does it destroy whatever rows there are?
    pub const fn destroys(&self) -> bool {
        self.destroys
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sql)
    }
}

/// A statement that destroys whatever rows there are; `storage::ddl` executes it only with a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destructive(Statement);

impl Destructive {
    pub(crate) fn new(statement: Statement) -> Self {
        Self(Statement { destroys: true, ..statement })
    }

    /// The statement, to be shown and compared.
    pub fn statement(&self) -> &Statement {
        &self.0
    }
}
