//! Which columns of a table mean what to an archive.
//!
//! Invariant: a table in which they cannot be told is not archived, since personal columns would leave it in clear.

use crate::ArchiveError;
use payhist_types::archive::{Column, ColumnKind};

/// The columns that name a person.
pub const PERSONAL_COLUMNS: [&str; 2] = ["payer_name", "payer_email"];

/// Places of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub(crate) user: usize,
    pub(crate) payment: usize,
    pub(crate) amount: usize,
    pub(crate) scale: u8,
    pub(crate) currency: usize,
    pub(crate) personal: Vec<usize>,
}

impl Layout {
    /// Finds them.
    ///
    /// # Errors
    /// [`ArchiveError::Unfit`] naming the column that is missing or of another type.
    pub fn of(columns: &[Column]) -> Result<Self, ArchiveError> {
        let find = |name: &str, fits: fn(&Column) -> bool| {
            columns.iter().position(|column| column.name == name && fits(column)).ok_or_else(|| {
                ArchiveError::Unfit(format!(
                    "the table has no column {name} of the type that an archive needs: payhist cannot tell what is personal"
                ))
            })
        };
        let id = |column: &Column| column.kind == ColumnKind::Unsigned && !column.nullable;
        let text = |column: &Column| column.kind == ColumnKind::Text;
        let amount = find("amount", |column| matches!(column.kind, ColumnKind::Decimal { .. }))?;
        let ColumnKind::Decimal { scale, .. } = columns[amount].kind else { unreachable!("just found as a decimal") };
        Ok(Self {
            user: find("user_id", id)?,
            payment: find("payment_id", id)?,
            amount,
            scale,
            currency: find("currency", text)?,
            personal: PERSONAL_COLUMNS.iter().map(|name| find(name, text)).collect::<Result<_, _>>()?,
        })
    }
}
