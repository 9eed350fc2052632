//! Of shards that differ from each other.

use super::Said;
use super::sql::Writer;
use payhist_plan::doctor::differences::Difference;
use payhist_plan::doctor::facts::{Column, Key};

pub(super) fn differs(difference: &Difference, writer: &Writer) -> Said {
    let spell = |column: &Column| {
        let default = column.default.as_ref().map(|default| format!(" DEFAULT {default}")).unwrap_or_default();
        let collation = column.collation.as_ref().map(|collation| format!(" {collation}")).unwrap_or_default();
        format!(
            "{}{collation}{}{default} {}",
            column.column_type,
            if column.nullable { " NULL" } else { " NOT NULL" },
            column.extra
        )
        .trim_end()
        .to_owned()
    };
    let columns = |key: &Key| {
        let names = key.columns.iter().map(|(name, _)| name.as_deref().unwrap_or("an expression"));
        format!("{}({})", if key.unique { "unique " } else { "" }, names.collect::<Vec<_>>().join(", "))
    };
    let absent = || "absent".to_owned();
    let what = match difference {
        Difference::Engine { here, most } => format!("its engine is {here}, of most shards {most}"),
        Difference::Collation { here, most } => format!("its collation is {here}, of most shards {most}"),
        Difference::Column { name, here, most } => format!(
            "its column {name} is {}, on most shards {}",
            here.as_ref().map_or_else(absent, spell),
            most.as_ref().map_or_else(absent, spell)
        ),
        Difference::Key { name, here, most } => format!(
            "its key {name} is {}, on most shards {}",
            here.as_ref().map_or_else(absent, columns),
            most.as_ref().map_or_else(absent, columns)
        ),
    };
    let said = Said::new(
        "shards_differ",
        what,
        "the same query fails, sorts or takes its time differently on one shard; EXCHANGE wants equal tables (error 1736)",
    )
    .sql(writer.align(difference));
    match difference {
        Difference::Column { most: None, .. } | Difference::Key { most: None, .. } => {
            said.steps("Add it to the other shards if it is wanted; otherwise drop it yourself, once nothing uses it.")
        }
        _ => said.steps("It may copy the table. If most shards are wrong, change those instead."),
    }
}
