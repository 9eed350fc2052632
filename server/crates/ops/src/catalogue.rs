//! The partitions of a history, as the servers' catalogues have them now.

use crate::{Ops, OpsError};
use payhist_storage::histories::History;
use payhist_storage::partitions;
use payhist_types::history::HistoryName;
use payhist_types::plan::{Inventory, ShardInventory, TableState};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How old an inventory may be for browsing. Plans always read afresh.
const FRESH_FOR: Duration = Duration::from_secs(15);

/// Inventories lately read.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(Mutex<HashMap<HistoryName, (Instant, Arc<Inventory>)>>);

/// Reads the inventory now. Shards whose source does not answer are `Unreadable`, with the reason.
pub async fn read(ops: &Ops, history: &History) -> Result<Inventory, OpsError> {
    let spec = &history.spec;
    let tables: Vec<_> = spec.route.shards().map(|shard| (shard, spec.table_of(shard))).collect();
    let read = async {
        let source = ops.source(&spec.source)?;
        let mut connection = source.pool.acquire("catalogue.read").await?;
        let names: Vec<&str> = tables.iter().map(|(_, table)| table.as_str()).collect();
        Ok::<_, OpsError>(partitions::read(&mut connection, &spec.schema, &names).await?)
    };
    let mut found = match read.await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(history = %spec.name, source = spec.source, error = &error as &dyn std::error::Error, "catalogue not readable");
            tables
                .iter()
                .map(|(_, table)| (table.clone(), TableState::Unreadable { reason: error.to_string() }))
                .collect()
        }
    };
    let shards = tables
        .into_iter()
        .map(|(shard, table)| ShardInventory {
            shard,
            state: found.remove(&table).unwrap_or(TableState::Missing),
            table,
        })
        .collect();
    Ok(Inventory { history: spec.name.clone(), shards, read_at: ops.now() })
}

/// An inventory that is at most [`FRESH_FOR`] old.
pub(crate) async fn recent(ops: &Ops, history: &History) -> Result<Arc<Inventory>, OpsError> {
    let cache = || ops.catalogue().0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((read, inventory)) = cache().get(&history.spec.name)
        && read.elapsed() < FRESH_FOR
    {
        return Ok(Arc::clone(inventory));
    }
    let inventory = Arc::new(read(ops, history).await?);
    cache().insert(history.spec.name.clone(), (Instant::now(), Arc::clone(&inventory)));
    Ok(inventory)
}

/// Forgets what was read of a history, after its partitions changed.
pub(crate) fn forget(ops: &Ops, history: &HistoryName) {
    ops.catalogue().0.lock().unwrap_or_else(PoisonError::into_inner).remove(history);
}
