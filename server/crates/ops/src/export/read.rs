//! Reading what an export is made of: stretch by stretch from the newest, and in each shard by shard.
//!
//! Invariant: a stretch counts as read only when the catalogue, looked at after it, says that none of it went elsewhere.

use super::guard::Catalogued;
use super::survey::{Stretch, Survey};
use crate::browse::Reader;
use crate::{Ops, OpsError};
use chrono::TimeDelta;
use futures::TryStreamExt;
use payhist_plan::months;
use payhist_storage::StorageError;
use payhist_storage::payments::{Received, receive_every};
use payhist_types::ShardId;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long one shard's stretch may take, whoever waits for it.
const STATEMENT_MAX: Duration = Duration::from_hours(1);

/// What is read, in the order of the file.
pub(super) enum Part {
    /// Rows of a shard's stretch.
    Rows(Received, Arc<Place>),
    /// The stretch of a shard was read to its end.
    End,
}

/// A shard's stretch, as messages name it.
pub(super) struct Place(String);

impl Place {
    fn new(survey: &Survey, shard: ShardId, stretch: Stretch) -> Self {
        let source = survey.recent.history.spec.source.of(shard);
        Self(format!("shard {shard} on {source} could not be read ({})", months_of(survey, stretch)))
    }

    /// Why the export is not complete.
    pub(super) fn unreadable(&self, error: &OpsError) -> OpsError {
        OpsError::Incomplete(format!("{}: {error}", self.0))
    }
}

/// Sends all on. When nobody takes it any more, it waits to be dropped.
///
/// # Errors
/// [`OpsError::Incomplete`] naming shard, source and months.
pub(super) async fn all(ops: &Ops, survey: &Survey, parts: &mpsc::Sender<Part>) -> Result<(), OpsError> {
    for stretch in &survey.stretches {
        for shard in &survey.scope.shards {
            let place = Arc::new(Place::new(survey, *shard, *stretch));
            let read = one(ops, survey, *shard, *stretch, &place, parts).await;
            read.map_err(|error| place.unreadable(&error))?;
            send(parts, Part::End).await;
        }
        let now = Catalogued::read(ops, &survey.recent.history).await?;
        if let Some(change) = survey.catalogued.change(&now, &survey.scope.shards, stretch.window) {
            return Err(OpsError::Incomplete(format!("{}: {change}", months_of(survey, *stretch))));
        }
    }
    Ok(())
}

async fn one(
    ops: &Ops,
    survey: &Survey,
    shard: ShardId,
    stretch: Stretch,
    place: &Arc<Place>,
    parts: &mpsc::Sender<Part>,
) -> Result<(), OpsError> {
    let source = ops.source(survey.recent.history.spec.source.of(shard))?;
    let scope = Reader::new(ops, &survey.recent)?.scope(shard, stretch.window.0, stretch.window.1)?;
    let question = async |connection: &mut _| {
        let mut batches = pin!(receive_every(connection, &scope, &survey.filter, stretch.whole)?);
        while let Some(rows) = batches.try_next().await? {
            send(parts, Part::Rows(rows, Arc::clone(place))).await;
        }
        Ok::<_, StorageError>(())
    };
    Ok(source.work.ask("payments.export", STATEMENT_MAX, question).await?)
}

async fn send(parts: &mpsc::Sender<Part>, part: Part) {
    if parts.send(part).await.is_err() {
        std::future::pending::<()>().await;
    }
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
