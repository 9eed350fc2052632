//! Counting a month of a shard, and keeping what was counted.
//!
//! Invariant: what is read in this order may be kept: the month's version, then that no lease under which rows change is
//! held ([`is_quiet`]), then the catalogue, then the rows. Whoever changes rows raises the version first and under such a
//! lease: either that was over before the catalogue was read, or the version is another one by the time of keeping.

use super::days;
use crate::browse::NETWORK_GRACE;
use crate::{Ops, OpsError};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use payhist_dialect::TableName;
use payhist_plan::months;
use payhist_storage::histories::History;
use payhist_storage::payments::{Layout, PaymentScope, sums};
use payhist_storage::source::READ_DEADLINE;
use payhist_storage::summaries::{self, Kept, Place, Tally};
use payhist_storage::{ddl, leases};
use payhist_types::history::HistorySpec;
use payhist_types::{Month, ShardId};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// For how long after its end a month still counts as open: clocks differ, and its last transactions have to commit.
const CLOSED_AFTER: TimeDelta = TimeDelta::minutes(15);
/// How long the job may count one month of a shard.
const JOB_DEADLINE: Duration = Duration::from_mins(10);

/// Who waits for the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Somebody at a page: the reading pool, and its deadline.
    Page,
    /// The job: a connection of those for work, and a longer one.
    Job,
}

/// Figures, and when they were counted by both clocks.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) tally: Tally,
    pub(super) at: DateTime<Utc>,
    source_time: DateTime<Utc>,
}

/// Is a month over?
pub(super) fn is_closed(month: Month, zone: Tz, now: DateTime<Utc>) -> bool {
    now >= months::end(month, zone) + CLOSED_AFTER
}

/// Is nothing at work that changes rows of the history's months?
pub(super) async fn is_quiet(ops: &Ops, history: &History) -> Result<bool, OpsError> {
    let name = &history.spec.name;
    let mut connection = ops.control().acquire("summary.leases").await?;
    for lease in [format!("rotation.{name}"), format!("import.{name}")] {
        if leases::holder(&mut connection, &lease, ops.now()).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What figures of a month of a shard are of. Under another route, mapping or zone they say nothing.
pub(super) fn basis(spec: &HistorySpec, shard: ShardId, span: (DateTime<Utc>, DateTime<Utc>)) -> String {
    let HistorySpec { schema, route, columns, .. } = spec;
    let told = serde_json::json!([schema, spec.table_of(shard), route, columns, span.0, span.1]);
    hex::encode(Sha256::digest(told.to_string()))
}

/// Counts the payments of a shard that were created in `span`.
pub(super) async fn count(
    ops: &Ops,
    spec: &HistorySpec,
    shard: ShardId,
    span: (DateTime<Utc>, DateTime<Utc>),
    zone: Tz,
    patience: Patience,
) -> Result<Counted, OpsError> {
    let (from, until) = span;
    let at = ops.now();
    let source = ops.source(spec.source.of(shard))?;
    let table =
        TableName::new(&spec.schema, &spec.table_of(shard)).map_err(|error| OpsError::Internal(error.to_string()))?;
    let scope = PaymentScope { table, layout: Layout::new(spec.columns.as_deref(), &[]), from, until };
    let (offsets, days) = (days::offsets(from, until, zone), days::bounds(from, until, zone));
    let counting = async |connection: &mut _| {
        let source_time = summaries::source_time(connection).await?;
        let tally = sums(connection, &scope, &offsets, days).await?;
        Ok(Counted { tally, at, source_time })
    };
    match patience {
        Patience::Page => Ok(source.pool.ask("summary.count", READ_DEADLINE + NETWORK_GRACE, counting).await?),
        Patience::Job => {
            let limit = source.capabilities().await?.limit_session_statements(JOB_DEADLINE);
            let mut connection = source.work.acquire("summary.count").await?;
            connection.close_on_drop(); // its session keeps the limit
            ddl::execute(&mut connection, &limit).await?;
            Ok(counting(&mut connection).await?)
        }
    }
}

/// Keeps what was counted of a whole month, unless it was outdated since `version` was read; answers whether it did.
pub(super) async fn keep(
    ops: &Ops,
    place: Place,
    version: u64,
    basis: String,
    counted: &Counted,
) -> Result<bool, OpsError> {
    let Counted { tally, at, source_time } = counted.clone();
    let kept = Kept { version, basis, counted_at: at, source_time, tally };
    payhist_storage::fault::point("summary.before_keep");
    let mut connection = ops.control().acquire("summary.keep").await?;
    Ok(summaries::keep(&mut connection, place, &kept).await?)
}
