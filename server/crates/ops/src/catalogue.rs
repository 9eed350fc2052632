//! The partitions of a history, as the servers' catalogues have them now.

use crate::{Ops, OpsError, histories};
use moka::sync::Cache;
use payhist_storage::histories::History;
use payhist_storage::payments::Layout;
use payhist_storage::{doctor, holds, partitions, restored, twins};
use payhist_types::ShardId;
use payhist_types::inventory::{Inventory, ShardInventory, TableState};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How old a history and its inventory may be for browsing. Plans always read afresh.
const FRESH_FOR: Duration = Duration::from_secs(15);
/// Most histories kept.
const HISTORIES_MAX: u64 = 1_000;

/// A history with its inventory.
#[derive(Debug)]
pub(crate) struct Recent {
    pub(crate) history: History,
    pub(crate) inventory: Inventory,
    /// Of an adopted history's tables.
    layouts: BTreeMap<ShardId, Layout>,
}

impl Recent {
    pub(crate) fn layout(&self, shard: ShardId) -> Layout {
        self.layouts.get(&shard).cloned().unwrap_or_else(|| Layout::new(self.history.spec.columns.as_deref(), &[]))
    }
}

/// What was read lately, by the name that was asked for.
#[derive(Debug)]
pub(crate) struct Catalogue(Cache<String, Arc<Recent>>);

impl Default for Catalogue {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(HISTORIES_MAX).time_to_live(FRESH_FOR).build())
    }
}

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
            restored: Vec::new(),
            max_value_rows: None,
        })
        .collect();
    Ok(Inventory { history: spec.name.clone(), shards, holds: None, read_at: ops.now() })
}

/// The inventory that a plan is made on: with the holds, the months that were restored, and the rows that twins,
/// emptied partitions and MAXVALUE partitions have. What cannot be read or counted stays unknown, and so blocks what would
/// rely on it.
pub(crate) async fn read_for_plan(ops: &Ops, history: &History) -> Result<Inventory, OpsError> {
    let mut inventory = read(ops, history).await?;
    let count = async {
        let mut connection = ops.source(&history.spec.source)?.pool.acquire("catalogue.twins").await?;
        let tables = inventory.shards.iter_mut().map(|shard| (shard.table.as_str(), &mut shard.state));
        twins::count(&mut connection, &history.spec.schema, tables).await?;
        Ok::<_, OpsError>(
            partitions::count_max_values(&mut connection, &history.spec.schema, &mut inventory.shards).await?,
        )
    };
    if let Err(error) = count.await {
        tracing::warn!(history = %history.spec.name, error = &error as &dyn std::error::Error, "rows not counted");
    }
    let mut connection = ops.control().acquire("catalogue.restored").await?;
    inventory.holds = match holds::active(&mut connection, history.id, ops.now()).await {
        Ok(holds) => Some(holds),
        Err(error) => {
            tracing::error!(history = %history.spec.name, error = &error as &dyn std::error::Error, "holds not readable");
            None
        }
    };
    for (shard, month) in restored::current(&mut connection, history.id, ops.now()).await? {
        inventory.shards.iter_mut().filter(|found| found.shard == shard).for_each(|found| found.restored.push(month));
    }
    Ok(inventory)
}

/// The history of that name (the default one for an empty name) with its inventory, at most [`FRESH_FOR`] old.
pub(crate) async fn recent(ops: &Ops, name: &str) -> Result<Arc<Recent>, OpsError> {
    let cache = &ops.catalogue().0;
    if let Some(recent) = cache.get(name) {
        return Ok(recent);
    }
    let history = histories::find(ops, name).await?;
    let inventory = read(ops, &history).await?;
    let layouts = layouts(ops, &history).await;
    let recent = Arc::new(Recent { history, inventory, layouts });
    cache.insert(name.to_owned(), Arc::clone(&recent));
    Ok(recent)
}

/// The layouts of an adopted history's tables. Without its keys a page names none, and leaves their choice to the engine.
async fn layouts(ops: &Ops, history: &History) -> BTreeMap<ShardId, Layout> {
    let spec = &history.spec;
    let Some(columns) = &spec.columns else { return BTreeMap::new() };
    let read = async {
        let mut connection = ops.source(&spec.source)?.pool.acquire("catalogue.keys").await?;
        Ok::<_, OpsError>(doctor::keys(&mut connection, spec).await?)
    };
    let keys = read.await.unwrap_or_else(|error| {
        tracing::warn!(history = %spec.name, error = &error as &dyn std::error::Error, "keys not readable");
        BTreeMap::new()
    });
    let of = |shard| keys.get(&spec.table_of(shard)).map_or(&[][..], Vec::as_slice);
    spec.route.shards().map(|shard| (shard, Layout::new(Some(columns), of(shard)))).collect()
}

/// Forgets what was read, after partitions or a history changed.
pub(crate) fn forget(ops: &Ops) {
    ops.catalogue().0.invalidate_all();
}
