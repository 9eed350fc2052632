//! The statements that mend what the doctor found.

use crate::ddl::{self, bounded, parts};
use crate::ident::IDENT_CHARS_MAX;
use crate::plan_sql::{self, PlanSqlError};
use crate::{Capabilities, Ident, PartitionName, Statement, TableName};
use chrono::{DateTime, Utc};
use payhist_plan::doctor::differences::Difference;
use payhist_plan::doctor::facts::{Column, Facts, Key, Table};
use payhist_plan::doctor::layout::Layout;
use payhist_plan::doctor::{CONNECTION_ADMIN, LOCK_HOLDERS};
use payhist_types::history::HistorySpec;
use payhist_types::inventory::{PartitionExpression, TableState};
use payhist_types::plan::{NewMonth, Step};
use payhist_types::{EngineKind, Month, ShardId, UserId};

type Written = Result<Vec<Statement>, PlanSqlError>;

/// Where the statements go.
pub(super) struct Writer<'a> {
    pub(super) spec: &'a HistorySpec,
    pub(super) facts: &'a Facts,
    pub(super) capabilities: &'a Capabilities,
    /// The table that is to be mended.
    pub(super) table: &'a str,
}

impl Writer<'_> {
    pub(super) fn name(&self, table: &str) -> Result<TableName, PlanSqlError> {
        Ok(TableName::new(&self.spec.schema, table)?)
    }

    pub(super) fn alter(&self, change: &str) -> Written {
        Ok(bounded(&self.name(self.table)?, change, self.capabilities))
    }

    pub(super) fn create_like(&self, like: &str) -> Written {
        Ok(vec![Statement::new(format!("CREATE TABLE {} LIKE {}", self.name(self.table)?, self.name(like)?))])
    }

    /// Partitions a table anew, in one statement with the change of column that it may need.
    pub(super) fn partition_by(&self, layout: &Layout) -> Written {
        let (name, of) = (&layout.column.name, &layout.column.column_type);
        let clause = partition_clause(name, of, &named(&layout.months)?, self.capabilities)?;
        // RANGE COLUMNS takes no TIMESTAMP (1659), UNIX_TIMESTAMP none with fractions (1491): sessions at UTC turn
        // it into the same DATETIME.
        let Some(fraction) = of.strip_prefix("timestamp").filter(|fraction| !fraction.is_empty()) else {
            return self.alter(&clause);
        };
        let column = Ident::new(name)?;
        let mut statements = self.alter(&format!("MODIFY COLUMN {column} DATETIME{fraction} NOT NULL {clause}"))?;
        statements.insert(0, Statement::new("SET SESSION time_zone = '+00:00'".to_owned()));
        Ok(statements)
    }

    pub(super) fn widen_key(&self, key: &Key, column: &str) -> Written {
        let mut wider = key.clone();
        wider.columns.push((Some(column.to_owned()), None));
        self.replace_key(Some(key), &wider)
    }

    /// Adds a key with these columns; its name says so.
    pub(super) fn add_key(&self, columns: &[String]) -> Written {
        let name: String = format!("payhist_{}", columns.join("_")).chars().take(IDENT_CHARS_MAX).collect();
        let columns = columns.iter().map(|column| (Some(column.clone()), None)).collect();
        self.replace_key(None, &Key { name, unique: false, columns })
    }

    fn replace_key(&self, old: Option<&Key>, new: &Key) -> Written {
        let definition = key_definition(new)?;
        match old {
            None => self.alter(&format!("ADD {definition}")),
            Some(_) if new.name == "PRIMARY" => self.alter(&format!("DROP PRIMARY KEY, ADD {definition}")),
            Some(old) => self.alter(&format!("DROP KEY {}, ADD {definition}", Ident::new(&old.name)?)),
        }
    }

    /// By MODIFY: MariaDB 10.11 takes `ALTER COLUMN … DROP DEFAULT` of `CURRENT_TIMESTAMP` and keeps it.
    pub(super) fn drop_default(&self, column: &Column) -> Written {
        let bare = Column { default: None, ..column.clone() };
        self.alter(&format!("MODIFY COLUMN {}", column_definition(&bare, self.capabilities)?))
    }

    pub(super) fn drop_foreign_key(&self, table: &str, name: &str) -> Written {
        let change = format!("DROP FOREIGN KEY {}", Ident::new(name)?);
        Ok(bounded(&self.name(table)?, &change, self.capabilities))
    }

    pub(super) fn split(&self, partition: &str, months: &[(Month, DateTime<Utc>)]) -> Written {
        let names = named(months)?;
        let table = self.name(self.table)?;
        Ok(ddl::reorganize_partition(&table, &Ident::new(partition)?, self.expression()?, &names, self.capabilities)?)
    }

    pub(super) fn split_max_value(&self, partition: &str, months: &[(Month, DateTime<Utc>)]) -> Written {
        let new = |(month, before): &(Month, DateTime<Utc>)| {
            let partition = PartitionName::for_month(*month).to_string();
            NewMonth { month: *month, partition, before: *before }
        };
        let new: Vec<_> = months.iter().map(new).collect();
        Ok(plan_sql::split(self.name(self.table)?, partition, &new, self.state(), self.capabilities)?.alone())
    }

    pub(super) fn adds(&self, steps: &[Step]) -> Written {
        let mut all = Vec::new();
        for step in steps.iter().filter(|step| step.is_active()) {
            all.extend(plan_sql::statements(step, self.spec, self.state(), self.capabilities)?);
        }
        Ok(all)
    }

    /// Copies and deletes in one transaction; at REPEATABLE READ the copy locks what it read until the deletion. Only what
    /// stands in the right shard, equal in every column, is deleted: a copy that failed loses nothing, even where whoever
    /// pastes this does not stop at its error.
    pub(super) fn move_users(&self, users: &[(UserId, ShardId)], user_column: &str) -> Written {
        let (from, user) = (self.name(self.table)?, Ident::new(user_column)?);
        let columns = self.shape().map_or(&[][..], |table| &table.columns);
        let columns = columns.iter().filter(|column| !column.is_generated()).map(|column| Ident::new(&column.name));
        let names = columns.map(|name| Ok(name?.to_string())).collect::<Result<Vec<_>, PlanSqlError>>()?;
        let columns = names.join(", ");
        let equal: Vec<_> = names.iter().map(|name| format!("home.{name} <=> stray.{name}")).collect();
        let equal = equal.join(" AND ");
        let mut shards: Vec<_> = users.iter().map(|(_, shard)| *shard).collect();
        shards.sort_unstable();
        shards.dedup();
        let mut texts =
            vec!["SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned(), "START TRANSACTION".to_owned()];
        for shard in shards {
            let to = self.name(&self.spec.table_of(shard))?;
            let mine = users.iter().filter(|(_, right)| *right == shard).map(|(user, _)| user.to_string());
            let these = format!("{user} IN ({})", mine.collect::<Vec<_>>().join(", "));
            texts.push(format!("INSERT INTO {to} ({columns}) SELECT {columns} FROM {from} WHERE {these}"));
            texts.push(format!("DELETE stray FROM {from} AS stray JOIN {to} AS home ON {equal} WHERE stray.{these}"));
        }
        texts.push("COMMIT".to_owned());
        Ok(texts.into_iter().map(Statement::new).collect())
    }

    pub(super) fn align(&self, difference: &Difference) -> Written {
        match difference {
            Difference::Engine { most, .. } => self.alter(&format!("ENGINE = {}", text(most))),
            Difference::Collation { most, .. } => self.alter(&format!("COLLATE = {}", text(most))),
            Difference::Column { here, most: Some(most), .. } => {
                let definition = column_definition(most, self.capabilities)?;
                self.alter(&format!("{} COLUMN {definition}", if here.is_some() { "MODIFY" } else { "ADD" }))
            }
            Difference::Key { here, most: Some(most), .. } => self.replace_key(here.as_ref(), most),
            Difference::Column { .. } | Difference::Key { .. } => Ok(Vec::new()),
        }
    }

    pub(super) fn drop_triggers(&self, triggers: &[String]) -> Written {
        let schema = Ident::new(&self.spec.schema)?;
        let drop = |name: &String| Ok(Statement::new(format!("DROP TRIGGER IF EXISTS {schema}.{}", Ident::new(name)?)));
        triggers.iter().map(drop).collect()
    }

    pub(super) fn grant(&self, privileges: &[&'static str]) -> Written {
        // In GRANT a schema is a pattern.
        let schema = Ident::new(&self.spec.schema.replace('_', "\\_").replace('%', "\\%"))?;
        let of = &self.facts.privileges;
        let user = format!("{}@{}", text(&of.user), text(&of.host));
        // The first are granted for the whole server or not at all (1221).
        let on = |one: &'static str| match one {
            "PROCESS" => (one, "*.*".to_owned()),
            CONNECTION_ADMIN => (self.capabilities.connection_admin(), "*.*".to_owned()),
            LOCK_HOLDERS => ("SELECT", "performance_schema.*".to_owned()),
            _ => (one, format!("{schema}.*")),
        };
        let mut grants: Vec<(Vec<&'static str>, String)> = Vec::new();
        for (privilege, on) in privileges.iter().copied().map(on) {
            match grants.iter_mut().find(|(_, known)| *known == on) {
                Some((these, _)) => these.push(privilege),
                None => grants.push((vec![privilege], on)),
            }
        }
        let grant = |(these, on): (Vec<&'static str>, String)| {
            Statement::new(format!("GRANT {} ON {on} TO {user}", these.join(", ")))
        };
        Ok(grants.into_iter().map(grant).collect())
    }

    /// Is one of the months' names another partition's?
    pub(super) fn is_name_taken(&self, months: &[(Month, DateTime<Utc>)], besides: &str) -> bool {
        let TableState::Partitioned { partitions, .. } = self.state() else { return false };
        months.iter().any(|(month, _)| {
            let name = PartitionName::for_month(*month).to_string();
            partitions.iter().any(|known| known.name != besides && known.name.eq_ignore_ascii_case(&name))
        })
    }

    fn state(&self) -> &TableState {
        let mut entries = self.facts.inventory.shards.iter();
        entries.find(|entry| entry.table == self.table).map_or(&TableState::Missing, |entry| &entry.state)
    }

    fn expression(&self) -> Result<&PartitionExpression, PlanSqlError> {
        match self.state() {
            TableState::Partitioned { expression, .. } => Ok(expression),
            _ => Err(PlanSqlError::NotPartitioned(self.table.to_owned())),
        }
    }

    fn shape(&self) -> Option<&Table> {
        self.facts.tables.get(self.table)
    }
}

/// `PARTITION BY`, as the column's type asks for.
pub(crate) fn partition_clause(
    column: &str,
    column_type: &str,
    months: &[(Ident, DateTime<Utc>)],
    capabilities: &Capabilities,
) -> Result<String, PlanSqlError> {
    let (raw, column) = (column.to_owned(), Ident::new(column)?);
    let columns = format!("RANGE COLUMNS ({column})");
    let (by, expression) = match column_type {
        "timestamp" => {
            (format!("RANGE (UNIX_TIMESTAMP({column}))"), PartitionExpression::UnixTimestamp { column: raw })
        }
        "date" => (columns, PartitionExpression::RangeColumnsDate { column: raw }),
        _ => (columns, PartitionExpression::RangeColumnsDatetime { column: raw }),
    };
    Ok(format!("PARTITION BY {by} ({})", parts(&expression, months, capabilities)?))
}

fn named(months: &[(Month, DateTime<Utc>)]) -> Result<Vec<(Ident, DateTime<Utc>)>, PlanSqlError> {
    months
        .iter()
        .map(|(month, before)| Ok((Ident::new(&PartitionName::for_month(*month).to_string())?, *before)))
        .collect()
}

fn key_definition(key: &Key) -> Result<String, PlanSqlError> {
    let unsupported = || PlanSqlError::Unsupported(format!("the key {} on an expression", key.name));
    let columns = key.columns.iter().map(|(name, prefix)| {
        let column = Ident::new(name.as_deref().ok_or_else(unsupported)?)?;
        Ok(prefix.map_or_else(|| column.to_string(), |length| format!("{column}({length})")))
    });
    let columns = columns.collect::<Result<Vec<_>, PlanSqlError>>()?.join(", ");
    Ok(match (key.name.as_str(), key.unique) {
        ("PRIMARY", _) => format!("PRIMARY KEY ({columns})"),
        (name, true) => format!("UNIQUE KEY {} ({columns})", Ident::new(name)?),
        (name, false) => format!("KEY {} ({columns})", Ident::new(name)?),
    })
}

fn column_definition(column: &Column, capabilities: &Capabilities) -> Result<String, PlanSqlError> {
    let extra = column.extra.to_ascii_lowercase();
    if column.is_generated() {
        return Err(PlanSqlError::Unsupported(format!("the generated column {}", column.name)));
    }
    let mut definition = format!("{} {}", Ident::new(&column.name)?, column.column_type);
    if let Some(collation) = &column.collation {
        definition += &format!(" COLLATE {}", text(collation));
    }
    definition += if column.nullable { " NULL" } else { " NOT NULL" };
    match (&column.default, capabilities.kind()) {
        (None, _) => {}
        // MariaDB spells it as SQL; MySQL spells a literal bare and marks an expression.
        (Some(sql), EngineKind::MariaDb) => definition += &format!(" DEFAULT {sql}"),
        (Some(sql), EngineKind::MySql) if sql.to_ascii_uppercase().starts_with("CURRENT_TIMESTAMP") => {
            definition += &format!(" DEFAULT {sql}");
        }
        (Some(sql), EngineKind::MySql) if extra.contains("default_generated") => {
            definition += &format!(" DEFAULT ({sql})");
        }
        (Some(literal), EngineKind::MySql) => definition += &format!(" DEFAULT {}", text(literal)),
    }
    if let Some(at) = extra.find("on update") {
        definition += &format!(" {}", &extra[at..]);
    }
    Ok(if extra.contains("auto_increment") { definition + " AUTO_INCREMENT" } else { definition })
}

/// A text literal.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}
