//! Months split off a MAXVALUE partition, as long as it is empty.
//!
//! Invariant: it is counted while nobody else can write to the table, so the ALTER never copies a row.

use super::attempt::Attempt;
use super::patience::Patient;
use super::step;
use crate::OpsError;
use payhist_dialect::split::Split;
use payhist_dialect::{TableName, plan_sql};
use payhist_storage::{fault, partitions};
use payhist_types::inventory::{Boundary, Partition, ROWS_COUNTED_MAX, TableState};
use payhist_types::plan::NewMonth;
use payhist_types::run::StepOutcome;

pub(super) async fn act(
    attempt: &Attempt<'_>,
    partition: &str,
    into: &[NewMonth],
    patient: &mut Patient<'_>,
) -> Result<StepOutcome, OpsError> {
    let state = look(attempt, patient).await?;
    if is_done(&state, partition, into)? {
        return Ok(StepOutcome::AlreadyDone);
    }
    // Once it is done, the names that are free are others.
    step::rendered(attempt).await?;
    let split = statements(attempt, partition, into, &state).await?;
    if let Some(session) = split.session() {
        patient.run(&session).await?;
    }
    patient.run(&split.lock()).await?;
    // An error closes the session, and that ends the lock.
    refuse_rows(partitions::count_before_split(&mut patient.connection, &split).await?, partition)?;
    fault::point("rotation.before_ddl");
    patient.run(&split.alter()).await?;
    fault::point("rotation.after_ddl");
    patient.run(&split.unlock()).await?;
    if is_done(&look(attempt, patient).await?, partition, into)? {
        Ok(StepOutcome::Done)
    } else {
        Err(OpsError::Internal("the server took the statement, yet its catalogue has not changed".to_owned()))
    }
}

async fn look(attempt: &Attempt<'_>, patient: &mut Patient<'_>) -> Result<TableState, OpsError> {
    let (schema, table) = (&attempt.history.spec.schema, &attempt.step.table);
    Ok(partitions::read_one(&mut patient.connection, schema, table).await?)
}

async fn statements(
    attempt: &Attempt<'_>,
    partition: &str,
    into: &[NewMonth],
    state: &TableState,
) -> Result<Split, OpsError> {
    let capabilities = attempt.source()?.capabilities().await?;
    let internal = |error: &dyn std::error::Error| OpsError::Internal(error.to_string());
    let table = TableName::new(&attempt.history.spec.schema, &attempt.step.table).map_err(|error| internal(&error))?;
    plan_sql::split(table, partition, into, state, capabilities).map_err(|error| internal(&error))
}

fn refuse_rows(rows: u64, partition: &str) -> Result<(), OpsError> {
    match rows {
        0 => Ok(()),
        ROWS_COUNTED_MAX.. => Err(refused(&format!("{rows} rows or more came into {partition}: they would be copied"))),
        _ => Err(refused(&format!("{rows} rows came into {partition}: they would be copied"))),
    }
}

/// Are all the months there? Refuses a table that is not the one that was planned for.
fn is_done(state: &TableState, max: &str, into: &[NewMonth]) -> Result<bool, OpsError> {
    let TableState::Partitioned { partitions, .. } = state else {
        return Err(refused("the table is missing, or has no partitions any more"));
    };
    let ends = |new: &NewMonth| partitions.iter().any(|partition| partition.upper == Boundary::Before(new.before));
    if into.iter().all(ends) {
        return Ok(true);
    }
    let first = into.first().map(|new| new.before);
    let is_below = |partition: &Partition| matches!(partition.upper, Boundary::Before(edge) if Some(edge) < first);
    match partitions.as_slice() {
        [below @ .., last] if last.name == max && last.upper == Boundary::MaxValue && below.iter().all(is_below) => {
            Ok(false)
        }
        _ => Err(refused("the months below the MAXVALUE partition are no longer those of the plan")),
    }
}

fn refused(how: &str) -> OpsError {
    OpsError::refused(how, "Make a new plan.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeZone, Utc};
    use payhist_types::Month;
    use payhist_types::inventory::{Carving, PartitionExpression};

    fn at(month: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, month, 1, 0, 0, 0).unwrap()
    }

    fn table(edges: &[Boundary]) -> TableState {
        let partition = |(ordinal, upper): (u32, &Boundary)| {
            let name = if *upper == Boundary::MaxValue { "max".to_owned() } else { format!("p{ordinal}") };
            Partition { name, ordinal, upper: upper.clone(), rows_estimate: 0, bytes: 0 }
        };
        let expression = PartitionExpression::RangeColumnsDate { column: "d".into() };
        TableState::Partitioned {
            expression,
            partitions: (1..).zip(edges).map(partition).collect(),
            twins: vec![],
            carving: Carving::default(),
        }
    }

    #[test]
    fn a_split_is_done_open_or_refused_by_the_edges_alone() {
        use Boundary::{Before, MaxValue, Unknown};
        let new = |month| NewMonth {
            month: Month::new(2026, month).unwrap(),
            partition: format!("n{month}"),
            before: at(month + 1),
        };
        let done = |edges: &[Boundary]| is_done(&table(edges), "max", &[new(3), new(4)]).ok();
        assert_eq!(done(&[Before(at(3)), MaxValue]), Some(false));
        assert_eq!(done(&[MaxValue]), Some(false), "nothing is below it");
        assert_eq!(done(&[Before(at(3)), Before(at(4)), Before(at(5)), MaxValue]), Some(true));
        for changed in [
            &[Before(at(3)), Before(at(4)), MaxValue][..],
            &[Before(at(3))],
            &[Before(at(3)), Unknown("?".into()), MaxValue],
            &[Before(at(6)), MaxValue],
        ] {
            assert_eq!(done(changed), None, "{changed:?}");
        }
    }
}
