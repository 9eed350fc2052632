//! The doctor's findings in words and SQL.
//!
//! Invariants: every statement is rendered from what the catalogue says, quoted, and bounded like all DDL; none drops a
//! table, a partition or a column. Where SQL could lose rows, the steps are words.

mod sql;

use crate::plan_sql::PlanSqlError;
use crate::{Capabilities, Statement};
use chrono::{DateTime, Utc};
use payhist_plan::doctor::differences::Difference;
use payhist_plan::doctor::facts::{Facts, MAXVALUE_ROWS_MAX};
use payhist_plan::doctor::layout::Layout;
use payhist_plan::doctor::{Ailment, Found};
use payhist_types::Month;
use payhist_types::doctor::Finding;
use payhist_types::findings::FindingKind;
use payhist_types::history::HistorySpec;
use payhist_types::inventory::PartitionExpression;
use payhist_types::plan_words;
use payhist_types::replicas::{Replica, ReplicaState};
use sql::Writer;
pub(crate) use sql::{partition_clause, text};

/// The column by which a user is found.
pub fn user_column(spec: &HistorySpec) -> &str {
    spec.columns.as_deref().map_or("user_id", |columns| &columns.user_id)
}

const ADDS_KEY: &str =
    "It reads the whole table; writers go on meanwhile, but for a moment at its beginning and its end.";
const COPIES: &str = "It copies the whole table and blocks its writers meanwhile: for a large one, in a quiet hour, with room on the disk.";

const SPLIT_COPIES: &str = "It copies the partition's rows and blocks inserts meanwhile.";

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
        None => of_server(&found.ailment),
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
        Ailment::Expression { raw, layout } => repartition(
            Said::new("unknown_expression", format!("it is partitioned by {raw}"), expression_why(raw)),
            layout.as_ref(),
            writer,
        ),
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
        Ailment::Differs(difference) => differs(difference, writer),
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
        Ailment::Gap { .. } | Ailment::Irregular { .. } | Ailment::MaxValue { .. } | Ailment::Runway { .. } => of_partitions(ailment, writer),
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
            format!("it needs that {purpose}; the server would refuse with error 1142"),
        )
        .sql(writer.grant(missing)),
        other => of_server(other),
    }
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
    if folded.contains("floor(unix_timestamp") {
        "the engine takes FLOOR(UNIX_TIMESTAMP(…)), but never prunes a range by it: every query reads every partition. Plain \
         UNIX_TIMESTAMP of a TIMESTAMP with fractions is refused (1491), and so is any other expression of the session's zone (1486)"
    } else {
        "payhist manages RANGE COLUMNS on a DATE or DATETIME, and RANGE on UNIX_TIMESTAMP, TO_DAYS or YEAR·100+MONTH of one column; \
         what it cannot read it never touches"
    }
}

fn of_partitions(ailment: &Ailment, writer: &Writer) -> Said {
    match ailment {
        Ailment::Gap { partition, months } => {
            let names: Vec<_> = months.iter().map(|(month, _)| month.to_string()).collect();
            let said = Said::new(
                "gap",
                format!("partition {partition} holds {} together", names.join(", ")),
                "months without a partition of their own cannot expire one by one: payhist never drops this one, nor any after it",
            );
            let caution = if writer.capabilities.reorganize_is_crash_safe() {
                SPLIT_COPIES
            } else {
                "It copies the partition's rows and blocks inserts meanwhile; a crash of MariaDB in that moment can damage the \
                 table: back it up first."
            };
            split(said, months, partition, writer, Writer::split, caution)
        }
        Ailment::Irregular { partitions } => Said::new(
            "irregular",
            format!("{} partitions do not end where a month of {} does: {}", partitions.len(), writer.spec.policy.zone, partitions.join(", ")),
            "payhist drops whole months of the business zone only: these stay, and so does everything after them",
        )
        .steps("If all of them are another zone's months, correct policy.zone; otherwise redraw the edges by REORGANIZE PARTITION."),
        Ailment::MaxValue { partition, rows, months } => max_value(partition, *rows, months, writer),
        Ailment::Runway { months, wanted, adds } => {
            let said = Said::new(
                "runway",
                format!("{months} months ahead, the policy asks for {wanted}"),
                "an insert beyond the last partition fails with error 1526; INSERT IGNORE loses the row with a warning",
            );
            match adds.iter().find(|step| !step.is_active()) {
                Some(step) => said.steps(format!("The plan cannot add them: {}.", plan_words::guards(&step.blocked_by))),
                None => said.sql(writer.adds(adds)).steps("Or `payhist partitions apply`."),
            }
        }
        other => of_server(other),
    }
}

fn max_value(partition: &str, rows: u64, months: &[(Month, DateTime<Utc>)], writer: &Writer) -> Said {
    if rows == 0 && months.is_empty() {
        return Said::new(
            "maxvalue_empty",
            format!("the MAXVALUE partition {partition} is empty"),
            "months can only be split off it, never added below it (error 1493): payhist does so as long as it is empty",
        )
        .steps("Nothing needs mending.");
    }
    let said = if rows == 0 {
        Said::new(
            "maxvalue_empty",
            format!("the MAXVALUE partition {partition} is empty, and stands where {} months are to be", months.len()),
            "they can only be split off it, never added below it (error 1493), and only as long as it is empty: once rows of these \
             months collect in it, splitting copies them",
        )
    } else {
        let rows = if rows > MAXVALUE_ROWS_MAX { format!("more than {MAXVALUE_ROWS_MAX}") } else { rows.to_string() };
        Said::new(
            "maxvalue_has_rows",
            format!("the MAXVALUE partition {partition} has {rows} rows"),
            "no month can be added below it (error 1493) without copying them, and they never expire",
        )
    };
    let caution =
        if rows == 0 { "Or `payhist partitions apply`, which makes sure that it is empty." } else { SPLIT_COPIES };
    split(said, months, partition, writer, Writer::split_max_value, caution)
}

type Split<'a> = fn(&Writer<'a>, &str, &[(Month, DateTime<Utc>)]) -> Result<Vec<Statement>, PlanSqlError>;

fn split<'a>(
    said: Said,
    months: &[(Month, DateTime<Utc>)],
    partition: &str,
    writer: &Writer<'a>,
    sql: Split<'a>,
    caution: &str,
) -> Said {
    if months.is_empty() || writer.is_name_taken(months, partition) {
        return said.steps("A partition of one of the new names exists already: split it by REORGANIZE PARTITION with names of your own.");
    }
    said.sql(sql(writer, partition, months)).steps(caution)
}

fn differs(difference: &Difference, writer: &Writer) -> Said {
    let spell = |column: &payhist_plan::doctor::facts::Column| {
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
    let columns = |key: &payhist_plan::doctor::facts::Key| {
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

fn of_server(ailment: &Ailment) -> Said {
    match ailment {
        Ailment::Clock { ahead_ms } => Said::new(
            "clock",
            format!("the server's clock is {} ms {} payhist's", ahead_ms.unsigned_abs(), if *ahead_ms > 0 { "ahead of" } else { "behind" }),
            "rows with the server's time fall into another month than payhist thinks is the current one",
        )
        .steps("Let both machines follow NTP."),
        Ailment::SessionZone(zone) => Said::new(
            "session_zone",
            format!("payhist's sessions are in the zone {zone}"),
            "DATETIME and TIMESTAMP values would be read wrongly by the difference",
        )
        .steps("Take time_zone out of init_connect and of the source's address."),
        Ailment::ServerZone(zone) => Said::new(
            "server_zone",
            format!("sessions that set no time zone are in {zone}"),
            "NOW() and CURRENT_TIMESTAMP write that zone's time into DATETIME columns, which payhist reads as UTC: rows near a month's edge are in the wrong partition",
        )
        .steps("Set default-time-zone = '+00:00' for the server, or let every application SET time_zone = '+00:00'."),
        Ailment::BrowsedColumns { missing } => Said::new(
            "columns_missing",
            format!("the tables have no {}", missing.join(", ")),
            "pages and exports of payments read these columns; rotation does not",
        )
        .steps("Rotation works all the same. Say in [history.columns] what the tables call them."),
        Ailment::ColumnType { own, column, wanted } => Said::new(
            "column_type",
            format!("the column {} is {}, and is to be {own}", column.name, column.column_type),
            format!("{own} has to be {wanted}: pages cannot read this shard"),
        )
        .steps("Name another column in [history.columns]; a generated one will do."),
        Ailment::PartitionedByOther { partitioned_by, created_at } => Said::new(
            "partitioned_by_other",
            format!("it is partitioned by {partitioned_by}, and a payment's time is {created_at}"),
            "no page can tell which partitions have the rows of its time: each reads them all",
        )
        .steps(format!("If {partitioned_by} says when a payment was created, name it as created_at in [history.columns].")),
        Ailment::StatusWords(words) => Said::new(
            "status_words",
            format!("words for states that payhist does not know: {}", words.join(", ")),
            "a page with such a payment cannot be shown: payhist guesses no state",
        )
        .steps("Say in [history.columns.status_words] which of payhist's states each word means."),
        Ailment::NotChecked(what) => {
            Said::new("not_checked", format!("could not be examined: {what}"), "what is not known is not sound").steps("Run doctor again in a quiet hour, or look yourself.")
        }
        Ailment::Replica(replica) => of_replica(replica),
        Ailment::Planner(kind) => of_planner(kind),
        _ => Said::new("unexplained", format!("{ailment:?}"), "without an answer from the server there is no more to say"),
    }
}

fn of_replica(replica: &Replica) -> Said {
    let (code, steps) = match &replica.state {
        ReplicaState::Behind { .. } => ("replica_behind", "Wait, or look what it is busy with.".to_owned()),
        ReplicaState::Stopped { .. } => {
            ("replica_stopped", "Look at its SHOW REPLICA STATUS and its error log.".to_owned())
        }
        ReplicaState::NoReplica => (
            "no_replica",
            "Make it a replica of the source, or take it out of `replicas` in the configuration.".to_owned(),
        ),
        ReplicaState::Forbidden { privilege } => {
            ("replica_privilege", format!("On the replica: GRANT {privilege} ON *.* TO the user of its address."))
        }
        ReplicaState::Unreachable { .. } => {
            ("replica_unreachable", "Mend it, or its address in the configuration.".to_owned())
        }
    };
    let why = "what drops or copies rows waits until it is known to be in time; months are added all the same";
    Said::new(code, format!("the replica {} of {} is {}", replica.name, replica.source, replica.state), why)
        .steps(steps)
}

fn of_planner(kind: &FindingKind) -> Said {
    let (code, why, steps) = match kind {
        FindingKind::Unreadable { .. } => (
            "unreadable",
            "a shard that cannot be read is neither rotated nor browsed",
            "See the reason; then run doctor again.",
        ),
        FindingKind::UnknownBoundary { .. } => (
            "unknown_boundary",
            "payhist never drops anything on a table with an edge that it cannot read",
            "Redraw the edge by REORGANIZE PARTITION, so that it is the first instant of a month.",
        ),
        FindingKind::Overlap { .. } => (
            "overlap",
            "the engine allows no such thing (error 1493), so an edge has been misread: nothing is dropped here",
            "Compare information_schema.PARTITIONS with SHOW CREATE TABLE.",
        ),
        FindingKind::NameMisleads { .. } => (
            "name_misleads",
            "whoever drops partitions by name drops the wrong month; payhist goes by the edges",
            "Rename it by REORGANIZE PARTITION into one of the same edge.",
        ),
        FindingKind::ShardDiffers { .. } => (
            "months_differ",
            "these months exist on other shards only: older ones were dropped here early or there late",
            "See `payhist partitions plan`: it takes every shard to the policy.",
        ),
        FindingKind::TooFarBehind { .. } => (
            "too_far_behind",
            "payhist adds no more than twenty years of months by plan",
            "Correct the policy, or add a partition for the current month.",
        ),
        FindingKind::Misplaced { .. } => (
            "misplaced_shard",
            "payments would be read from one table and written to the other; payhist neither rotates nor drops anything there",
            "Keep the table that the application uses, rename the other one away, and let `source` of the history say where it is.",
        ),
        FindingKind::NotInventoried => (
            "not_inventoried",
            "a shard that is not there once cannot be managed",
            "Correct route and table_pattern of the history.",
        ),
        _ => ("planner", "the planner cannot manage the table as it should", "See `payhist partitions plan`."),
    };
    Said::new(code, kind.to_string(), why).steps(steps)
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
