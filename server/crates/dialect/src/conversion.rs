//! The statements that give a table partitions while writes go on: a shadow table, triggers that repeat each write
//! there, a copy in chunks of the primary key, a comparison, and an exchange of names.
//!
//! Invariants:
//! - Whatever row the shadow has, the table has: the triggers come in the order DELETE, UPDATE, INSERT, and a chunk's rows
//!   are locked while they are copied, so that a copy never overtakes a write.
//! - A row that is in the shadow already is newer than the copy and is left alone. Any other error is one: `INSERT IGNORE`
//!   would lose rows without a partition.
//! - Each conversion has a shadow of its own name, so that the exchange of a process that was frozen right before it fails when
//!   the conversion was given up meanwhile and another one begun.
//! - A trigger deletes only where a row's key changes: a DELETE that finds nothing locks a gap, and two of them deadlock.

use crate::ddl::session_to_copy;
use crate::doctor::{partition_clause, text};
use crate::plan_sql::PlanSqlError;
use crate::{Capabilities, Destructive, Ident, Statement, TableName};
use payhist_plan::conversion::{KEPT_SUFFIX, shadow_name, trigger_names};
use payhist_types::EngineKind;
use payhist_types::conversion::{Conversion, KeyColumn, KeyKind};

/// Rows that are copied or compared by one statement.
pub const CHUNK_ROWS: u64 = 1_000;

/// A value of the primary key: the text of each of its columns.
pub type KeyValue = Vec<String>;

/// A stretch of the primary key: above `after`, up to and including `to`.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// `None`: from the first row.
    pub after: Option<&'a KeyValue>,
    /// `None`: to the last row.
    pub to: Option<&'a KeyValue>,
}

/// The tables and triggers of a conversion. They are there, or will be.
#[derive(Debug, Clone)]
pub struct Names {
    /// The table.
    pub table: TableName,
    /// The one with partitions, until it takes the table's name.
    pub shadow: TableName,
    /// Where the table as it was is kept.
    pub kept: TableName,
    /// On DELETE, UPDATE, INSERT.
    pub triggers: [Ident; 3],
}

impl Names {
    /// The names that belong to a table in the conversion after so many earlier ones.
    ///
    /// # Errors
    /// [`PlanSqlError::Ident`]: the table's name is too long for them.
    pub fn new(schema: &str, table: &str, earlier: u64) -> Result<Self, PlanSqlError> {
        let [delete, update, insert] = trigger_names(table, earlier).map(|name| Ident::new(&name));
        Ok(Self {
            table: TableName::new(schema, table)?,
            shadow: TableName::new(schema, &shadow_name(table, earlier))?,
            kept: TableName::new(schema, &format!("{table}{KEPT_SUFFIX}"))?,
            triggers: [delete?, update?, insert?],
        })
    }

    /// Settings of the session that all statements below need; triggers keep the mode that they are created in.
    pub fn session(capabilities: &Capabilities) -> Statement {
        // MySQL's catalogue tells automatic numbers of yesterday unless it is told not to.
        let fresh = match capabilities.kind() {
            EngineKind::MariaDb => "",
            EngineKind::MySql => ", information_schema_stats_expiry = 0",
        };
        Statement::new(format!("{}{fresh}", session_to_copy()))
    }

    /// Creates the shadow, empty and still without partitions.
    pub fn create(&self) -> Statement {
        Statement::new(format!("CREATE TABLE {} LIKE {}", self.shadow, self.table))
    }

    /// The next automatic number of the shadow is no lower than the table's.
    pub fn number_from(&self, next: u64) -> Statement {
        Statement::new(format!("ALTER TABLE {} AUTO_INCREMENT = {next}", self.shadow))
    }

    /// Both change their names at once.
    pub fn exchange(&self) -> Statement {
        let Self { table, shadow, kept, .. } = self;
        Statement::new(format!("RENAME TABLE {table} TO {kept}, {shadow} TO {table}"))
    }

    /// Takes a trigger away, from whichever table has it.
    pub fn drop_trigger(&self, trigger: &Ident) -> Statement {
        Statement::new(format!("DROP TRIGGER IF EXISTS {}", self.of_schema(trigger)))
    }

    /// Takes the shadow away; its triggers must be gone.
    pub fn drop_shadow(&self) -> Destructive {
        Destructive::new(Statement::new(format!("DROP TABLE IF EXISTS {}", self.shadow)))
    }

    /// The foreign keys from and to the table, whichever schema they are in, as two columns of text. Needs PROCESS.
    pub fn foreign_keys(&self, capabilities: &Capabilities) -> Statement {
        let (schema, table) = (self.table.schema(), self.table.table());
        Statement::new(match capabilities.kind() {
            EngineKind::MySql => {
                let name = text(&format!("{schema}/{table}"));
                format!(
                    "SELECT CAST(FOR_NAME AS CHAR), CAST(REF_NAME AS CHAR) FROM information_schema.INNODB_FOREIGN \
                     WHERE FOR_NAME = {name} OR REF_NAME = {name}"
                )
            }
            // InnoDB's own names are those of files.
            EngineKind::MariaDb => {
                let part = |column: &str, at: &str| {
                    format!(
                        "CONVERT(CONVERT(CAST(SUBSTRING_INDEX({column}, '/', {at}) AS BINARY) USING filename) USING utf8mb4)"
                    )
                };
                let is = |column: &str| {
                    format!("({} = {} AND {} = {})", part(column, "1"), text(schema), part(column, "-1"), text(table))
                };
                format!(
                    "SELECT CAST(FOR_NAME AS CHAR), CAST(REF_NAME AS CHAR) FROM information_schema.INNODB_SYS_FOREIGN \
                     WHERE {} OR {}",
                    is("FOR_NAME"),
                    is("REF_NAME")
                )
            }
        })
    }

    fn of_schema(&self, trigger: &Ident) -> String {
        let schema = self.table.schema().replace('`', "``");
        format!("`{schema}`.{trigger}")
    }
}

/// The statements that need to know the table's columns.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The tables.
    pub names: Names,
    shape: String,
    key: Vec<(Ident, KeyKind)>,
    triggers: [Statement; 3],
    written: String,
    checksum: String,
}

impl Copy {
    /// The statements of a conversion.
    ///
    /// # Errors
    /// [`PlanSqlError`]: a name or an edge that cannot be written.
    pub fn new(names: Names, conversion: &Conversion, capabilities: &Capabilities) -> Result<Self, PlanSqlError> {
        let idents = |names: &[String]| names.iter().map(|name| Ident::new(name)).collect::<Result<Vec<_>, _>>();
        let key = conversion.key.iter().map(|KeyColumn { name, kind }| Ok((Ident::new(name)?, *kind)));
        let key = key.collect::<Result<Vec<_>, PlanSqlError>>()?;
        let (written, all) = (idents(&conversion.written)?, idents(&conversion.columns)?);
        let months = conversion.months.iter().map(|new| Ok((Ident::new(&new.partition)?, new.before)));
        let months = months.collect::<Result<Vec<_>, PlanSqlError>>()?;
        let clause = partition_clause(&conversion.time, &conversion.time_type, &months, capabilities)?;
        let shape = if conversion.widens_key {
            let columns: Vec<_> = key.iter().map(|(column, _)| column.to_string()).collect();
            let (columns, time) = (columns.join(", "), Ident::new(&conversion.time)?);
            format!("DROP PRIMARY KEY, ADD PRIMARY KEY ({columns}, {time}) {clause}")
        } else {
            clause
        };
        // As bytes, so that columns of different character sets can be put together; '-' stands for NULL.
        let bytes: Vec<_> = all.iter().map(|column| format!("COALESCE(HEX(CAST({column} AS BINARY)), '-')")).collect();
        let bytes = bytes.join(", ");
        Ok(Self {
            shape: format!("ALTER TABLE {} {shape}", names.shadow),
            triggers: triggers(&names, conversion, &written)?,
            names,
            key,
            written: list("", &written),
            checksum: format!("CAST(CONV(LEFT(SHA2(CONCAT_WS(',', {bytes}), 256), 16), 16, 10) AS UNSIGNED)"),
        })
    }

    /// Gives the shadow its partitions, and its primary key the column that they go by.
    pub fn shape(&self) -> Statement {
        Statement::new(self.shape.clone())
    }

    /// The triggers, in the order in which they must come.
    pub fn triggers(&self) -> &[Statement; 3] {
        &self.triggers
    }

    /// What a plan shows: all statements in order, those of a chunk without its edges.
    pub fn shown(&self, capabilities: &Capabilities) -> Vec<String> {
        let (names, whole) = (&self.names, Stretch { after: None, to: None });
        let mut all = vec![Names::session(capabilities), names.create(), self.shape()];
        all.extend(self.triggers.iter().cloned());
        all.extend([self.chunk_end(whole), self.copy(whole), self.compare(whole), names.exchange()]);
        all.extend(names.triggers.iter().map(|trigger| names.drop_trigger(trigger)));
        all.iter().map(ToString::to_string).collect()
    }

    /// The key of the table's last row.
    pub fn last_key(&self) -> Statement {
        let (key, order) = (self.key_as_text(), self.key_order(" DESC"));
        Statement::new(format!("SELECT {key} FROM {} ORDER BY {order} LIMIT 1", self.names.table))
    }

    /// The key of the last row of the next chunk; no row: there is none in the stretch.
    pub fn chunk_end(&self, stretch: Stretch) -> Statement {
        let (table, key, within) = (&self.names.table, self.key_order(""), self.within(stretch));
        Statement::new(format!(
            "SELECT {} FROM (SELECT {key} FROM {table} FORCE INDEX (PRIMARY) WHERE {within} ORDER BY {key} LIMIT {CHUNK_ROWS}) AS chunk \
             ORDER BY {} LIMIT 1",
            self.key_as_text(),
            self.key_order(" DESC")
        ))
    }

    /// Copies a stretch.
    pub fn copy(&self, stretch: Stretch) -> Statement {
        let (Names { table, shadow, .. }, (first, _)) = (&self.names, &self.key[0]);
        Statement::new(format!(
            "INSERT INTO {shadow} ({0}) SELECT {0} FROM {table} FORCE INDEX (PRIMARY) WHERE {1} LOCK IN SHARE MODE \
             ON DUPLICATE KEY UPDATE {first} = {shadow}.{first}",
            self.written,
            self.within(stretch)
        ))
    }

    /// Of a stretch of both tables, at one moment: rows, rows with a checksum, and the checksum of all. Six numbers.
    pub fn compare(&self, stretch: Stretch) -> Statement {
        let (Names { table, shadow, .. }, within) = (&self.names, self.within(stretch));
        let of = |table: &TableName| {
            format!(
                "(SELECT COUNT(*) AS n, COUNT(h) AS k, BIT_XOR(h) AS c FROM \
                 (SELECT {} AS h FROM {table} FORCE INDEX (PRIMARY) WHERE {within}) AS hashed)",
                self.checksum
            )
        };
        let number = |column: &str| format!("CAST({column} AS UNSIGNED)");
        let numbers: Vec<_> = ["a.n", "a.k", "a.c", "b.n", "b.k", "b.c"].map(number).into();
        Statement::new(format!("SELECT {} FROM {} AS a, {} AS b", numbers.join(", "), of(table), of(shadow)))
    }

    fn key_as_text(&self) -> String {
        let written = self.key.iter().map(|(column, kind)| match kind {
            KeyKind::Bytes => format!("HEX({column})"),
            KeyKind::Number | KeyKind::Text => format!("CAST({column} AS CHAR)"),
        });
        written.collect::<Vec<_>>().join(", ")
    }

    fn key_order(&self, direction: &str) -> String {
        self.key.iter().map(|(column, _)| format!("{column}{direction}")).collect::<Vec<_>>().join(", ")
    }

    fn within(&self, Stretch { after, to }: Stretch) -> String {
        let above = after.map(|value| self.beyond(">", value));
        let below = to.map(|value| format!("({} OR ({}))", self.beyond("<", value), self.same(value, self.key.len())));
        let conditions: Vec<_> = above.into_iter().chain(below).collect();
        if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
    }

    /// The first columns of the key are those of a value.
    fn same(&self, value: &KeyValue, columns: usize) -> String {
        let pairs = self.key[..columns].iter().zip(value);
        pairs.map(|(column, value)| compared(column, "=", value)).collect::<Vec<_>>().join(" AND ")
    }

    /// Beyond a value in the key's order, as ranges of the key: a tuple would not be one.
    fn beyond(&self, sign: &str, value: &KeyValue) -> String {
        let part = |at: usize| {
            let last = compared(&self.key[at], sign, &value[at]);
            if at == 0 { last } else { format!("({} AND {last})", self.same(value, at)) }
        };
        format!("({})", (0..self.key.len()).map(part).collect::<Vec<_>>().join(" OR "))
    }
}

fn compared((column, kind): &(Ident, KeyKind), sign: &str, value: &str) -> String {
    let value = match kind {
        KeyKind::Number => value.to_owned(),
        KeyKind::Bytes => format!("x'{value}'"),
        KeyKind::Text => text(value),
    };
    format!("{column} {sign} {value}")
}

fn list(prefix: &str, idents: &[Ident]) -> String {
    idents.iter().map(|ident| format!("{prefix}{ident}")).collect::<Vec<_>>().join(", ")
}

/// A TIMESTAMP is compared in the session's zone, where two of its instants may look the same: the shadow's row is then found
/// by the table's own key alone.
fn triggers(names: &Names, conversion: &Conversion, written: &[Ident]) -> Result<[Statement; 3], PlanSqlError> {
    let Names { table, shadow, triggers: [delete, update, insert], .. } = names;
    let key = conversion.key.iter().map(|column| Ident::new(&column.name)).collect::<Result<Vec<_>, _>>()?;
    let time = Ident::new(&conversion.time)?;
    let is_timestamp = conversion.time_type == "timestamp";
    let pruned = [&time].into_iter().filter(|_| conversion.widens_key && !is_timestamp);
    let old: Vec<_> = key.iter().chain(pruned).map(|column| format!("{column} = OLD.{column}")).collect();
    let mut same: Vec<_> = key.iter().map(|column| format!("OLD.{column} <=> NEW.{column}")).collect();
    same.push(if is_timestamp {
        format!("UNIX_TIMESTAMP(OLD.{time}) <=> UNIX_TIMESTAMP(NEW.{time})")
    } else {
        format!("OLD.{time} <=> NEW.{time}")
    });
    let forget = format!("DELETE FROM {shadow} WHERE {}", old.join(" AND "));
    let repeat = format!("REPLACE INTO {shadow} ({}) VALUES ({})", list("", written), list("NEW.", written));
    let moved = format!("IF NOT ({}) THEN {forget}; END IF", same.join(" AND "));
    let create = |name: &Ident, on: &str, body: &str| {
        let name = names.of_schema(name);
        Statement::new(format!("CREATE TRIGGER {name} AFTER {on} ON {table} FOR EACH ROW {body}"))
    };
    Ok([
        create(delete, "DELETE", &forget),
        create(update, "UPDATE", &format!("BEGIN {moved}; {repeat}; END")),
        create(insert, "INSERT", &repeat),
    ])
}
