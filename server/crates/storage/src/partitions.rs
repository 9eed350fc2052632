//! Partitions as the catalogue has them: two queries for a whole history, and a third where it has held rows.

use crate::error::{During, StorageError, from_ident};
use crate::twins::{self, Candidate};
use crate::{ddl, dynamic, intervals};
use payhist_dialect::boundary::VERSIONED_METHOD;
use payhist_dialect::quarantine::Counted;
use payhist_dialect::split::Split;
use payhist_dialect::{Capabilities, Ident, TableName, boundary};
use payhist_plan::held;
use payhist_types::inventory::{
    Boundary, Carving, Column, HeldState, HeldTable, Partition, ShardInventory, TableState,
};
use sea_query::{Alias, Expr, ExprTrait, JoinType, Order, Query, SelectStatement};
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use std::collections::{BTreeMap, HashMap};

/// Reads the state of the named tables of a schema. A table that is not there is not in the answer.
pub async fn read(
    connection: &mut MySqlConnection,
    schema: &str,
    tables: &[&str],
) -> Result<HashMap<String, TableState>, StorageError> {
    let held: Vec<_> = tables.iter().map(|table| held::name(table)).collect();
    let named: Vec<_> = tables.iter().copied().chain(held.iter().map(String::as_str)).collect();
    let definitions = definitions(connection, schema, &named).await?;
    let mut select = catalogue("PARTITIONS", schema, &named);
    select
        .columns(
            [
                "TABLE_NAME",
                "PARTITION_NAME",
                "PARTITION_METHOD",
                "SUBPARTITION_METHOD",
                "PARTITION_EXPRESSION",
                "PARTITION_DESCRIPTION",
            ]
            .map(Alias::new),
        )
        .expr_as(Expr::cust("CAST(COALESCE(PARTITION_ORDINAL_POSITION, 0) AS UNSIGNED)"), Alias::new("ordinal"))
        .expr_as(Expr::cust("CAST(COALESCE(TABLE_ROWS, 0) AS UNSIGNED)"), Alias::new("row_estimate"))
        .expr_as(
            Expr::cust("CAST(COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0) AS UNSIGNED)"),
            Alias::new("bytes"),
        )
        .expr_as(Expr::cust("VERSION()"), Alias::new("server_version"))
        .order_by(Alias::new("TABLE_NAME"), Order::Asc)
        .order_by(Alias::new("PARTITION_ORDINAL_POSITION"), Order::Asc);
    let rows = dynamic::fetch_all(connection, "partitions.read", &select).await?;
    let mut found = HashMap::new();
    let mut candidates: BTreeMap<String, Candidate> = BTreeMap::new();
    for row in &rows {
        let table: String = row.try_get("TABLE_NAME").during("partitions.read")?;
        if tables.contains(&table.as_str()) {
            let type_of = |column: &str| Some(definitions.get(&table)?.types.get(column)?.clone());
            add(&mut found, row, &table, type_of).during("partitions.read")?;
        } else {
            note(candidates.entry(table).or_default(), row).during("partitions.read")?;
        }
    }
    if may_have_intervals(&rows).during("partitions.read")? {
        for (table, state) in &mut found {
            intervals::refuse(connection, schema, table, state).await;
        }
    }
    for (name, candidate) in candidates {
        let definition = definitions.get(&name);
        let columns = |table: &str| definitions.get(table).map(|definition| &definition.columns);
        let comment = definition.map_or("", |definition| definition.comment.as_str());
        if let Some(place) = held.iter().position(|held| *held == name) {
            let same_columns = columns(tables[place]) == columns(&name);
            shelve(&mut found, tables[place], name, &candidate, comment, same_columns);
            continue;
        }
        twins::adopt(&mut found, &name, &candidate, comment, |table| columns(table) == columns(&name));
    }
    for (table, state) in &mut found {
        let Some(definition) = definitions.get(table) else { continue };
        let is_known = matches!(state, TableState::Partitioned { expression, .. } if expression.column().is_some());
        if definition.versioned && is_known {
            intervals::forget(state, VERSIONED_METHOD);
        }
        if let TableState::Partitioned { carving, .. } = state {
            carving.columns.clone_from(&definition.copied);
        }
    }
    Ok(found)
}

fn may_have_intervals(rows: &[MySqlRow]) -> Result<bool, sqlx::Error> {
    let Some(row) = rows.first() else { return Ok(false) };
    let version: String = row.try_get("server_version")?;
    Ok(Capabilities::detect(&version).is_ok_and(|capabilities| capabilities.has_interval_partitions()))
}

/// Tells how far a held-rows table is.
fn shelve(
    found: &mut HashMap<String, TableState>,
    table: &str,
    name: String,
    candidate: &Candidate,
    comment: &str,
    same_columns: bool,
) {
    let Some(TableState::Partitioned { carving, .. }) = found.get_mut(table) else { return };
    let state = match candidate.partitioned {
        true if payhist_dialect::held::is_unmarked(comment) => HeldState::Unfinished,
        false if payhist_dialect::held::is_marked(comment, table) => HeldState::Ready,
        _ => HeldState::Foreign,
    };
    let Candidate { rows_estimate, bytes, .. } = *candidate;
    carving.held = Some(HeldTable { name, state, same_columns, rows_estimate, bytes, released_rows: None });
}

/// The state of one table.
pub async fn read_one(connection: &mut MySqlConnection, schema: &str, table: &str) -> Result<TableState, StorageError> {
    Ok(read(connection, schema, &[table]).await?.remove(table).unwrap_or(TableState::Missing))
}

/// Counts the rows of one partition, exactly.
pub async fn count_rows(
    connection: &mut MySqlConnection,
    schema: &str,
    table: &str,
    partition: &str,
) -> Result<u64, StorageError> {
    let table = TableName::new(schema, table).map_err(from_ident)?;
    let partition = Ident::new(partition).map_err(from_ident)?;
    ddl::fetch_count(connection, &payhist_dialect::ddl::count_rows(&table, &partition)).await
}

/// Counts the rows of MAXVALUE partitions, each up to `ROWS_COUNTED_MAX`, in one statement.
pub async fn count_max_values<'a>(
    connection: &mut MySqlConnection,
    schema: &str,
    shards: impl Iterator<Item = &'a mut ShardInventory>,
) -> Result<(), StorageError> {
    let (mut counted, mut places) = (Vec::new(), Vec::new());
    for shard in shards {
        let TableState::Partitioned { partitions, .. } = &shard.state else { continue };
        let Some(max) = partitions.iter().find(|partition| partition.upper == Boundary::MaxValue) else { continue };
        let table = TableName::new(schema, &shard.table).map_err(from_ident)?;
        counted.push(Counted { table, partition: Some(Ident::new(&max.name).map_err(from_ident)?) });
        places.push(&mut shard.max_value_rows);
    }
    for (place, rows) in twins::counts(connection, &counted).await? {
        if let Some(found) = places.get_mut(place) {
            **found = Some(rows);
        }
    }
    Ok(())
}

/// Counts the rows of the MAXVALUE partition that a split is about, up to `ROWS_COUNTED_MAX`.
pub async fn count_before_split(connection: &mut MySqlConnection, split: &Split) -> Result<u64, StorageError> {
    ddl::fetch_count(connection, &split.count()).await
}

fn add(
    found: &mut HashMap<String, TableState>,
    row: &MySqlRow,
    table: &str,
    type_of: impl Fn(&str) -> Option<String>,
) -> Result<(), sqlx::Error> {
    let Some(name) = row.try_get::<Option<String>, _>("PARTITION_NAME")? else {
        found.insert(table.to_owned(), TableState::NotPartitioned);
        return Ok(());
    };
    let text = |column| row.try_get::<Option<String>, _>(column).map(Option::unwrap_or_default);
    let state = match found.entry(table.to_owned()) {
        std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
        std::collections::hash_map::Entry::Vacant(new) => {
            // With subpartitions, each partition has several rows here, and an EXCHANGE of it is refused (1732).
            let method = match text("SUBPARTITION_METHOD")?.as_str() {
                "" => text("PARTITION_METHOD")?,
                inner => format!("{}, SUBPARTITION BY {inner}", text("PARTITION_METHOD")?),
            };
            let expression = boundary::parse_expression(&method, &text("PARTITION_EXPRESSION")?, type_of);
            let carving = Carving::default();
            new.insert(TableState::Partitioned { expression, partitions: Vec::new(), twins: Vec::new(), carving })
        }
    };
    let TableState::Partitioned { expression, partitions, .. } = state else { return Ok(()) };
    let description = row.try_get::<Option<String>, _>("PARTITION_DESCRIPTION")?;
    partitions.push(Partition {
        upper: description.map_or_else(|| Boundary::Unknown(String::new()), |text| boundary::parse(expression, &text)),
        name,
        ordinal: u32::try_from(row.try_get::<u64, _>("ordinal")?).unwrap_or(u32::MAX),
        rows_estimate: row.try_get("row_estimate")?,
        bytes: row.try_get("bytes")?,
    });
    Ok(())
}

fn note(candidate: &mut Candidate, row: &MySqlRow) -> Result<(), sqlx::Error> {
    candidate.partitioned = row.try_get::<Option<String>, _>("PARTITION_NAME")?.is_some();
    candidate.rows_estimate += row.try_get::<u64, _>("row_estimate")?;
    candidate.bytes += row.try_get::<u64, _>("bytes")?;
    Ok(())
}

/// What a table is made of.
#[derive(Debug, Default)]
struct Definition {
    comment: String,
    /// Keeps it the versions of its rows?
    versioned: bool,
    /// Data types of the columns that a table may be partitioned by.
    types: HashMap<String, String>,
    /// Each column in full, in order.
    columns: Vec<String>,
    /// Those whose values are copied with a row.
    copied: Vec<Column>,
}

const CATALOGUE_COLUMNS: [&str; 8] =
    ["TABLE_NAME", "COLUMN_NAME", "DATA_TYPE", "COLUMN_TYPE", "IS_NULLABLE", "COLLATION_NAME", "COLUMN_KEY", "EXTRA"];

async fn definitions(
    connection: &mut MySqlConnection,
    schema: &str,
    tables: &[&str],
) -> Result<HashMap<String, Definition>, StorageError> {
    let mut select = catalogue("COLUMNS", schema, tables);
    let of = |view: &str, column: &str| Expr::col((Alias::new(view), Alias::new(column)));
    let same = |column: &str| of("COLUMNS", column).equals((Alias::new("TABLES"), Alias::new(column)));
    select
        .columns(CATALOGUE_COLUMNS.map(|column| (Alias::new("COLUMNS"), Alias::new(column))))
        .column((Alias::new("TABLES"), Alias::new("TABLE_COMMENT")))
        .column((Alias::new("TABLES"), Alias::new("TABLE_TYPE")))
        .join(
            JoinType::InnerJoin,
            (Alias::new("information_schema"), Alias::new("TABLES")),
            same("TABLE_SCHEMA").and(same("TABLE_NAME")),
        )
        .order_by((Alias::new("COLUMNS"), Alias::new("TABLE_NAME")), Order::Asc)
        .order_by((Alias::new("COLUMNS"), Alias::new("ORDINAL_POSITION")), Order::Asc);
    let rows = dynamic::fetch_all(connection, "partitions.columns", &select).await?;
    let comments = rows.iter().map(|row| row.try_get::<Option<String>, _>("TABLE_COMMENT"));
    let comments: Vec<_> = comments.collect::<Result<_, _>>().during("partitions.columns")?;
    // Their order matters to the deletion of held rows alone.
    let keys = if comments.into_iter().flatten().all(|comment| payhist_dialect::held::is_unmarked(&comment)) {
        HashMap::new()
    } else {
        primary_keys(connection, schema, tables).await?
    };
    let mut found: HashMap<String, Definition> = HashMap::new();
    for row in &rows {
        let text = |column| row.try_get::<Option<String>, _>(column).during("partitions.columns");
        let text = |column| Ok::<_, StorageError>(text(column)?.unwrap_or_default());
        let table = text("TABLE_NAME")?;
        let key = keys.get(&table);
        let definition = found.entry(table).or_default();
        definition.comment = text("TABLE_COMMENT")?;
        definition.versioned = text("TABLE_TYPE")? == "SYSTEM VERSIONED";
        let column = text("COLUMN_NAME")?;
        let full = [column.clone(), text("COLUMN_TYPE")?, text("IS_NULLABLE")?, text("COLLATION_NAME")?];
        let extra = text("EXTRA")?.to_ascii_lowercase();
        if !["virtual", "stored", "persistent"].iter().any(|made| extra.contains(made)) {
            // A unique key that stands in for a primary key is marked like one, but in no list.
            let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
            let in_key = || key.and_then(|key| key.iter().position(|name| *name == column)).map(place);
            let is_key = text("COLUMN_KEY")? == "PRI";
            let key = is_key.then(|| in_key().unwrap_or_else(|| place(definition.copied.len())));
            let is_text = !text("COLLATION_NAME")?.is_empty();
            definition.copied.push(Column { name: column.clone(), is_text, key });
        }
        definition.columns.push(full.join(" "));
        let data_type = text("DATA_TYPE")?;
        if ["date", "datetime", "timestamp"].contains(&data_type.as_str()) {
            definition.types.insert(column, data_type);
        }
    }
    Ok(found)
}

/// The columns of each primary key, in its order. Joined to the others, `MariaDB` would open the tables of all schemas.
async fn primary_keys(
    connection: &mut MySqlConnection,
    schema: &str,
    tables: &[&str],
) -> Result<HashMap<String, Vec<String>>, StorageError> {
    let mut select = catalogue("STATISTICS", schema, tables);
    select
        .columns(["TABLE_NAME", "COLUMN_NAME"].map(Alias::new))
        .and_where(Expr::col(Alias::new("INDEX_NAME")).eq("PRIMARY"))
        .order_by(Alias::new("TABLE_NAME"), Order::Asc)
        .order_by(Alias::new("SEQ_IN_INDEX"), Order::Asc);
    let mut keys: HashMap<String, Vec<String>> = HashMap::new();
    for row in dynamic::fetch_all(connection, "partitions.keys", &select).await? {
        let name = |column| row.try_get::<String, _>(column).during("partitions.keys");
        keys.entry(name("TABLE_NAME")?).or_default().push(name("COLUMN_NAME")?);
    }
    Ok(keys)
}

/// The rows of a catalogue view about the named tables, and about those whose names could be their twins'.
fn catalogue(view: &str, schema: &str, tables: &[&str]) -> SelectStatement {
    let of = |column: &str| Expr::col((Alias::new(view), Alias::new(column)));
    let mut select = Query::select();
    select
        .from((Alias::new("information_schema"), Alias::new(view)))
        .and_where(of("TABLE_SCHEMA").eq(schema))
        .and_where(of("TABLE_NAME").is_in(tables.iter().copied()).or(of("TABLE_NAME").like(twins::NAMES_LIKE)));
    select
}
