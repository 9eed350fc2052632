//! Sums of payments: closed months from what was kept of them, the open month and what lies ahead counted for each answer.
//!
//! Invariants:
//! - Unknown is never zero: what was not counted is named by month and shard, with the reason.
//! - A month's figures are kept only when it is over, its whole shard answered, and nothing that payhist does changed
//!   rows of it from before they were counted until they are kept ([`count`]).
//! - What left the table keeps the figures that it had, and the answer says from when they are.

mod count;
mod course;
mod days;
mod open;
mod presence;
mod read;
mod renew;
mod request;
mod rows;
mod told;
mod touched;

pub(crate) use open::OpenMonths;
pub(crate) use read::Reader;
pub(crate) use renew::{Renewed, renew};
pub(crate) use request::Range;
pub(crate) use rows::Rows;
pub(crate) use told::Told;

use crate::auth::{Permit, ViewPayments};
use crate::zone::local;
use crate::{Ops, OpsError, catalogue};
use payhist_storage::histories::History;
use payhist_storage::summaries;
use payhist_storage::tx;
use payhist_types::summary::{Breakdown, Summary, SummaryQuery};
use payhist_types::{Month, ShardId};
use request::Request;

/// Figures of a range of months.
///
/// # Errors
/// [`OpsError::BadInput`] with every wrong field; [`OpsError::NotFound`] for an unknown history.
pub async fn view(ops: &Ops, _permit: &Permit<ViewPayments>, query: &SummaryQuery) -> Result<Summary, OpsError> {
    let recent = catalogue::recent(ops, query.history.trim()).await?;
    let reader = Reader::new(ops, &recent)?;
    let oldest = reader.oldest_known().await?;
    let request = request::parse(query, reader.current(), oldest)?;
    let rows = Rows::new(&request.by, request.currency.clone(), None);
    let (rows, told) = reader.read(&request.range, rows).await?;
    let Request { range, by, currency } = request;
    let breakdowns = by.iter().map(|by| Breakdown { by: *by, rows: rows.of(*by) }).collect();
    Ok(Summary {
        history: recent.history.spec.name.to_string(),
        zone: recent.history.spec.policy.zone.clone(),
        read_at: local(ops.now(), reader.zone()),
        from: range.first,
        to: range.last,
        current: reader.current(),
        currency,
        currencies: rows.currencies(),
        breakdowns,
        complete: told.missing.is_empty() && told.months.iter().all(payhist_types::summary::Coverage::is_complete),
        months: told.months,
        missing: told.missing,
    })
}

/// Says that rows of some months and shards are about to change, before they do and under the history's lease.
pub(crate) async fn outdate(
    ops: &Ops,
    history: &History,
    months: impl IntoIterator<Item = Month>,
    shards: impl IntoIterator<Item = ShardId>,
) -> Result<(), OpsError> {
    let shards: Vec<_> = shards.into_iter().collect();
    let places: Vec<_> = months.into_iter().flat_map(|month| shards.iter().map(move |shard| (*shard, month))).collect();
    let id = history.id;
    tx::run(ops.control(), "summary.outdate", |connection| {
        let places = places.clone();
        Box::pin(async move {
            for (shard, month) in places {
                summaries::outdate(connection, id, shard, month).await?;
            }
            Ok(())
        })
    })
    .await?;
    Ok(())
}

/// The oldest month that the history has, or of which figures are kept; `None` while there is none.
async fn oldest_known(ops: &Ops, history: &History, of_table: Option<Month>) -> Result<Option<Month>, OpsError> {
    let mut connection = ops.control().acquire("summary.oldest").await?;
    let kept = summaries::oldest(&mut connection, history.id).await?;
    Ok(kept.into_iter().chain(of_table).min())
}
