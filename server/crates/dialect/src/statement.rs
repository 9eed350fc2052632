//! A statement that this crate rendered.

use std::fmt;

/// SQL text made of quoted identifiers and literals of this crate; the only text that `storage::ddl` executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement(String);

impl Statement {
    pub(crate) fn new(sql: String) -> Self {
        Self(sql)
    }

    /// The SQL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
