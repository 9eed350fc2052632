//! One step on one table: look, act under a bounded lock wait, look again.

use super::attempt::Attempt;
use super::killer::Killer;
use super::patience::Patient;
use super::{carve, quarantine, split};
use crate::{OpsError, summary};
use payhist_dialect::{Destructive, Ident, Statement, TableName, ddl, plan_sql};
use payhist_storage::runs::StepResult;
use payhist_storage::{PooledConnection, StorageError, fault, partitions, runs};
use payhist_types::history::HistorySpec;
use payhist_types::inventory::{Boundary, Partition, TableState};
use payhist_types::plan::Action;
use payhist_types::run::StepOutcome;
use std::time::Duration;

/// How often a step whose server has gone away looks whether it is back.
const LOST_SERVER_TRIES_MAX: u32 = 5;
/// How long it waits before each look.
const LOST_SERVER_PAUSE: Duration = Duration::from_secs(2);

/// What the catalogue says about a step.
enum Situation {
    /// It may act.
    Open,
    /// It is so already.
    Done,
    /// The table is not what the plan was made for: hands off.
    Changed(String),
}

/// A step's result, and whether its source does not answer any more.
pub(super) struct Performed {
    pub(super) result: StepResult,
    pub(super) is_source_lost: bool,
}

impl From<StepResult> for Performed {
    fn from(result: StepResult) -> Self {
        Self { result, is_source_lost: false }
    }
}

/// Carries a step out; failures are outcomes, since the other tables go on.
///
/// A server that goes away in mid-statement leaves it open whether the statement was done. Where it comes back in time
/// the step is taken up as after a killed process.
pub(super) async fn perform(attempt: &mut Attempt<'_>) -> Performed {
    let mut result = StepResult { outcome: StepOutcome::Failed, attempts: 0, wait_ms: None, rows: None, detail: None };
    let mut acted = act(attempt, &mut result).await;
    let is_lost = |acted: &Result<_, _>| matches!(acted, Err(OpsError::Storage(StorageError::Unavailable { .. })));
    for _ in 0..LOST_SERVER_TRIES_MAX {
        if !is_lost(&acted) {
            break;
        }
        tokio::time::sleep(LOST_SERVER_PAUSE).await;
        attempt.counted = result.rows.or(attempt.counted);
        acted = act(attempt, &mut result).await;
    }
    let is_source_lost = is_lost(&acted);
    match acted {
        Ok(outcome) => result.outcome = outcome,
        Err(OpsError::Held(guard)) => {
            result.outcome = StepOutcome::Blocked;
            result.detail = Some(guard.to_string());
        }
        Err(error) => {
            tracing::error!(
                step = attempt.step.key(),
                error = &error as &dyn std::error::Error,
                "a rotation step failed"
            );
            let why = if is_source_lost {
                format!("its source {} is lost: {error}", attempt.source_name())
            } else {
                error.to_string()
            };
            add_words(&mut result, Some(why));
        }
    }
    Performed { result, is_source_lost }
}

fn add_words(result: &mut StepResult, words: Option<String>) {
    let said: Vec<_> = result.detail.take().into_iter().chain(words).collect();
    result.detail = (!said.is_empty()).then(|| said.join("; "));
}

async fn act(attempt: &Attempt<'_>, result: &mut StepResult) -> Result<StepOutcome, OpsError> {
    if attempt.step.action.moves_rows() {
        let (month, shard) = (attempt.step.action.month(), attempt.step.shard);
        summary::outdate(attempt.ops, attempt.history, [month], [shard]).await?;
    }
    let mut patient = Patient::open(attempt.ops, attempt.source()?).await?;
    patient.killer = Killer::of(attempt);
    let outcome = match &attempt.step.action {
        Action::AddMonth { .. } | Action::DropMonth { .. } => alter(attempt, &mut patient, result).await,
        Action::SplitMaxValue { partition, into, .. } => split::act(attempt, partition, into, &mut patient).await,
        Action::CarveOut { holds, .. } => carve::act(attempt, holds, &mut patient, result).await,
        Action::DeleteHeld { before, keeps, .. } => carve::delete(attempt, *before, keeps, &mut patient, result).await,
        _ => {
            rendered(attempt).await?;
            quarantine::act(attempt, &mut patient, result).await
        }
    };
    result.attempts += patient.attempts;
    if patient.attempts > 0 {
        *result.wait_ms.get_or_insert(0) += u64::try_from(patient.waited.as_millis()).unwrap_or(u64::MAX);
    }
    add_words(result, patient.killer.and_then(|killer| killer.words()));
    outcome
}

/// One ALTER: a month added, or dropped at once.
async fn alter(
    attempt: &Attempt<'_>,
    patient: &mut Patient<'_>,
    result: &mut StepResult,
) -> Result<StepOutcome, OpsError> {
    let statements = rendered(attempt).await?;
    match look(attempt, &mut patient.connection).await? {
        Situation::Done => return Ok(StepOutcome::AlreadyDone),
        Situation::Changed(how) => return Err(OpsError::refused(how, "Make a new plan.")),
        Situation::Open => {}
    }
    if let Action::DropMonth { partition, .. } = &attempt.step.action {
        let HistorySpec { schema, .. } = &attempt.history.spec;
        let rows = partitions::count_rows(&mut patient.connection, schema, &attempt.step.table, partition).await?;
        record_rows(attempt, rows, result).await?;
    }
    fault::point("rotation.before_ddl");
    for statement in statements.iter().filter(|statement| !statement.destroys()) {
        patient.run(statement).await?;
    }
    if let Action::DropMonth { partition, .. } = &attempt.step.action {
        patient.destroy(&drop_of(attempt, partition).await?, &attempt.doomed()).await?;
    }
    fault::point("rotation.after_ddl");
    match look(attempt, &mut patient.connection).await? {
        Situation::Done => Ok(StepOutcome::Done),
        Situation::Open => {
            Err(OpsError::Internal("the server took the statement, yet its catalogue has not changed".to_owned()))
        }
        Situation::Changed(how) => Err(OpsError::Internal(format!("after the statement: {how}"))),
    }
}

async fn drop_of(attempt: &Attempt<'_>, partition: &str) -> Result<Destructive, OpsError> {
    let spec = &attempt.history.spec;
    let capabilities = attempt.source()?.capabilities().await?;
    TableName::new(&spec.schema, &attempt.step.table)
        .and_then(|table| Ok(ddl::drop_partition(&table, &Ident::new(partition)?, capabilities)))
        .map_err(|error| OpsError::Internal(error.to_string()))
}

/// Renders the step once more and insists that it is what the plan showed.
pub(super) async fn rendered(attempt: &Attempt<'_>) -> Result<Vec<Statement>, OpsError> {
    let spec = &attempt.history.spec;
    let capabilities = attempt.source()?.capabilities().await?;
    let mut connection = attempt.source()?.pool.acquire("rotation.look").await?;
    let state = partitions::read_one(&mut connection, &spec.schema, &attempt.step.table).await?;
    let statements = plan_sql::statements(attempt.step, spec, &state, capabilities)
        .map_err(|error| OpsError::Internal(error.to_string()))?;
    if statements.iter().map(Statement::as_str).ne(attempt.step.sql.iter().map(String::as_str)) {
        return Err(OpsError::refused("the SQL is no longer what the plan showed", "Make a new plan."));
    }
    Ok(statements)
}

/// Records rows while they can still be counted.
pub(super) async fn record_rows(attempt: &Attempt<'_>, rows: u64, result: &mut StepResult) -> Result<(), OpsError> {
    let mut control = attempt.ops.control().acquire("rotation.rows").await?;
    runs::count_rows(&mut control, attempt.run, attempt.sequence, rows).await?;
    result.rows = Some(rows);
    Ok(())
}

async fn look(attempt: &Attempt<'_>, connection: &mut PooledConnection) -> Result<Situation, StorageError> {
    let state = partitions::read_one(connection, &attempt.history.spec.schema, &attempt.step.table).await?;
    let TableState::Partitioned { partitions, .. } = state else {
        return Ok(Situation::Changed("the table is missing, or has no partitions any more".to_owned()));
    };
    Ok(match &attempt.step.action {
        Action::AddMonth { partition, before, .. } => situation_of_add(&partitions, partition, *before),
        Action::DropMonth { partition, before, .. } => situation_of_drop(&partitions, partition, *before),
        _ => Situation::Changed("this version cannot carry out such a step".to_owned()),
    })
}

fn situation_of_add(partitions: &[Partition], name: &str, before: chrono::DateTime<chrono::Utc>) -> Situation {
    if partitions.iter().any(|partition| partition.upper == Boundary::Before(before)) {
        return Situation::Done;
    }
    if partitions.iter().any(|partition| partition.name == name) {
        return Situation::Changed(format!("another partition is called {name} by now"));
    }
    match partitions.last().map(|partition| &partition.upper) {
        Some(Boundary::Before(last)) if *last < before => Situation::Open,
        _ => Situation::Changed(
            "the table's last partition is no longer the one that the month was to follow".to_owned(),
        ),
    }
}

fn situation_of_drop(partitions: &[Partition], name: &str, before: chrono::DateTime<chrono::Utc>) -> Situation {
    if partitions.iter().any(|partition| matches!(partition.upper, Boundary::Unknown(_))) {
        return Situation::Changed("the table has a partition whose edge cannot be read".to_owned());
    }
    match partitions.iter().find(|partition| partition.name == name) {
        None => Situation::Done,
        Some(partition) if partition.upper != Boundary::Before(before) => {
            Situation::Changed(format!("the partition {name} no longer ends where it did when the plan was made"))
        }
        Some(_) if partitions.len() < 2 => Situation::Changed(format!("{name} is the table's last partition by now")),
        Some(_) => Situation::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeZone, Utc};

    fn at(month: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, month, 1, 0, 0, 0).unwrap()
    }

    fn partition(name: &str, upper: Boundary) -> Partition {
        Partition { name: name.into(), ordinal: 1, upper, rows_estimate: 0, bytes: 0 }
    }

    #[test]
    fn a_drop_is_refused_when_its_partition_has_another_edge_by_now() {
        let table = [partition("p1", Boundary::Before(at(3))), partition("p2", Boundary::Before(at(4)))];
        assert!(matches!(situation_of_drop(&table, "p1", at(2)), Situation::Changed(_)));
        assert!(matches!(situation_of_drop(&table, "p1", at(3)), Situation::Open));
        assert!(matches!(situation_of_drop(&table, "gone", at(3)), Situation::Done));
    }

    #[test]
    fn the_last_partition_and_a_table_with_an_unreadable_edge_are_never_touched() {
        assert!(matches!(
            situation_of_drop(&[partition("p1", Boundary::Before(at(2)))], "p1", at(2)),
            Situation::Changed(_)
        ));
        let table = [partition("p1", Boundary::Before(at(2))), partition("p2", Boundary::Unknown("?".into()))];
        assert!(matches!(situation_of_drop(&table, "p1", at(2)), Situation::Changed(_)));
    }

    #[test]
    fn an_add_that_is_there_is_done_and_one_that_would_overlap_is_refused() {
        let table = [partition("p1", Boundary::Before(at(2))), partition("p2", Boundary::Before(at(3)))];
        assert!(matches!(situation_of_add(&table, "p3", at(3)), Situation::Done));
        assert!(matches!(situation_of_add(&table, "p2", at(4)), Situation::Changed(_)));
        assert!(matches!(situation_of_add(&table, "p3", at(4)), Situation::Open));
    }
}
