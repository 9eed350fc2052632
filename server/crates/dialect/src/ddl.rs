//! Statements on schemas, tables and partitions.
//!
//! Invariant: every ALTER is bounded. `MariaDB` carries its lock wait in the statement (`WAIT n`); `MySQL` has it in
//! the session, so that its statements begin with a SET. The default of a day or a year would make everybody queue
//! behind a forgotten transaction (FACTS §3).

use crate::boundary::{NotExpressible, literal};
use crate::{Capabilities, Destructive, Ident, PartitionName, Statement, TableName};
use chrono::{DateTime, Utc};
use payhist_types::EngineKind;
use payhist_types::inventory::PartitionExpression;

/// Seconds that one ALTER may wait for its metadata lock. `MariaDB` waits up to twice as long behind a reader (FACTS
/// §3). `MySQL` manual, `lock_wait_timeout`; `MariaDB` documentation, "WAIT and NOWAIT".
pub const DDL_LOCK_WAIT_SECS: u32 = 1;

/// `CREATE DATABASE IF NOT EXISTS`, in utf8mb4.
pub fn create_schema(schema: &Ident) -> Statement {
    Statement::new(format!("CREATE DATABASE IF NOT EXISTS {schema} CHARACTER SET utf8mb4"))
}

/// When the secondary keys of a new table are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// At once.
    Now,
    /// By [`build_keys`], when the table is filled: sorting its rows once costs half of what inserting into the keys
    /// row by row does.
    WhenFilled,
}

/// Fills a table template: `{table}` by the name, `{partitions}` by a partition for each month, oldest first, and
/// `{comment}` by what an interrupted filling is known by.
pub fn create_shard(
    template: &str,
    table: &TableName,
    partitions: &[(PartitionName, DateTime<Utc>)],
    keys: Keys,
) -> Statement {
    let months: Vec<_> = partitions
        .iter()
        .map(|(name, before)| format!("    PARTITION {name} VALUES LESS THAN ({})", datetime(*before)))
        .collect();
    let wanted =
        |line: &&str| !line.trim_start().starts_with("--") && (keys == Keys::Now || secondary_key(line).is_none());
    let comment = if keys == Keys::Now { "" } else { KEYS_PUT_OFF };
    Statement::new(
        template
            .lines()
            .filter(wanted)
            .collect::<Vec<_>>()
            .join("\n")
            .trim()
            .replace(",\n)", "\n)")
            .replace("{table}", &table.to_string())
            .replace("{comment}", comment)
            .replace("{partitions}", &months.join(",\n")),
    )
}

/// The comment of a table whose secondary keys are put off until it is filled: it tells an interrupted filling.
pub const KEYS_PUT_OFF: &str = "payhist: secondary keys are built when the table is filled";

/// Builds the secondary keys that were put off, and takes the comment away.
pub fn build_keys(template: &str, table: &TableName, capabilities: &Capabilities) -> Vec<Statement> {
    let keys = template.lines().filter_map(secondary_key).map(|key| format!("ADD {key}"));
    let changes: Vec<_> = keys.chain(["COMMENT = ''".to_owned()]).collect();
    bounded(table, &changes.join(", "), capabilities)
}

/// A secondary key's definition, if the line of a template is one.
fn secondary_key(line: &str) -> Option<&str> {
    let definition = line.trim().trim_end_matches(',');
    (definition.starts_with("KEY ") || definition.starts_with("UNIQUE KEY ")).then_some(definition)
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

/// `DROP PARTITION` with all its rows; [`session`] comes before it.
pub fn drop_partition(table: &TableName, name: &Ident, capabilities: &Capabilities) -> Destructive {
    Destructive::new(alter(table, &format!("DROP PARTITION {name}"), capabilities))
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
    let parts = parts(expression, into, capabilities)?;
    Ok(bounded(table, &format!("REORGANIZE PARTITION {name} INTO ({parts})"), capabilities))
}

pub(crate) fn parts(
    expression: &PartitionExpression,
    into: &[(Ident, DateTime<Utc>)],
    capabilities: &Capabilities,
) -> Result<String, NotExpressible> {
    let part = |(part, before): &(Ident, DateTime<Utc>)| {
        Ok(format!("PARTITION {part} VALUES LESS THAN ({})", literal(expression, *before, capabilities)?))
    };
    Ok(into.iter().map(part).collect::<Result<Vec<_>, NotExpressible>>()?.join(", "))
}

/// Counts a partition's rows.
pub fn count_rows(table: &TableName, partition: &Ident) -> Statement {
    Statement::new(format!("SELECT COUNT(*) FROM {table} PARTITION ({partition})"))
}

/// Keeps everybody else from tables, e.g. `` `s`.`t` WRITE ``.
pub(crate) fn lock(tables: &str, capabilities: &Capabilities) -> Statement {
    Statement::new(match capabilities.kind() {
        EngineKind::MariaDb => format!("LOCK TABLES {tables} WAIT {DDL_LOCK_WAIT_SECS}"),
        EngineKind::MySql => format!("LOCK TABLES {tables}"),
    })
}

/// Ends the lock.
pub(crate) fn unlock() -> Statement {
    Statement::new("UNLOCK TABLES".to_owned())
}

/// Ends a session. Its number is a literal, since `MySQL` takes no parameter here (6413).
pub fn kill(connection: u64) -> Statement {
    Statement::new(format!("KILL {connection}"))
}

/// Ends a session's statement, and leaves the session.
pub fn kill_query(connection: u64) -> Statement {
    Statement::new(format!("KILL QUERY {connection}"))
}

pub(crate) fn bounded(table: &TableName, change: &str, capabilities: &Capabilities) -> Vec<Statement> {
    session(capabilities).into_iter().chain([alter(table, change, capabilities)]).collect()
}

/// Shortens the session's lock wait, where statements do not carry their own.
pub fn session(capabilities: &Capabilities) -> Option<Statement> {
    (capabilities.kind() == EngineKind::MySql)
        .then(|| Statement::new(format!("SET SESSION lock_wait_timeout = {DDL_LOCK_WAIT_SECS}")))
}

/// Settings of a session that copies rows, as a SET to which more may be added. Nobody waits long for a lock that payhist waits
/// for; a zero stays a zero; and values that the application's looser mode once let in are copied as they are.
pub(crate) fn session_to_copy() -> String {
    format!(
        "SET SESSION lock_wait_timeout = {DDL_LOCK_WAIT_SECS}, innodb_lock_wait_timeout = {DDL_LOCK_WAIT_SECS}, \
         sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"
    )
}

pub(crate) fn alter(table: &TableName, change: &str, capabilities: &Capabilities) -> Statement {
    Statement::new(match capabilities.kind() {
        EngineKind::MariaDb => format!("ALTER TABLE {table} WAIT {DDL_LOCK_WAIT_SECS} {change}"),
        EngineKind::MySql => format!("ALTER TABLE {table} {change}"),
    })
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
            {
                let drop = drop_partition(&table, &ident("p2025`01"), &capabilities).statement().clone();
                text(&session(&capabilities).into_iter().chain([drop]).collect::<Vec<_>>())
            },
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
    fn a_shard_is_created_with_one_partition_for_each_month_and_its_keys_now_or_later() {
        let month: Month = "2026-11".parse().unwrap();
        let table = TableName::new("payments", "payment_history_shard_0").unwrap();
        let partitions = [(PartitionName::for_month(month), Utc.with_ymd_and_hms(2026, 11, 30, 15, 0, 0).unwrap())];
        let template = "-- why\nCREATE TABLE {table} (\n    id INT,\n    PRIMARY KEY (id),\n    UNIQUE KEY by_id (id, at),\n    KEY by_at (at)\n) \
             COMMENT = '{comment}'\nPARTITION BY RANGE COLUMNS (created_at) (\n{partitions}\n)\n";
        let create = |keys| create_shard(template, &table, &partitions, keys).to_string();
        let build = text(&build_keys(template, &table, &Capabilities::detect("9.7.4").unwrap()));
        insta::assert_snapshot!([create(Keys::Now), create(Keys::WhenFilled), build].join("\n\n"));
    }
}
