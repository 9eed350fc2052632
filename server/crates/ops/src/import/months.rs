//! Partitions for the months that rows need: judged on every shard before any shard is changed.
//!
//! Invariant: months are made without a gap, and never where that could hurt what is there: no guess at edges that
//! cannot be read, no split of a large partition, no REORGANIZE on an engine that a crash during it would leave with a
//! damaged table (FACTS §3).

use crate::{Ops, OpsError, catalogue, histories};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::{TryStreamExt, stream};
use payhist_dialect::boundary::NotExpressible;
use payhist_dialect::ddl::Keys;
use payhist_dialect::error_class::ErrorClass;
use payhist_dialect::{Ident, PartitionName, Statement, TableName, ddl as render};
use payhist_plan::classify::{Classified, Kind, classify};
use payhist_plan::months::{self, partition_name};
use payhist_plan::months_needed::{MonthsNeededError, months_needed};
use payhist_storage::histories::{self as stored, History};
use payhist_storage::{Source, ddl, fault, partitions, shards};
use payhist_types::Month;
use payhist_types::history::HistorySpec;
use payhist_types::inventory::{Inventory, PartitionExpression, TableState};
use std::collections::BTreeSet;
use std::time::Duration;

/// Most months that one import adds to a shard: a year that was mistyped must not make a thousand partitions.
pub(crate) const MONTHS_ADDED_MAX: usize = 360;
/// Most rows of a first partition that is split for older months: it is copied while inserts wait (500,000 rows: 5 s).
const SPLIT_ROWS_MAX: u64 = 100_000;
/// How often an ALTER is tried that does not get its metadata lock in time.
const ALTER_ATTEMPTS_MAX: u32 = 20;
/// Upper edge of the pause before the next try.
const ALTER_PAUSE_MAX: Duration = Duration::from_secs(2);

/// Tables whose keys are built at once: one for each core of a small server.
const KEYS_BUILT_AT_ONCE: usize = 2;

/// What one shard's table lacks.
enum Change {
    /// The table.
    Create { table: String, months: Vec<Month> },
    /// Months above the last partition.
    Add { table: String, expression: PartitionExpression, months: Vec<Month> },
    /// Months below the first partition, split off it.
    Split { table: String, expression: PartitionExpression, months: Vec<Month>, first: String, upper: DateTime<Utc> },
}

/// What the changes have in common.
struct Work<'a> {
    source: &'a Source,
    spec: &'a HistorySpec,
    zone: Tz,
}

/// Makes partitions for all the months on every shard.
///
/// # Errors
/// [`OpsError::Refused`] with the reason, before anything was changed: an edge that cannot be read, a gap that would
/// swallow the rows, months below the first partition where adding them is not safe, a month that is in quarantine, the
/// create switch.
pub(crate) async fn make_months(
    ops: &Ops,
    history: &History,
    wanted: &BTreeSet<Month>,
    keys: Keys,
) -> Result<(), OpsError> {
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(()) };
    let spec = &history.spec;
    let zone = crate::zone::parse(&spec.policy.zone)?;
    let inventory = catalogue::read(ops, history).await?;
    if let Some(away) = away_of(&inventory, zone).intersection(wanted).next() {
        return Err(OpsError::refused(
            format!("{away} of {} is in quarantine: which of its rows are there already cannot be told", spec.name),
            format!("Bring it back first: payhist partitions restore {} {away}", spec.name),
        ));
    }
    let work = Work { source: histories::only_source(ops, spec)?, spec, zone };
    let span = span(&inventory, zone, (*first, *last));
    let mut changes = Vec::new();
    for shard in &inventory.shards {
        changes.extend(work.changes(&shard.table, &shard.state, span, wanted).await?);
    }
    refuse_too_many(&changes)?;
    if changes.iter().any(|change| !matches!(change, Change::Create { .. })) {
        refuse_unless_create_is_on(ops, history).await?;
    }
    for change in &changes {
        work.make(change, keys).await?;
        fault::point("import.after_table");
    }
    catalogue::forget(ops);
    Ok(())
}

/// Builds the secondary keys of those of the history's tables that were made without.
pub(crate) async fn build_keys(ops: &Ops, spec: &HistorySpec) -> Result<(), OpsError> {
    let source = histories::only_source(ops, spec)?;
    let capabilities = source.capabilities().await?;
    stream::iter(spec.route.shards().map(Ok))
        .try_for_each_concurrent(KEYS_BUILT_AT_ONCE, async |shard| {
            let table = table_name(spec, &spec.table_of(shard))?;
            let mut connection = source.work.acquire("import.build_keys").await?;
            Ok(shards::build_keys(&mut connection, &table, capabilities).await?)
        })
        .await
}

fn table_name(spec: &HistorySpec, table: &str) -> Result<TableName, OpsError> {
    TableName::new(&spec.schema, table).map_err(|error| OpsError::Internal(error.to_string()))
}

/// The first month that every shard's table has; none while no table is there.
pub(crate) async fn oldest_month(ops: &Ops, history: &History) -> Result<Option<Month>, OpsError> {
    let zone = crate::zone::parse(&history.spec.policy.zone)?;
    let inventory = catalogue::read(ops, history).await?;
    let first = |state: &TableState| match state {
        TableState::Partitioned { partitions, .. } => {
            classify(partitions, zone).iter().find_map(|classified| match classified.kind {
                Kind::Month(month) => Some(month),
                _ => None,
            })
        }
        _ => None,
    };
    Ok(inventory.shards.iter().filter_map(|shard| first(&shard.state)).max())
}

/// The months that are in quarantine on any shard: their partitions only look empty.
pub(crate) async fn months_away(ops: &Ops, history: &History) -> Result<BTreeSet<Month>, OpsError> {
    let zone = crate::zone::parse(&history.spec.policy.zone)?;
    Ok(away_of(&catalogue::read(ops, history).await?, zone))
}

fn away_of(inventory: &Inventory, zone: Tz) -> BTreeSet<Month> {
    let twins = inventory.shards.iter().flat_map(|shard| match &shard.state {
        TableState::Partitioned { twins, .. } => twins.as_slice(),
        _ => &[],
    });
    twins.filter_map(|twin| months::ending_at(twin.before?, zone)).collect()
}

/// From the first to the last month that a new table needs: those of the rows and those of the other shards.
fn span(inventory: &Inventory, zone: Tz, (first, last): (Month, Month)) -> (Month, Month) {
    inventory.shards.iter().fold((first, last), |span, shard| {
        let TableState::Partitioned { partitions, .. } = &shard.state else { return span };
        classify(partitions, zone).iter().fold(span, |(first, last), classified| match classified.kind {
            Kind::Month(month) => (first.min(month), last.max(month)),
            _ => (first, last),
        })
    })
}

impl Work<'_> {
    async fn changes(
        &self,
        table: &str,
        state: &TableState,
        span: (Month, Month),
        wanted: &BTreeSet<Month>,
    ) -> Result<Vec<Change>, OpsError> {
        let refused = |why: String, remedy: &str| Err(OpsError::refused(format!("{table}: {why}"), remedy));
        let table_name = table.to_owned();
        let (expression, partitions) = match state {
            TableState::Missing if histories::is_own_layout(self.spec) => {
                return Ok(vec![Change::Create { table: table_name, months: Month::range(span.0, span.1).collect() }]);
            }
            TableState::Missing => {
                return refused(
                    "the table is missing".to_owned(),
                    "Create it like the other shards' tables, then run the command again.",
                );
            }
            TableState::NotPartitioned => {
                return refused(
                    "the table has no partitions".to_owned(),
                    "Import into another history with --history.",
                );
            }
            TableState::Unreadable { reason } => {
                return refused(
                    format!("its catalogue cannot be read: {reason}"),
                    "Run the command again when the source answers.",
                );
            }
            TableState::Misplaced { .. } => {
                return refused("it is on several sources".to_owned(), "`payhist doctor` says more.");
            }
            TableState::Partitioned { expression, partitions, .. } => (expression.clone(), partitions),
        };
        let classified = classify(partitions, self.zone);
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(Vec::new()) };
        let needed = match months_needed(&classified, *first, *last, self.zone) {
            Ok(needed) => needed,
            Err(error) => return refused(error.to_string(), remedy_of(&error)),
        };
        if let Some(month) = needed.inside_gap.iter().find(|month| wanted.contains(month)) {
            let partition = irregular_around(&classified, *month, self.zone);
            return refused(
                format!("rows of {month} would fall into partition {partition}, which is not one month"),
                "Split that partition into months first, or import into another history with --history.",
            );
        }
        let mut changes = Vec::new();
        if !needed.below.is_empty() {
            changes.push(self.split(table, &expression, &classified, needed.below).await?);
        }
        if !needed.above.is_empty() {
            changes.push(Change::Add { table: table_name, expression, months: needed.above });
        }
        Ok(changes)
    }

    /// A history of payhist's own tables: only those are made here.
    /// Months below the first partition, where it is safe to split them off.
    async fn split(
        &self,
        table: &str,
        expression: &PartitionExpression,
        classified: &[Classified<'_>],
        months: Vec<Month>,
    ) -> Result<Change, OpsError> {
        let Some((first, Kind::Month(month))) = classified.first().map(|first| (first.partition, first.kind)) else {
            return Err(OpsError::Internal(format!("{table}: months below a first partition that is none")));
        };
        let refused = |why: String| {
            let (from, to) = (months[0], months[months.len() - 1]);
            let remedy = "Import into another history with --history NAME: it gets months of its own.";
            Err(OpsError::refused(
                format!("{table} begins with {month}; the months {from} to {to} are not added below it: {why}"),
                remedy,
            ))
        };
        let capabilities = self.source.capabilities().await?;
        if !capabilities.reorganize_is_crash_safe() {
            return refused("a crash of this engine during REORGANIZE can damage the table".to_owned());
        }
        let mut connection = self.source.work.acquire("import.count").await?;
        let rows = partitions::count_rows(&mut connection, &self.spec.schema, table, &first.name).await?;
        if rows > SPLIT_ROWS_MAX {
            return refused(format!(
                "its first partition has {rows} rows, and splitting more than {SPLIT_ROWS_MAX} holds up inserts for too long"
            ));
        }
        let upper = months::end(month, self.zone);
        Ok(Change::Split {
            table: table.to_owned(),
            expression: expression.clone(),
            months,
            first: first.name.clone(),
            upper,
        })
    }
}

impl Work<'_> {
    async fn make(&self, change: &Change, keys: Keys) -> Result<(), OpsError> {
        match change {
            Change::Create { table, months } => {
                let partitions: Vec<_> = months
                    .iter()
                    .map(|month| (PartitionName::for_month(*month), months::end(*month, self.zone)))
                    .collect();
                let mut connection = self.source.work.acquire("import.create").await?;
                shards::create_schema(&mut connection, &self.spec.schema).await?;
                Ok(shards::create(&mut connection, &self.table(table)?, &partitions, keys).await?)
            }
            Change::Add { table, expression, months } => {
                let capabilities = self.source.capabilities().await?;
                for month in months {
                    let name = ident(&partition_name(*month))?;
                    let statements = render::add_partition(
                        &self.table(table)?,
                        &name,
                        expression,
                        months::end(*month, self.zone),
                        capabilities,
                    );
                    self.alter(&statements.map_err(|error| not_expressible(&error))?).await?;
                }
                Ok(())
            }
            Change::Split { table, expression, months, first, upper } => {
                let part = |month: &Month| Ok((ident(&partition_name(*month))?, months::end(*month, self.zone)));
                let mut into = months.iter().map(part).collect::<Result<Vec<_>, OpsError>>()?;
                let first = ident(first)?;
                into.push((first.clone(), *upper));
                let capabilities = self.source.capabilities().await?;
                let statements =
                    render::reorganize_partition(&self.table(table)?, &first, expression, &into, capabilities);
                self.alter(&statements.map_err(|error| not_expressible(&error))?).await
            }
        }
    }

    fn table(&self, table: &str) -> Result<TableName, OpsError> {
        table_name(self.spec, table)
    }

    /// Runs an ALTER that waits for its metadata lock only shortly, again and again.
    async fn alter(&self, statements: &[Statement]) -> Result<(), OpsError> {
        let mut connection = self.source.work.acquire("import.alter").await?;
        connection.close_on_drop(); // its lock wait may be shortened now
        for statement in statements {
            let mut attempt = 1;
            while let Err(error) = ddl::execute(&mut connection, statement).await {
                let waited = matches!(error.class(), Some(ErrorClass::LockWaitTimeout | ErrorClass::Deadlock));
                if !waited {
                    return Err(error.into());
                }
                if attempt == ALTER_ATTEMPTS_MAX {
                    let remedy = "End the transaction that holds the table, then run the command again.";
                    return Err(OpsError::refused(format!("no metadata lock in {attempt} tries: {statement}"), remedy));
                }
                attempt += 1;
                tokio::time::sleep(ALTER_PAUSE_MAX.mul_f64(rand::random())).await;
            }
        }
        Ok(())
    }
}

fn ident(name: &str) -> Result<Ident, OpsError> {
    Ident::new(name).map_err(|error| OpsError::Internal(error.to_string()))
}

fn not_expressible(error: &NotExpressible) -> OpsError {
    OpsError::refused(error.to_string(), "Import into another history with --history NAME.")
}

fn remedy_of(error: &MonthsNeededError) -> &'static str {
    match error {
        MonthsNeededError::MaxValuePresent { .. } => {
            "Split the months off the MAXVALUE partition first, or import into another history with --history."
        }
        MonthsNeededError::UnknownBoundary { .. } | MonthsNeededError::NoPartitions => {
            "Import into another history with --history NAME."
        }
    }
}

/// The partition that is no month and would take a month's rows.
fn irregular_around(classified: &[Classified<'_>], month: Month, zone: Tz) -> String {
    let (start, end) = months::bounds(month, zone);
    let takes = |classified: &&Classified<'_>| match classified.kind {
        Kind::Irregular { from, before } => before > start && from.is_none_or(|from| from < end),
        _ => false,
    };
    classified.iter().find(takes).map_or_else(String::new, |classified| classified.partition.name.clone())
}

fn refuse_too_many(changes: &[Change]) -> Result<(), OpsError> {
    let most = changes.iter().map(|change| match change {
        Change::Create { months, .. } | Change::Add { months, .. } | Change::Split { months, .. } => months.len(),
    });
    match most.max() {
        Some(months) if months > MONTHS_ADDED_MAX => Err(OpsError::refused(
            format!("{months} months would be added, and {MONTHS_ADDED_MAX} is the most for one import"),
            "Look for a mistyped year in the file; if all is right, import it in parts.",
        )),
        _ => Ok(()),
    }
}

async fn refuse_unless_create_is_on(ops: &Ops, history: &History) -> Result<(), OpsError> {
    let mut connection = ops.control().acquire("import.switch").await?;
    if stored::switches(&mut connection, history.id).await?.create {
        return Ok(());
    }
    let name = &history.spec.name;
    Err(OpsError::refused(
        format!("{name} lacks months of the file, and its create switch is off"),
        format!("Turn it on with `payhist partitions switch create on --history {name}`, then run the command again."),
    ))
}
