//! The doctor's findings in words and SQL.
//!
//! Invariants: every statement is rendered from what the catalogue says, quoted, and bounded like all DDL; none drops a
//! table, a partition or a column. Where SQL could lose rows, the steps are words.

mod conversion;
mod differs;
mod partitions;
mod planner;
mod server;
mod sql;

use crate::boundary::{INTERVAL_METHOD, VERSIONED_METHOD};
use crate::plan_sql::PlanSqlError;
use crate::{Capabilities, Statement};
use payhist_plan::doctor::facts::Facts;
use payhist_plan::doctor::layout::Layout;
use payhist_plan::doctor::{Ailment, Found};
use payhist_types::doctor::Finding;
use payhist_types::history::HistorySpec;
use payhist_types::inventory::PartitionExpression;
use sql::Writer;
pub(crate) use sql::{partition_clause, text};

/// The column by which a user is found.
pub fn user_column(spec: &HistorySpec) -> &str {
    spec.columns.as_deref().map_or("user_id", |columns| &columns.user_id)
}

const ADDS_KEY: &str =
    "It reads the whole table; writers go on meanwhile, but for a moment at its beginning and its end.";
const COPIES: &str = "It copies the whole table and blocks its writers meanwhile: for a large one, in a quiet hour, with room on the disk.";

/// What is said of an ailment.
struct Said {
    code: &'static str,
    what: String,
    why: String,
    sql: Result<Vec<Statement>, PlanSqlError>,
    steps: Option<String>,
}

impl Said {
    fn new(code: &'static str, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { code, what: what.into(), why: why.into(), sql: Ok(Vec::new()), steps: None }
    }

    fn sql(mut self, sql: Result<Vec<Statement>, PlanSqlError>) -> Self {
        self.sql = sql;
        self
    }

    fn steps(mut self, steps: impl Into<String>) -> Self {
        self.steps = Some(steps.into());
        self
    }
}

/// Says it. Statements need to know the engine and the facts; without them there are none.
pub fn explain(found: &Found, spec: &HistorySpec, known: Option<(&Facts, &Capabilities)>) -> Finding {
    let table = found.table.as_deref().unwrap_or_default();
    let said = match known {
        Some((facts, capabilities)) => say(&found.ailment, &Writer { spec, facts, capabilities, table }),
        None => server::of_server(&found.ailment),
    };
    let (sql, steps) = match said.sql {
        Ok(sql) => (sql.iter().map(|statement| statement.as_str().to_owned()).collect(), said.steps),
        Err(error) => (Vec::new(), Some(format!("No SQL can be given: {error}."))),
    };
    Finding {
        code: said.code.to_owned(),
        severity: found.severity,
        source: None,
        shard: found.shard,
        table: found.table.clone(),
        what: said.what,
        why: said.why,
        sql,
        steps,
    }
}

fn say(ailment: &Ailment, writer: &Writer) -> Said {
    match ailment {
        Ailment::Missing { like } => {
            let said = Said::new("missing_table", "the table does not exist", "every insert and page of its users fails (error 1146)");
            match like {
                Some(like) => said.sql(writer.create_like(like)),
                None => said.steps("Create it, or correct schema and table_pattern of the history in the configuration. If it is there, payhist's user has no privilege on it."),
            }
        }
        Ailment::NotPartitioned(layout) => not_partitioned(layout.as_ref(), writer),
        Ailment::Expression { raw, layout } => expression(raw, layout.as_ref(), writer),
        Ailment::ZoneInexpressible { month, layout } => {
            let zone = &writer.spec.policy.zone;
            let said = Said::new(
                "zone_not_expressible",
                format!("its partitions end at midnight UTC, but {month} in {zone} does not"),
                "TO_DAYS, YEAR·100+MONTH and RANGE COLUMNS on a DATE count whole days of UTC: a partition would hold hours of \
                 another month, and payhist refuses to add or drop it",
            );
            match layout {
                Some(_) => repartition(said, layout.as_ref(), writer),
                None => said.steps("A DATE has no time of day, so its months are those of the calendar: set policy.zone = \"UTC\" for this history."),
            }
        }
        Ailment::KeyLacksColumn { key, column } => Said::new(
            "key_lacks_column",
            format!("the unique key {} does not contain {column}", key.name),
            "a partitioned table takes only unique keys with the partition column in them: error 1503 (MySQL manual, \
             \"Partitioning Keys, Primary Keys, and Unique Keys\")",
        )
        .sql(writer.widen_key(key, column))
        .steps("What the narrower key kept unique by itself must be kept so elsewhere, e.g. in an unpartitioned table of idempotency keys."),
        Ailment::ForeignKey(key) => Said::new(
            "foreign_key",
            format!("the foreign key {} of {} refers to {}", key.name, key.table, key.referenced),
            "neither end of a foreign key can be partitioned: error 1506 (MySQL manual, \"Restrictions and Limitations on Partitioning\")",
        )
        .sql(writer.drop_foreign_key(&key.table, &key.name))
        .steps("The application has to keep the reference from then on. Foreign keys from other schemas are not visible here."),
        Ailment::DefaultsToNow { column } => Said::new(
            "default_current_timestamp",
            format!("the partition column {} takes the current time by default", column.name),
            "a prepared INSERT that leaves it out can fail with error 1748 when a new partition begins, since its partitions were \
             chosen when it was prepared",
        )
        .sql(writer.drop_default(column))
        .steps("First bind the column in every INSERT: without a default, those that leave it out fail (1364). A comment of the \
                column is lost: repeat it."),
        Ailment::Differs(difference) => differs::differs(difference, writer),
        Ailment::WrongShard { users } => {
            let named: Vec<_> = users.iter().take(5).map(|(user, shard)| format!("user {user} belongs to shard {shard}")).collect();
            Said::new(
                "wrong_shard",
                format!("rows of other shards' users are in it: {}", named.join(", ")),
                "the route looks for a user in one shard only, so these payments are on no page of theirs, and an erasure would miss them",
            )
            .sql(writer.move_users(users, user_column(writer.spec)))
            .steps("First mend the writer that chose the wrong table. Then repeat until doctor finds no more: it looks at some rows, not at all.")
        }
        Ailment::Misplaced { partition, at } => Said::new(
            "misplaced_rows",
            format!("partition {partition} has a row of {at}, which belongs to another one"),
            "EXCHANGE PARTITION … WITHOUT VALIDATION lets such rows in. Queries that prune do not find them, and they go with the wrong month",
        )
        .sql(crate::Ident::new(partition).map_err(Into::into).and_then(|name| writer.alter(&format!("REPAIR PARTITION {name}"))))
        .steps("REPAIR reads the whole partition, moves the rows that are elsewhere at home, and blocks writers meanwhile."),
        Ailment::Orphan => Said::new(
            "orphaned_exchange_table",
            format!("{} has a shard's columns and name but no partitions", writer.table),
            "an EXCHANGE PARTITION that was not finished leaves such a table: its rows are in no page, erasure or archive",
        )
        .steps("Look at what it holds. Rows of a month whose partition is empty go back by ALTER TABLE … EXCHANGE PARTITION … WITH TABLE …; \
                other rows by INSERT … SELECT. payhist never writes its DROP."),
        Ailment::Gap { .. } | Ailment::Irregular { .. } | Ailment::MaxValue { .. } | Ailment::Runway { .. } => partitions::of_partitions(ailment, writer),
        Ailment::NoKeyFor { path, columns } => Said::new(
            "no_key_for_pages",
            format!("no key serves {}", path.words()),
            "such a page reads every row of its months, and is stopped at its deadline",
        )
        .sql(writer.add_key(columns))
        .steps(ADDS_KEY),
        Ailment::Privileges { missing, purpose } => Said::new(
            "privilege_missing",
            format!("payhist's user may not {} there", missing.join(", ")),
            format!("it needs that {purpose}; the server would refuse with error 1142 (a KILL with 1095, a look at transactions with 1227)"),
        )
        .sql(writer.grant(missing)),
        Ailment::ConversionUnfinished(hash) => conversion::unfinished(hash, writer),
        Ailment::ConversionLeft { shadow, triggers } => conversion::left(shadow.as_deref(), triggers, writer),
        Ailment::ConversionKept { kept, bytes } => conversion::kept(kept, *bytes, writer),
        other => server::of_server(other),
    }
}

fn expression(raw: &str, layout: Option<&Layout>, writer: &Writer) -> Said {
    if ["SYSTEM_TIME", INTERVAL_METHOD].iter().any(|own| raw.starts_with(own)) {
        return Said::new(
            "server_partitions",
            format!("it is partitioned by {raw}: its server adds partitions by itself"),
            "which partitions there will be, the server decides at a write: payhist adds none and drops none there",
        )
        .steps("Leave its partitions to the server. To have payhist rotate it, partition it without INTERVAL, by when a row was created.");
    }
    if raw.starts_with(VERSIONED_METHOD) {
        return Said::new(
            "system_versioned",
            "the table keeps the versions of its rows",
            "no count, archive or hold sees the old versions, and a dropped month would take them along: payhist drops nothing there",
        )
        .steps("Keep them elsewhere if they are needed. ALTER TABLE … DROP SYSTEM VERSIONING destroys them, and payhist rotates the table from then on.");
    }
    let said = Said::new("unknown_expression", format!("it is partitioned by {raw}"), expression_why(raw));
    repartition(said, layout, writer)
}

fn not_partitioned(layout: Option<&Layout>, writer: &Writer) -> Said {
    let why = match layout.map(|layout| (layout.column.name.as_str(), layout.column.column_type.as_str())) {
        Some((column, kind)) if kind != "timestamp" => format!(
            "an expired month can only be deleted row by row. Not every expression would do: RANGE (UNIX_TIMESTAMP({column})) on a \
             {kind} is refused with error 1486, since it depends on the session's zone; RANGE COLUMNS ({column}) does not"
        ),
        _ => "an expired month can only be deleted row by row".to_owned(),
    };
    let said = repartition(Said::new("not_partitioned", "the table has no partitions", why), layout, writer);
    let convert = format!(
        "`payhist partitions convert --history {}` writes the plan that gives it partitions while writes go on, with its SQL, or says \
         what is in the way; payhist can run it.",
        writer.spec.name
    );
    Said { steps: Some(said.steps.iter().chain([&convert]).cloned().collect::<Vec<_>>().join(" ")), ..said }
}

fn repartition(said: Said, layout: Option<&Layout>, writer: &Writer) -> Said {
    match layout {
        Some(layout) => said.sql(writer.partition_by(layout)).steps(COPIES),
        None => said.steps("No single column of type DATE, DATETIME or TIMESTAMP says when a row was created, or the rows span more than twenty years: choose column and months yourself."),
    }
}

fn expression_why(raw: &str) -> &'static str {
    let folded = raw.to_ascii_lowercase();
    if folded.contains("subpartition by") {
        "a month with subpartitions cannot be exchanged (error 1732), so it cannot go to quarantine: payhist manages no such table"
    } else if folded.contains("floor(unix_timestamp") {
        "the engine takes FLOOR(UNIX_TIMESTAMP(…)), but never prunes a range by it: every query reads every partition. Plain \
         UNIX_TIMESTAMP of a TIMESTAMP with fractions is refused (1491), and so is any other expression of the session's zone (1486)"
    } else {
        "payhist manages RANGE COLUMNS on a DATE or DATETIME, and RANGE on UNIX_TIMESTAMP, TO_DAYS or YEAR·100+MONTH of one column; \
         what it cannot read it never touches"
    }
}

/// Does the expression count whole days or months of UTC?
pub const fn counts_days(expression: &PartitionExpression) -> bool {
    matches!(
        expression,
        PartitionExpression::RangeColumnsDate { .. }
            | PartitionExpression::ToDays { .. }
            | PartitionExpression::YearMonth { .. }
    )
}
