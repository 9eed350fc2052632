//! Kept rows: the statement that counts what legal holds on users or on orders keep of a shard, by month.
//!
//! Invariants: each table is read by a key that is named, so that none is scanned; a row is counted once, since a copy
//! counts only where no original is left.

use crate::held::{equal, literal, quoted_name};
use crate::{Ident, Statement, TableName};
use chrono::{DateTime, Utc};
use payhist_types::holds::HeldRows;
use payhist_types::inventory::Column;

/// `TO_SECONDS('1970-01-01')`.
const TO_SECONDS_OF_EPOCH: i64 = 62_167_219_200;

/// Where a counted row is. Stands in the statement's answer by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the shard's table.
    Table = 0,
    /// In a month's quarantine.
    Twin = 1,
    /// In the held-rows table alone.
    Copies = 2,
}

impl Place {
    /// Reads its number.
    pub const fn of(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Table),
            1 => Some(Self::Twin),
            2 => Some(Self::Copies),
            _ => None,
        }
    }
}

/// A shard's tables, and how the rows are found in them.
#[derive(Debug, Clone)]
pub struct Kept<'a> {
    /// The shard's table.
    pub table: TableName,
    /// Its quarantined months.
    pub twins: Vec<TableName>,
    /// Its held-rows table.
    pub copies: Option<TableName>,
    /// The columns of the shard's table.
    pub columns: &'a [Column],
    /// The user's or the order's column.
    pub column: Ident,
    /// A key that begins with it, in all of the tables.
    pub key: Ident,
    /// The column that tells the month, in UTC.
    pub time: Ident,
    /// The starts of months, in order.
    pub starts: &'a [DateTime<Utc>],
}

impl Kept<'_> {
    /// Counts the rows of several users, or of several orders. Each row of the answer: the place, how many of the starts
    /// are not after its month, then the count for each of `rows`.
    pub fn count(&self, rows: &[HeldRows]) -> Statement {
        let mut parts = vec![self.part(Place::Table, &self.table, rows, "")];
        parts.extend(self.twins.iter().map(|twin| self.part(Place::Twin, twin, rows, "")));
        if let Some(copies) = &self.copies {
            let originals = [&self.table].into_iter().chain(&self.twins);
            let left = originals.map(|original| self.has_no(original, copies)).collect::<String>();
            parts.push(self.part(Place::Copies, copies, rows, &left));
        }
        Statement::new(parts.join(" UNION ALL "))
    }

    fn part(&self, place: Place, table: &TableName, rows: &[HeldRows], and: &str) -> String {
        let Self { column, key, time, .. } = self;
        let (place, name) = (place as u8, quoted_name(table.table()));
        let values: Vec<_> = rows.iter().map(literal).collect();
        let counts = values.iter().map(|value| format!(", COUNT(CASE WHEN {name}.{column} = {value} THEN 1 END)"));
        let (counts, values) = (counts.collect::<String>(), values.join(", "));
        let starts = self.starts.iter().map(|start| format!(", {}", start.timestamp() + TO_SECONDS_OF_EPOCH));
        let month = format!("INTERVAL(TO_SECONDS({name}.{time}){})", starts.collect::<String>());
        format!(
            "SELECT {place}, {month}{counts} FROM {table} FORCE INDEX ({key}) WHERE {name}.{column} IN ({values}){and} GROUP BY 2"
        )
    }

    /// Without a primary key nothing is carved out, so that whatever is there is no copy.
    fn has_no(&self, original: &TableName, copies: &TableName) -> String {
        let key = self.columns.iter().filter(|column| column.is_key());
        let (name, copy) = (quoted_name(original.table()), quoted_name(copies.table()));
        let equal: Vec<_> = key.map(|column| equal(column, &name, &copy)).collect();
        if equal.is_empty() {
            return String::new();
        }
        format!(" AND NOT EXISTS (SELECT 1 FROM {original} WHERE {})", equal.join(" AND "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use payhist_types::UserId;

    #[test]
    fn kept_rows_of_users_and_orders() {
        let name = |table| TableName::new("pay", table).unwrap();
        let column = |name: &str, is_text, key| Column { name: name.into(), is_text, key };
        let columns = [column("id", false, Some(1)), column("code", true, Some(2)), column("amount", false, None)];
        let ident = |name| Ident::new(name).unwrap();
        let starts = ["1970-01-01T00:00:00Z", "2026-01-31T15:00:00Z"].map(|start| start.parse().unwrap());
        let kept = Kept {
            table: name("t"),
            twins: vec![name("t_q")],
            copies: Some(name("t_h")),
            columns: &columns,
            column: ident("user_id"),
            key: ident("PRIMARY"),
            time: ident("at"),
            starts: &starts,
        };
        let users = [UserId(7), UserId(9)].map(|user| HeldRows::User { user });
        let orders =
            Kept { twins: Vec::new(), copies: None, column: ident("order"), key: ident("o`s"), ..kept.clone() };
        let text = [kept.count(&users), orders.count(&[HeldRows::Order { order: "it's".into() }])];
        insta::assert_snapshot!(text.map(|statement| statement.to_string().replace(" UNION", "\nUNION")).join(";\n"));
    }
}
