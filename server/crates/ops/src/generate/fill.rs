//! Writing the cells that are empty, several at once.

use super::schedule::{Place, Schedule};
use crate::import::{Fence, tables_of};
use crate::{Ops, OpsError, histories, summary};
use futures::{StreamExt, TryStreamExt, stream};
use payhist_plan::months;
use payhist_storage::bulk::Bulk;
use payhist_storage::histories::History;
use payhist_storage::{Pool, fault, tx};
use std::sync::Arc;

/// Cells that are made and written at once; below the source's connections for work, so that DDL is never locked out.
const WORKERS: usize = 3;

/// What became of the cells.
#[derive(Debug, Default)]
pub(super) struct Filled {
    pub(super) rows: u64,
    pub(super) kept: u64,
}

/// Fills every empty cell; `progress` hears of the rows dealt with.
pub(super) async fn fill(
    ops: &Ops,
    history: &History,
    schedule: &Arc<Schedule>,
    fence: &Fence,
    places: Vec<Place>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Filled, OpsError> {
    let pool = histories::only_source(ops, &schedule.spec)?.work.clone();
    let tables = tables_of(&schedule.spec)?;
    stream::iter(places)
        .map(|place| {
            let bulk = Arc::clone(&tables[usize::from(place.shard.0)]);
            let task = tokio::spawn(cell(ops.clone(), history.clone(), pool.clone(), Arc::clone(schedule), fence.clone(), bulk, place));
            async move { Ok((place, task.await.map_err(|error| OpsError::Internal(format!("a worker died: {error}")))??)) }
        })
        .buffer_unordered(WORKERS)
        .try_fold(Filled::default(), |mut filled, (place, written)| async move {
            progress(place.rows);
            if written {
                filled.rows += place.rows;
            } else {
                filled.kept += 1;
            }
            Ok(filled)
        })
        .await
}

/// Fills one cell, unless it has rows; answers whether it did.
async fn cell(
    ops: Ops,
    history: History,
    pool: Pool,
    schedule: Arc<Schedule>,
    fence: Fence,
    bulk: Arc<Bulk>,
    place: Place,
) -> Result<bool, OpsError> {
    let (start, end) = months::bounds(schedule.month(place), schedule.zone);
    let within = Arc::new(start..end);
    if !bulk.is_empty(&mut *pool.acquire("generate.look").await?, &within).await? {
        return Ok(false);
    }
    let month = schedule.month(place);
    let making = move || schedule.rows(place);
    let mut rows = tokio::task::spawn_blocking(making)
        .await
        .map_err(|error| OpsError::Internal(format!("a worker died: {error}")))??;
    rows.sort_unstable_by_key(|row| (row.user_id, row.created_at, row.payment_id));
    let rows = Arc::new(rows);
    summary::outdate(&ops, &history, [month], [place.shard]).await?;
    fault::point("generate.before_cell");
    let written = tx::run(&pool, "generate.cell", |connection| {
        let (bulk, rows, within, fence) = (Arc::clone(&bulk), Arc::clone(&rows), Arc::clone(&within), fence.clone());
        Box::pin(async move {
            if !bulk.is_empty(connection, &within).await? {
                return Ok(false); // this transaction was tried before, and its commit had come through
            }
            bulk.insert(connection, &rows).await?;
            fence.prove().await?;
            Ok(true)
        })
    })
    .await?;
    fault::point("generate.after_cell");
    Ok(written)
}
