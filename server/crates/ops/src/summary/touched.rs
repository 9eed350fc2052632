//! What the sources remember of changes that payhist was not told of.

use super::presence::Presence;
use crate::{Ops, OpsError};
use chrono::{DateTime, SubsecRound, Utc};
use payhist_storage::histories::History;
use payhist_storage::summaries::{self, Touched};

/// When the partitions of a month were last changed, where the server remembers.
pub(super) fn latest(touched: &Touched, table: &str, presence: &Presence) -> Option<DateTime<Utc>> {
    let Presence::There { partitions, .. } = presence else { return None };
    let times = partitions.iter().filter_map(|name| touched.get(&(table.to_owned(), name.clone())));
    times.max().copied()
}

/// What the server remembers has whole seconds.
pub(super) fn floor(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(0)
}

/// What a source remembers of changes to a history's tables.
pub(super) async fn touched(ops: &Ops, history: &History, source: &str) -> Result<Touched, OpsError> {
    let spec = &history.spec;
    let shards = spec.route.shards().filter(|shard| spec.source.of(*shard) == source);
    let tables: Vec<_> = shards.map(|shard| spec.table_of(shard)).collect();
    let mut connection = ops.source(source)?.pool.acquire("summary.touched").await?;
    Ok(summaries::touched(&mut connection, &spec.schema, &tables).await?)
}
