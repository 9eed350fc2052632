//! Identifiers as types: schemas, tables and partitions, always quoted.

use payhist_types::Month;
use std::fmt;

/// Longest identifier that both engines take, in characters (`MySQL` manual, "Identifier Length Limits").
pub const IDENT_CHARS_MAX: usize = 64;

/// A name of a schema, table, column or partition. Displays quoted with backticks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ident(String);

/// The text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be an identifier: 1 to {IDENT_CHARS_MAX} characters of the basic plane, no NUL, no space at its end"
)]
pub struct IdentError(String);

impl Ident {
    /// Checks the name.
    pub fn new(name: &str) -> Result<Self, IdentError> {
        let length = name.chars().count();
        // The engines' identifiers are utf8mb3: nothing beyond the basic plane.
        let valid = (1..=IDENT_CHARS_MAX).contains(&length)
            && !name.ends_with(' ')
            && name.chars().all(|c| c != '\0' && u32::from(c) <= 0xFFFF);
        if valid { Ok(Self(name.to_owned())) } else { Err(IdentError(name.to_owned())) }
    }

    /// The name, unquoted.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.0.replace('`', "``"))
    }
}

/// A table with its schema. Displays quoted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    schema: Ident,
    table: Ident,
}

impl TableName {
    /// Checks both names.
    pub fn new(schema: &str, table: &str) -> Result<Self, IdentError> {
        Ok(Self { schema: Ident::new(schema)?, table: Ident::new(table)? })
    }

    /// The schema's name, unquoted.
    pub fn schema(&self) -> &str {
        self.schema.as_str()
    }

    /// The table's name, unquoted.
    pub fn table(&self) -> &str {
        self.table.as_str()
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.schema, self.table)
    }
}

/// The names that payhist gives to partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionName(Month);

impl PartitionName {
    /// `pYYYYMM`.
    pub const fn for_month(month: Month) -> Self {
        Self(month)
    }
}

impl fmt::Display for PartitionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "p{:04}{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_backtick_cannot_leave_its_quotes() {
        assert_eq!(Ident::new("a` DROP").unwrap().to_string(), "`a`` DROP`");
    }

    #[test]
    fn what_the_engines_refuse_is_refused_here() {
        for name in ["", "a\0b", "trailing ", "😀", &"x".repeat(65)] {
            assert!(Ident::new(name).is_err(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn quoting_is_reversible(name in "\\PC{1,64}") {
            if let Ok(ident) = Ident::new(&name) {
                let quoted = ident.to_string();
                prop_assert_eq!(quoted[1..quoted.len() - 1].replace("``", "`"), name);
            }
        }
    }
}
