//! Reading what an export is made of: stretch by stretch from the newest, and in each shard by shard.
//!
//! Invariant: a stretch counts as read only when the catalogue, looked at after it, says that none of it went elsewhere.

use super::encode::{Encoder, Rows};
use super::guard::Catalogued;
use super::survey::{Stretch, Survey};
use super::work::Counters;
use crate::browse::Reader;
use crate::{Ops, OpsError};
use chrono::TimeDelta;
use payhist_plan::months;
use payhist_storage::StorageError;
use payhist_storage::payments::{PaymentRef, read_every};
use payhist_types::ShardId;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long one shard's stretch may take, whoever waits for it.
const STATEMENT_MAX: Duration = Duration::from_hours(1);

/// Sends all rows on. When nobody takes them any more, it waits to be dropped.
///
/// # Errors
/// [`OpsError::Incomplete`] naming shard, source and months.
pub(super) async fn all(
    ops: &Ops,
    survey: &Survey,
    mut encoder: Encoder,
    rows: &mpsc::Sender<Rows>,
    counters: &Counters,
) -> Result<(), OpsError> {
    for stretch in &survey.stretches {
        for shard in &survey.scope.shards {
            let read = one(ops, survey, *shard, *stretch, &mut encoder, rows).await;
            read.map_err(|error| named(survey, *shard, *stretch, &error))?;
            // After the statement has ended: whoever takes it slowly must not hold the table meanwhile.
            if let Some(ready) = encoder.pause()?
                && rows.send(ready).await.is_err()
            {
                std::future::pending::<()>().await;
            }
            counters.reads.fetch_add(1, Relaxed);
        }
        let now = Catalogued::read(ops, &survey.recent.history).await?;
        if let Some(change) = survey.catalogued.change(&now, &survey.scope.shards, stretch.window) {
            return Err(OpsError::Incomplete(format!("{}: {change}", months_of(survey, *stretch))));
        }
    }
    if let Some(left) = encoder.finish()? {
        let _nobody_takes_it = rows.send(left).await;
    }
    Ok(())
}

async fn one(
    ops: &Ops,
    survey: &Survey,
    shard: ShardId,
    stretch: Stretch,
    encoder: &mut Encoder,
    rows: &mpsc::Sender<Rows>,
) -> Result<(), OpsError> {
    let source = ops.source(survey.recent.history.spec.source.of(shard))?;
    let scope = Reader::new(ops, &survey.recent)?.scope(shard, stretch.window.0, stretch.window.1)?;
    let (wrong, is_wrong) = oneshot::channel();
    let question = async |connection: &mut _| {
        let each = |row: &PaymentRef<'_>| encoder.push(row);
        match read_every(connection, &scope, &survey.filter, stretch.whole, rows, each).await {
            // The rest of the answer is still on its way: given up, the statement is ended on the server.
            Err(error @ StorageError::Inconsistent(_)) => {
                let _nobody_waits = wrong.send(error);
                std::future::pending().await
            }
            answered => answered,
        }
    };
    tokio::select! {
        answered = source.work.ask("payments.export", STATEMENT_MAX, question) => Ok(answered?),
        Ok(error) = is_wrong => Err(error.into()),
    }
}

fn named(survey: &Survey, shard: ShardId, stretch: Stretch, error: &OpsError) -> OpsError {
    let source = survey.recent.history.spec.source.of(shard);
    OpsError::Incomplete(format!(
        "shard {shard} on {source} could not be read ({}): {error}",
        months_of(survey, stretch)
    ))
}

/// `2026-05`, `2026-05 and older`, `2026-10 and newer`, `all months`.
fn months_of(survey: &Survey, Stretch { window: (from, until), .. }: Stretch) -> String {
    use crate::browse::windows::{TIME_MAX, TIME_MIN};
    let first = months::month_of(from, survey.zone);
    let last = months::month_of(until - TimeDelta::microseconds(1), survey.zone);
    match (from <= TIME_MIN, until >= TIME_MAX) {
        (true, true) => "all months".to_owned(),
        (true, false) => format!("{last} and older"),
        (false, true) => format!("{first} and newer"),
        (false, false) if first == last => first.to_string(),
        (false, false) => format!("{first} to {last}"),
    }
}
