//! Statements on schemas, tables and partitions.
//!
//! Invariant: every ALTER is bounded. `MariaDB` carries its lock wait in the statement (`WAIT n`); `MySQL` has it in
//! the session, so that its statements begin with a SET. The default of a day or a year would make everybody queue
//! behind a forgotten transaction (FACTS §3).

use crate::boundary::{NotExpressible, literal};
use crate::{Capabilities, Ident, PartitionName, Statement, TableName};
use chrono::{DateTime, Utc};
use payhist_types::EngineKind;
use payhist_types::plan::PartitionExpression;

/// Seconds that one ALTER may wait for its metadata lock. `MariaDB` waits up to twice as long behind a reader (FACTS
/// §3). `MySQL` manual, `lock_wait_timeout`; `MariaDB` documentation, "WAIT and NOWAIT".
pub const DDL_LOCK_WAIT_SECS: u32 = 1;

/// `CREATE DATABASE IF NOT EXISTS`, in utf8mb4.
pub fn create_schema(schema: &Ident) -> Statement {
    Statement::new(format!("CREATE DATABASE IF NOT EXISTS {schema} CHARACTER SET utf8mb4"))
}

/// Fills a table template: `{table}` by the name, `{partitions}` by a partition for each month, oldest first.
pub fn create_shard(template: &str, table: &TableName, partitions: &[(PartitionName, DateTime<Utc>)]) -> Statement {
    let lines: Vec<_> = partitions
        .iter()
        .map(|(name, before)| format!("    PARTITION {name} VALUES LESS THAN ({})", datetime(*before)))
        .collect();
    let commentless: Vec<_> = template.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    Statement::new(
        commentless
            .join("\n")
            .trim()
            .replace("{table}", &table.to_string())
            .replace("{partitions}", &lines.join(",\n")),
    )
}

fn datetime(at: DateTime<Utc>) -> String {
    at.format("'%Y-%m-%d %H:%M:%S'").to_string()
}

/// `ADD PARTITION` above the last one.
pub fn add_partition(
    table: &TableName,
    name: &Ident,
    expression: &PartitionExpression,
    before: DateTime<Utc>,
    capabilities: &Capabilities,
) -> Result<Vec<Statement>, NotExpressible> {
    let edge = literal(expression, before, capabilities)?;
    Ok(bounded(table, &format!("ADD PARTITION (PARTITION {name} VALUES LESS THAN ({edge}))"), capabilities))
}

/// `DROP PARTITION` with all its rows.
pub fn drop_partition(table: &TableName, name: &Ident, capabilities: &Capabilities) -> Vec<Statement> {
    bounded(table, &format!("DROP PARTITION {name}"), capabilities)
}

/// Splits a partition into several with the given upper edges; the last must be the edge it has. Copies its rows and
/// is not safe against a crash of `MariaDB` ([`Capabilities::reorganize_is_crash_safe`]).
pub fn reorganize_partition(
    table: &TableName,
    name: &Ident,
    expression: &PartitionExpression,
    into: &[(Ident, DateTime<Utc>)],
    capabilities: &Capabilities,
) -> Result<Vec<Statement>, NotExpressible> {
    let parts = into
        .iter()
        .map(|(part, before)| {
            Ok(format!("PARTITION {part} VALUES LESS THAN ({})", literal(expression, *before, capabilities)?))
        })
        .collect::<Result<Vec<_>, NotExpressible>>()?;
    Ok(bounded(table, &format!("REORGANIZE PARTITION {name} INTO ({})", parts.join(", ")), capabilities))
}

/// Counts a partition's rows.
pub fn count_rows(table: &TableName, partition: &Ident) -> Statement {
    Statement::new(format!("SELECT COUNT(*) FROM {table} PARTITION ({partition})"))
}

fn bounded(table: &TableName, change: &str, capabilities: &Capabilities) -> Vec<Statement> {
    match capabilities.kind() {
        EngineKind::MariaDb => vec![Statement::new(format!("ALTER TABLE {table} WAIT {DDL_LOCK_WAIT_SECS} {change}"))],
        EngineKind::MySql => vec![
            Statement::new(format!("SET SESSION lock_wait_timeout = {DDL_LOCK_WAIT_SECS}")),
            Statement::new(format!("ALTER TABLE {table} {change}")),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use payhist_types::Month;

    fn text(statements: &[Statement]) -> String {
        statements.iter().map(ToString::to_string).collect::<Vec<_>>().join(";\n")
    }

    fn rendered(version: &str) -> String {
        let capabilities = Capabilities::detect(version).unwrap();
        let table = TableName::new("payments", "payment_history_shard_7").unwrap();
        let ident = |name| Ident::new(name).unwrap();
        let columns = PartitionExpression::RangeColumnsDatetime { column: "created_at".into() };
        let at = |month| Utc.with_ymd_and_hms(2026, month, 1, 0, 0, 0).unwrap();
        let split = [(ident("p202601"), at(2)), (ident("p202602"), at(3))];
        [
            text(&add_partition(&table, &ident("p202612"), &columns, at(12), &capabilities).unwrap()),
            text(&drop_partition(&table, &ident("p2025`01"), &capabilities)),
            text(&reorganize_partition(&table, &ident("p202602"), &columns, &split, &capabilities).unwrap()),
            count_rows(&table, &ident("p202601")).to_string(),
        ]
        .join("\n\n")
    }

    #[test]
    fn partition_ddl_on_mariadb() {
        insta::assert_snapshot!(rendered("10.11.19-MariaDB"));
    }

    #[test]
    fn partition_ddl_on_mysql() {
        insta::assert_snapshot!(rendered("9.7.4"));
    }

    #[test]
    fn a_shard_is_created_with_one_partition_for_each_month() {
        let month: Month = "2026-11".parse().unwrap();
        let table = TableName::new("payments", "payment_history_shard_0").unwrap();
        let at = Utc.with_ymd_and_hms(2026, 11, 30, 15, 0, 0).unwrap();
        let template =
            "-- why\nCREATE TABLE {table} (id INT)\nPARTITION BY RANGE COLUMNS (created_at) (\n{partitions}\n)\n";
        insta::assert_snapshot!(create_shard(template, &table, &[(PartitionName::for_month(month), at)]));
    }
}
