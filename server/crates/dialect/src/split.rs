//! Splitting months off a MAXVALUE partition.
//!
//! Invariants: payhist's own split counts the partition under LOCK TABLES, so that the ALTER behind the count has no row to
//! copy; the count is bounded, since writers wait for it. On `MariaDB` the MAXVALUE partition gets another name, so that no
//! crash of the server can damage the table ([`Capabilities::reorganize_is_crash_safe`]).

use crate::boundary::NotExpressible;
use crate::ddl::{self, bounded, parts};
use crate::{Capabilities, Ident, Statement, TableName, probe};
use chrono::{DateTime, Utc};
use payhist_types::inventory::{Partition, PartitionExpression, ROWS_COUNTED_MAX};

/// The statements of one split.
#[derive(Debug, Clone)]
pub struct Split {
    table: TableName,
    partition: Ident,
    change: String,
    capabilities: Capabilities,
}

impl Split {
    /// Splits `months`, oldest first with their upper edges, off the MAXVALUE partition of that name. `partitions` are the
    /// table's.
    ///
    /// # Errors
    /// [`NotExpressible`] when the table cannot hold an edge.
    pub fn new(
        table: TableName,
        partition: Ident,
        expression: &PartitionExpression,
        partitions: &[Partition],
        months: &[(Ident, DateTime<Utc>)],
        capabilities: &Capabilities,
    ) -> Result<Self, NotExpressible> {
        let new = parts(expression, months, capabilities)?;
        let is_taken = |name: &Ident| {
            let mut taken = partitions.iter().map(|partition| partition.name.as_str());
            let mut new = months.iter().map(|(month, _)| month.as_str());
            let is_it = |other: &str| other.eq_ignore_ascii_case(name.as_str());
            taken.any(is_it) || new.any(is_it)
        };
        let keeps_name = capabilities.reorganize_is_crash_safe();
        let rest = if keeps_name { partition.clone() } else { other_name(&partition, is_taken) };
        // RANGE COLUMNS wants MAXVALUE in parentheses, RANGE takes it so as well.
        let change =
            format!("REORGANIZE PARTITION {partition} INTO ({new}, PARTITION {rest} VALUES LESS THAN (MAXVALUE))");
        Ok(Self { table, partition, change, capabilities: capabilities.clone() })
    }

    /// Shortens the session's lock wait, where statements do not carry their own.
    pub fn session(&self) -> Option<Statement> {
        ddl::session(&self.capabilities)
    }

    /// Keeps everybody else from the table.
    pub fn lock(&self) -> Statement {
        ddl::lock(&format!("{} WRITE", self.table), &self.capabilities)
    }

    /// Counts the partition's rows, up to [`ROWS_COUNTED_MAX`].
    pub fn count(&self) -> Statement {
        probe::count_up_to(&self.table, &self.partition, ROWS_COUNTED_MAX)
    }

    /// Splits it.
    pub fn alter(&self) -> Statement {
        ddl::alter(&self.table, &self.change, &self.capabilities)
    }

    /// Ends the lock.
    pub fn unlock(&self) -> Statement {
        ddl::unlock()
    }

    /// All of them in order, as payhist executes them.
    pub fn statements(&self) -> Vec<Statement> {
        let all = [self.lock(), self.count(), self.alter(), self.unlock()];
        self.session().into_iter().chain(all).collect()
    }

    /// For a person who knows that the rows, if there are any, will be copied.
    pub fn alone(&self) -> Vec<Statement> {
        bounded(&self.table, &self.change, &self.capabilities)
    }
}

/// `rest` and `rest_` in turn.
fn other_name(name: &Ident, is_taken: impl Fn(&Ident) -> bool) -> Ident {
    let turned = name.as_str().strip_suffix('_').map_or_else(|| format!("{}_", name.as_str()), str::to_owned);
    let names = std::iter::once(turned).chain((1..).map(|number| format!("pmax{number}")));
    let mut free = names.filter_map(|name| Ident::new(&name).ok()).filter(|name| !is_taken(name));
    free.next().unwrap_or_else(|| unreachable!("a table has fewer partitions than there are numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use payhist_types::inventory::Boundary;

    fn split(version: &str, name: &str, others: &[&str]) -> String {
        let capabilities = Capabilities::detect(version).unwrap();
        let partition = |name: &&str| Partition {
            name: (*name).to_owned(),
            ordinal: 1,
            upper: Boundary::MaxValue,
            rows_estimate: 0,
            bytes: 0,
        };
        let partitions: Vec<_> = others.iter().chain([&name]).map(partition).collect();
        let ident = |name| Ident::new(name).unwrap();
        let at = |month| Utc.with_ymd_and_hms(2027, month, 1, 0, 0, 0).unwrap();
        let months = [(ident("p202701"), at(2)), (ident("p202702"), at(3))];
        let expression = PartitionExpression::RangeColumnsDatetime { column: "at".into() };
        let table = TableName::new("shop", "payments_7").unwrap();
        let split = Split::new(table, ident(name), &expression, &partitions, &months, &capabilities).unwrap();
        split.statements().iter().map(ToString::to_string).collect::<Vec<_>>().join(";\n")
    }

    #[test]
    fn split_on_mariadb() {
        insta::assert_snapshot!(split("10.11.19-MariaDB", "rest", &[]));
    }

    #[test]
    fn split_on_mysql() {
        insta::assert_snapshot!(split("9.7.4", "rest", &[]));
    }

    #[test]
    fn the_other_name_is_nobodys_and_fits() {
        let other = |name: &str, others: &[&str]| {
            let sql = split("10.11.19-MariaDB", name, others);
            sql.split("), PARTITION ").last().unwrap().split('`').nth(1).unwrap().to_owned()
        };
        assert_eq!(other("rest_", &[]), "rest");
        assert_eq!(other("rest", &["REST_"]), "pmax1");
        assert_eq!(other(&"x".repeat(64), &["pmax1"]), "pmax2");
        assert_eq!(other("p202701_", &[]), "pmax1", "a new month has the name");
        assert_eq!(other("_", &[]), "pmax1");
    }
}
