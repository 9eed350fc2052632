//! Copies that no hold keeps any more.

use super::{DELETED_AT_ONCE_MAX, Shelf, quoted_name};
use crate::boundary::{NotExpressible, literal};
use crate::{Destructive, Statement};
use chrono::{DateTime, Utc};
use payhist_types::holds::RowHold;
use payhist_types::inventory::{Column, PartitionExpression};

impl Shelf {
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
        let (held, [old, released]) = (&self.held, self.released(expression, before, keeps)?);
        Ok(Statement::new(format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {held} WHERE {old} AND {released} LIMIT {most}) AS counted"
        )))
    }

    /// Deletes [`DELETED_AT_ONCE_MAX`] such copies at most, in the key's order: found by another, each batch would sort and
    /// lock all of them. `IS TRUE` keeps the engine from looking for their time in a key of it.
    ///
    /// # Errors
    /// [`NotExpressible`]: as when a partition had that edge.
    pub fn delete_released(
        &self,
        expression: &PartitionExpression,
        before: DateTime<Utc>,
        keeps: &[RowHold],
    ) -> Result<Destructive, NotExpressible> {
        let (held, [old, released]) = (&self.held, self.released(expression, before, keeps)?);
        let key = Column::key_of(&self.columns).into_iter().map(|column| quoted_name(&column.name));
        let key = key.collect::<Vec<_>>().join(", ");
        let order = if key.is_empty() { key } else { format!(" ORDER BY {key}") };
        let sql = format!("DELETE FROM {held} WHERE ({old}) IS TRUE AND {released}{order} LIMIT {DELETED_AT_ONCE_MAX}");
        Ok(Destructive::new(Statement::new(sql)))
    }

    /// From before that edge, and on hold no more.
    fn released(
        &self,
        expression: &PartitionExpression,
        before: DateTime<Utc>,
        keeps: &[RowHold],
    ) -> Result<[String; 2], NotExpressible> {
        let edge = literal(expression, before, &self.capabilities)?;
        let column = quoted_name(expression.column().unwrap_or_default());
        let place = match expression {
            PartitionExpression::UnixTimestamp { .. } => format!("UNIX_TIMESTAMP({column})"),
            PartitionExpression::ToDays { .. } => format!("TO_DAYS({column})"),
            PartitionExpression::YearMonth { .. } => format!("YEAR({column}) * 100 + MONTH({column})"),
            _ => column,
        };
        // A row without an order has none that is held: it must not stay for being neither held nor not held.
        Ok([format!("{place} < {edge}"), format!("{} IS NOT TRUE", self.are_held(keeps))])
    }
}
