//! Can pages read the tables: are the configured columns there, of a type that can be read, and with the keys they need?

use payhist_types::columns::{Columns, Place};
use payhist_types::doctor::Severity;
use payhist_types::inventory::{ShardInventory, TableState};

use super::facts::{Column, Table};
use super::{Ailment, Case, Found, found};
use crate::hot_path::HotPath;

/// Columns that are not there, told once: a shard that lacks what the others have differs from them.
pub(super) fn of_history(case: &Case) -> Option<Found> {
    let table = case.entries().find_map(|entry| case.facts.tables.get(&entry.table))?;
    let own = Columns::own();
    let places = case.spec.columns.as_deref().unwrap_or(&own).places();
    let missing: Vec<_> = places
        .into_iter()
        .filter_map(|(_, place)| match place {
            Place::Column(name) if table.column(name).is_none() => Some(name.to_owned()),
            _ => None,
        })
        .collect();
    // What the configuration names should be there; tables that nobody mapped are perhaps only to be rotated.
    let severity = if case.spec.columns.is_some() { Severity::Error } else { Severity::Info };
    (!missing.is_empty()).then(|| found(case.spec, severity, None, Ailment::BrowsedColumns { missing }))
}

/// What keeps pages from reading a shard of an adopted history, or makes them slow.
pub(super) fn of_shard(case: &Case, entry: &ShardInventory) -> Vec<Found> {
    let (Some(columns), Some(table)) = (&case.spec.columns, case.facts.tables.get(&entry.table)) else {
        return Vec::new();
    };
    let mut ailments: Vec<_> = wrong_types(columns, table).collect();
    ailments.extend(partitioned_by_other(columns, &entry.state));
    ailments.extend(missing_keys(columns, table));
    ailments.extend(unknown_words(case, columns, entry, table));
    ailments.into_iter().map(|(severity, ailment)| found(case.spec, severity, Some(entry.shard), ailment)).collect()
}

fn wrong_types<'a>(columns: &'a Columns, table: &'a Table) -> impl Iterator<Item = (Severity, Ailment)> + use<'a> {
    columns.places().into_iter().filter_map(|(own, place)| {
        let Place::Column(name) = place else { return None };
        let column = table.column(name)?;
        let wanted = wanted_type(own, &column.data_type)?;
        Some((Severity::Error, Ailment::ColumnType { own, column: column.clone(), wanted }))
    })
}

/// What a column should be instead; `None`: it is as it should be.
fn wanted_type(own: &str, data_type: &str) -> Option<&'static str> {
    let whole = data_type.ends_with("int");
    let time = ["date", "datetime", "timestamp"].contains(&data_type);
    let text = data_type.ends_with("char") || data_type.ends_with("text") || data_type == "enum";
    let (fits, wanted) = match own {
        "payment_id" | "user_id" | "version" => (whole, "a whole number"),
        "amount" => (whole || data_type == "decimal", "DECIMAL or a whole number: money is never a float"),
        "created_at" | "updated_at" => (time, "DATETIME, TIMESTAMP or DATE"),
        _ => (text || whole, "text, ENUM or a whole number"),
    };
    (!fits).then_some(wanted)
}

fn partitioned_by_other(columns: &Columns, state: &TableState) -> Option<(Severity, Ailment)> {
    let TableState::Partitioned { expression, .. } = state else { return None };
    let partitioned_by = expression.column()?;
    let created_at = columns.created_at.clone();
    (!partitioned_by.eq_ignore_ascii_case(&created_at)).then(|| {
        (Severity::Warning, Ailment::PartitionedByOther { partitioned_by: partitioned_by.to_owned(), created_at })
    })
}

/// Of reads whose columns are there.
fn missing_keys<'a>(columns: &'a Columns, table: &'a Table) -> impl Iterator<Item = (Severity, Ailment)> + use<'a> {
    HotPath::OF_PAGES.into_iter().filter_map(|path| {
        let wanted = path.columns(columns)?;
        let known = wanted.iter().all(|name| table.column(name).is_some());
        (known && path.served_by(columns, &table.keys).is_none()).then(|| {
            let columns = wanted.into_iter().map(str::to_owned).collect();
            (Severity::Warning, Ailment::NoKeyFor { path, columns })
        })
    })
}

fn unknown_words(case: &Case, columns: &Columns, entry: &ShardInventory, table: &Table) -> Option<(Severity, Ailment)> {
    let looked = case.facts.looks.get(&entry.shard).and_then(|looks| looks.statuses.clone());
    let declared = table.column(&columns.status).map(words_of_enum).unwrap_or_default();
    let mut words: Vec<_> = looked.into_iter().flatten().chain(declared).collect();
    words.retain(|word| columns.status_of(word).is_none());
    words.sort_unstable();
    words.dedup();
    (!words.is_empty()).then_some((Severity::Error, Ailment::StatusWords(words)))
}

/// The words that an ENUM can hold: `enum('a','it''s')` as both catalogues spell it.
fn words_of_enum(column: &Column) -> Vec<String> {
    let inner = column.column_type.strip_prefix("enum('").and_then(|rest| rest.strip_suffix("')"));
    inner.map(|inner| inner.split("','").map(|word| word.replace("''", "'")).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_never_a_float_and_an_id_never_text() {
        assert!(wanted_type("amount", "double").is_some() && wanted_type("amount", "float").is_some());
        assert!(wanted_type("payment_id", "varchar").is_some() && wanted_type("status", "binary").is_some());
        for (own, kind) in [("amount", "decimal"), ("amount", "bigint"), ("status", "tinyint"), ("created_at", "date")]
        {
            assert_eq!(wanted_type(own, kind), None, "{own} {kind}");
        }
    }

    #[test]
    fn an_enum_tells_all_its_words() {
        let column = |kind: &str| Column {
            name: "state".into(),
            data_type: "enum".into(),
            column_type: kind.into(),
            nullable: false,
            default: None,
            extra: String::new(),
            collation: None,
        };
        assert_eq!(words_of_enum(&column("enum('done','it''s')")), ["done", "it's"]);
        assert!(words_of_enum(&column("varchar(9)")).is_empty());
    }
}
