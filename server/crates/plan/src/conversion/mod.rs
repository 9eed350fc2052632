//! Can a table without partitions be converted while writes go on, and how?
//!
//! Invariant: what could lose a row, or cannot be known, is an obstacle; what weakens a key is said in the plan.

mod check;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use payhist_types::conversion::{Conversion, ConversionPlan, KeyColumn, KeyKind};
use payhist_types::history::Policy;
use payhist_types::plan::NewMonth;

use crate::doctor::facts::{Column, Key, Looks, Table};
use crate::doctor::layout::{layout, time_column};
use crate::months;
use crate::rotation::sha256;
pub use check::check;

/// What the name of the table ends with that is kept as it was.
pub const KEPT_SUFFIX: &str = "_before_payhist";
const SHADOW_SUFFIX: &str = "_payhist_new";
/// What the triggers are called after.
const EVENTS: [&str; 3] = ["delete", "update", "insert"];

/// The table that gets the partitions, until it takes the other's place, in the conversion after so many earlier ones.
pub fn shadow_name(table: &str, earlier: u64) -> String {
    format!("{table}{SHADOW_SUFFIX}{}", number(earlier))
}

/// The triggers that repeat each write to a table, on DELETE, UPDATE, INSERT, in the conversion after so many earlier ones.
pub fn trigger_names(table: &str, earlier: u64) -> [String; 3] {
    EVENTS.map(|event| format!("payhist_{event}{}_{table}", number(earlier)))
}

/// Is it the shadow of some conversion of that table?
pub fn is_shadow(name: &str, table: &str) -> bool {
    name.strip_prefix(table).and_then(|rest| rest.strip_prefix(SHADOW_SUFFIX)).is_some_and(is_number)
}

/// Is it a trigger of some conversion of that table?
pub fn is_trigger(name: &str, table: &str) -> bool {
    let rest = name.strip_prefix("payhist_").and_then(|rest| rest.strip_suffix(table)?.strip_suffix('_'));
    rest.is_some_and(|rest| EVENTS.iter().any(|event| rest.strip_prefix(event).is_some_and(is_number)))
}

/// The first conversion has no number.
fn number(earlier: u64) -> String {
    if earlier == 0 { String::new() } else { (earlier + 1).to_string() }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What stands around a table.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Triggers on it.
    pub triggers: Vec<String>,
    /// Foreign keys from and to it, of any schema.
    pub foreign_keys: Vec<String>,
    /// Keys that partitioned tables cannot have: FULLTEXT and SPATIAL.
    pub special_keys: Vec<String>,
    /// Tables that have the names which a conversion needs.
    pub names_taken: Vec<String>,
    /// The binary log is on, and the user may not create triggers then (1419).
    pub triggers_forbidden: bool,
    /// Earliest and latest time of its rows.
    pub extent: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// About how many rows and bytes it has.
    pub rows_estimate: u64,
    /// Data and indexes.
    pub bytes: u64,
    /// What could not be looked at.
    pub unknown: Vec<String>,
}

/// Judges a table.
///
/// # Errors
/// Each obstacle with its remedy.
pub fn judge(
    table: &Table,
    hint: &str,
    around: &Surroundings,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Conversion, Vec<String>> {
    let mut obstacles = of_surroundings(table, around);
    let time = time_column(table, hint);
    match time {
        None => obstacles.push("no single column of type DATE, DATETIME or TIMESTAMP says when a row was created; name it as created_at in [history.columns]".to_owned()),
        Some(column) => obstacles.extend(unfit_time(column)),
    }
    let primary = table.keys.iter().find(|key| key.name == "PRIMARY");
    let key = primary.map_or_else(
        || Err("it has no primary key, so no row can be told from another".to_owned()),
        |key| key_columns(table, key),
    );
    obstacles.extend(key.as_ref().err().cloned());
    if let Some(time) = time {
        let narrow = table.keys.iter().filter(|key| key.unique && key.name != "PRIMARY" && !has(key, &time.name));
        obstacles.extend(narrow.map(|key| {
            format!(
                "the unique key {} lacks {} (1503): widened, it would no longer keep its columns unique; doctor writes the SQL, or drop it yourself",
                key.name, time.name
            )
        }));
    }
    let looks = Looks { extent: around.extent, ..Looks::default() };
    let found = layout(table, hint, &looks, None, policy, now);
    if found.is_none() && time.is_some() {
        obstacles.push("its rows span more than twenty years of months: mend the times that are none".to_owned());
    }
    let (Some(layout), Ok(key), true) = (found, key, obstacles.is_empty()) else { return Err(obstacles) };
    let month = |(month, before)| NewMonth { month, partition: months::partition_name(month), before };
    let names = |wanted: fn(&Column) -> bool| {
        table.columns.iter().filter(|column| wanted(column)).map(|column| column.name.clone()).collect()
    };
    Ok(Conversion {
        widens_key: !primary.is_some_and(|key| has(key, &layout.column.name)),
        key,
        written: names(|column| !column.is_generated()),
        columns: names(|_| true),
        months: layout.months.into_iter().map(month).collect(),
        time: layout.column.name,
        time_type: layout.column.column_type,
    })
}

/// What an operator should know before a table is converted.
pub fn notes(conversion: &Conversion, around: &Surroundings) -> Vec<String> {
    let mut notes = vec![format!(
        "it needs about {} MB more on the server's disk until the kept table is dropped; payhist cannot see how much there is",
        around.bytes.div_ceil(1_000_000)
    )];
    if conversion.widens_key {
        let key: Vec<_> = conversion.key.iter().map(|column| column.name.as_str()).collect();
        notes.push(format!(
            "PRIMARY KEY ({0}) becomes ({0}, {1}), as the engine demands (1503): it no longer keeps ({0}) unique by itself, \
             nor does ON DUPLICATE KEY or REPLACE find a row of another {1}",
            key.join(", "),
            conversion.time
        ));
    }
    notes
}

fn of_surroundings(table: &Table, around: &Surroundings) -> Vec<String> {
    let mut obstacles = Vec::new();
    if !table.engine.eq_ignore_ascii_case("InnoDB") {
        obstacles.push(format!("its engine is {:?}: a copy under writes needs an InnoDB table", table.engine));
    }
    obstacles.extend(around.foreign_keys.iter().map(|key| {
        format!(
            "the foreign key {key}: a partitioned table can have none (1506), and what it cascades fires no trigger"
        )
    }));
    obstacles.extend(around.triggers.iter().map(|name| {
        format!("the trigger {name}: it would stay with the old table; drop it, convert, and create it again")
    }));
    let special = |name| format!("the key {name}: no partitioned table has a FULLTEXT or SPATIAL one (1214)");
    obstacles.extend(around.special_keys.iter().map(special));
    obstacles.extend(around.names_taken.iter().map(|name| format!("there is a table {name}: rename or drop it")));
    if around.triggers_forbidden {
        obstacles.push(
            "the binary log is on, and payhist's user may create no triggers then (1419): SET GLOBAL log_bin_trust_function_creators = 1"
                .to_owned(),
        );
    }
    obstacles.extend(around.unknown.iter().map(|what| format!("not known: {what}")));
    obstacles
}

fn unfit_time(column: &Column) -> Vec<String> {
    let mut obstacles = Vec::new();
    if column.nullable {
        obstacles
            .push(format!("{} may be NULL, and no primary key may hold that: make it NOT NULL first", column.name));
    }
    if column.is_generated() {
        obstacles.push(format!("{} is computed from other columns", column.name));
    }
    if column.data_type == "timestamp" && column.column_type != "timestamp" {
        obstacles.push(format!(
            "{} is {}: UNIX_TIMESTAMP of fractions is refused (1491); make it a DATETIME first",
            column.name, column.column_type
        ));
    }
    obstacles
}

/// The key's columns; a type whose values cannot be written and read back the same is refused, and so is a TIMESTAMP, which
/// each session's zone compares otherwise.
fn key_columns(table: &Table, key: &Key) -> Result<Vec<KeyColumn>, String> {
    let column = |(name, prefix): &(Option<String>, Option<u64>)| {
        let found = name.as_deref().and_then(|name| table.column(name)).filter(|_| prefix.is_none());
        let kind = found.and_then(|column| {
            Some(match column.data_type.as_str() {
                "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" => KeyKind::Number,
                "char" | "varchar" | "date" | "datetime" => KeyKind::Text,
                "binary" | "varbinary" => KeyKind::Bytes,
                _ => return None,
            })
        });
        let name = name.clone().unwrap_or_else(|| "expression".to_owned());
        kind.map(|kind| KeyColumn { name: name.clone(), kind })
            .ok_or_else(|| format!("the primary key's {name} is of a type that a copy cannot be resumed behind"))
    };
    key.columns.iter().map(column).collect()
}

fn has(key: &Key, column: &str) -> bool {
    key.columns.iter().any(|(name, _)| name.as_deref() == Some(column))
}

/// Are table and shadow still what the conversion was planned for? An ALTER of somebody else's would be lost.
///
/// # Errors
/// What is not.
pub fn same_shape(table: &Table, shadow: &Table, conversion: &Conversion) -> Result<(), String> {
    let names: Vec<_> = table.columns.iter().map(|column| &column.name).collect();
    let key = |key: &Key| {
        let mut key = key.clone();
        if key.name == "PRIMARY" && conversion.widens_key {
            key.columns.push((Some(conversion.time.clone()), None));
        }
        key
    };
    let keys: Vec<_> = table.keys.iter().map(key).collect();
    if names != conversion.columns.iter().collect::<Vec<_>>() || table.columns != shadow.columns {
        return Err("the table's columns were changed since the conversion began".to_owned());
    }
    if keys != shadow.keys || table.engine != shadow.engine || table.collation != shadow.collation {
        return Err("the table's keys or options were changed since the conversion began".to_owned());
    }
    if shadow.partitioned && !table.partitioned { Ok(()) } else { Err("the wrong table has the partitions".to_owned()) }
}

/// Renews a plan's hash; to be called when its tables have their SQL.
pub fn rehash(plan: &mut ConversionPlan) {
    let tables =
        plan.tables.iter().map(|table| (table.shard, &table.table, &table.left_alone, &table.conversion, &table.sql));
    plan.hash.0 = sha256(&(&plan.history, tables.collect::<Vec<_>>()));
}
