//! The partitions of a history, as the servers' catalogues have them now.

use crate::browse::NETWORK_GRACE;
use crate::recently::Recently;
use crate::{Ops, OpsError, histories, zone};
use futures::future::join_all;
use payhist_plan::doctor::facts::Key;
use payhist_plan::holds::keeping;
use payhist_plan::months;
use payhist_storage::archives::{self, Place};
use payhist_storage::histories::History;
use payhist_storage::payments::Layout;
use payhist_storage::source::READ_DEADLINE;
use payhist_storage::{doctor, held, holds, partitions, restored, twins};
use payhist_types::ShardId;
use payhist_types::archive::ArchiveState;
use payhist_types::history::HistorySpec;
use payhist_types::inventory::{Archived, Inventory, ShardInventory, TableState};
use std::collections::{BTreeMap, HashMap};
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

/// What was read lately.
#[derive(Debug)]
pub(crate) struct Catalogue {
    /// By the name that was asked for.
    histories: Recently<String, Arc<Recent>>,
    /// All that there are, the default first: each page's frame names them.
    all: Recently<(), Arc<[History]>>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self { histories: Recently::new(HISTORIES_MAX, FRESH_FOR), all: Recently::new(1, FRESH_FOR) }
    }
}

/// Reads the inventory now. Shards whose source does not answer are `Unreadable`, with the source and the reason; those
/// whose table another of the history's sources has, too, are `Misplaced`.
pub async fn read(ops: &Ops, history: &History) -> Result<Inventory, OpsError> {
    let spec = &history.spec;
    let ask = |name| async move {
        let answer = tables_on(ops, spec, name).await;
        if let Err(error) = &answer {
            tracing::warn!(history = %spec.name, source = name, error = error as &dyn std::error::Error, "catalogue not readable");
        }
        (name, answer)
    };
    let mut answers: Answers = join_all(spec.source.names().into_iter().map(ask)).await.into_iter().collect();
    let shards = spec.route.shards().map(|shard| {
        let table = spec.table_of(shard);
        let state = state_of(&mut answers, spec.source.of(shard), &table);
        ShardInventory { shard, table, state, restored: Vec::new(), max_value_rows: None, archived: Vec::new() }
    });
    Ok(Inventory { history: spec.name.clone(), shards: shards.collect(), holds: None, read_at: ops.now() })
}

/// The tables that each source has of a history.
type Answers<'a> = BTreeMap<&'a str, Result<HashMap<String, TableState>, OpsError>>;

/// Those of a history's tables that a source has, whichever it should have.
async fn tables_on(ops: &Ops, spec: &HistorySpec, source: &str) -> Result<HashMap<String, TableState>, OpsError> {
    let source = ops.source(source)?;
    source.capabilities().await?; // a plan that relies on this answer needs them, too
    let names: Vec<_> = spec.route.shards().map(|shard| spec.table_of(shard)).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let question = async |connection: &mut _| partitions::read(connection, &spec.schema, &names).await;
    Ok(source.pool.ask("catalogue.read", READ_DEADLINE + NETWORK_GRACE, question).await?)
}

fn state_of(answers: &mut Answers, configured: &str, table: &str) -> TableState {
    let has = |answer: &Result<HashMap<_, _>, _>| answer.as_ref().is_ok_and(|tables| tables.contains_key(table));
    let found_on: Vec<_> =
        answers.iter().filter(|(_, answer)| has(answer)).map(|(name, _)| (*name).to_owned()).collect();
    if found_on.iter().any(|name| name != configured) {
        return TableState::Misplaced { found_on, configured: configured.to_owned() };
    }
    match answers.get_mut(configured) {
        Some(Ok(tables)) => tables.remove(table).unwrap_or(TableState::Missing),
        Some(Err(error)) => {
            TableState::Unreadable { reason: format!("its source {configured} does not answer: {error}") }
        }
        None => TableState::Unreadable { reason: "it is on no source".to_owned() },
    }
}

/// The inventory that a plan is made on: with the holds, the months that were restored, and the rows that twins,
/// emptied partitions and MAXVALUE partitions have. What cannot be read or counted stays unknown, and so blocks what would
/// rely on it.
pub(crate) async fn read_for_plan(ops: &Ops, history: &History) -> Result<Inventory, OpsError> {
    let mut inventory = read(ops, history).await?;
    for source in history.spec.source.names() {
        if let Err(error) = count_rows(ops, &history.spec, source, &mut inventory.shards).await {
            tracing::warn!(history = %history.spec.name, source, error = &error as &dyn std::error::Error, "rows not counted");
        }
    }
    let mut connection = ops.control().acquire("catalogue.restored").await?;
    inventory.holds = match holds::active(&mut connection, history.id, ops.now()).await {
        Ok(holds) => Some(holds),
        Err(error) => {
            tracing::error!(history = %history.spec.name, error = &error as &dyn std::error::Error, "holds not readable");
            None
        }
    };
    for source in history.spec.source.names() {
        if let Err(error) = count_released(ops, &history.spec, source, &mut inventory).await {
            tracing::warn!(history = %history.spec.name, source, error = &error as &dyn std::error::Error, "held rows not counted");
        }
    }
    for (shard, month) in restored::current(&mut connection, history.id, ops.now()).await? {
        inventory.shards.iter_mut().filter(|found| found.shard == shard).for_each(|found| found.restored.push(month));
    }
    for archive in archives::list(&mut connection, history.id, None).await? {
        if archive.state == ArchiveState::Verified {
            let Place { shard, month, before, target, table, .. } = archive.place;
            let its = inventory.shards.iter_mut().filter(|found| found.shard == shard && found.table == table);
            its.for_each(|found| found.archived.push(Archived { month, before, target: target.clone() }));
        }
    }
    Ok(inventory)
}

/// Counts what a plan must know of the shards that a source has answered for.
async fn count_rows(
    ops: &Ops,
    spec: &HistorySpec,
    source: &str,
    shards: &mut [ShardInventory],
) -> Result<(), OpsError> {
    let is_read = |shard: &ShardInventory| matches!(shard.state, TableState::Partitioned { .. });
    let mut shards: Vec<_> =
        shards.iter_mut().filter(|shard| spec.source.of(shard.shard) == source && is_read(shard)).collect();
    if shards.is_empty() {
        return Ok(());
    }
    let mut connection = ops.source(source)?.pool.acquire("catalogue.twins").await?;
    let tables = shards.iter_mut().map(|shard| (shard.table.as_str(), &mut shard.state));
    twins::count(&mut connection, &spec.schema, tables).await?;
    Ok(partitions::count_max_values(&mut connection, &spec.schema, shards.into_iter()).await?)
}

fn has_held_rows(shard: &ShardInventory) -> bool {
    matches!(&shard.state, TableState::Partitioned { carving, .. } if carving.held.is_some())
}

/// Counts a source's carved-out rows of expired months that no hold keeps any more.
async fn count_released(
    ops: &Ops,
    spec: &HistorySpec,
    source: &str,
    inventory: &mut Inventory,
) -> Result<(), OpsError> {
    let (Some(holds), Some(kept)) = (&inventory.holds, spec.policy.retention_months) else { return Ok(()) };
    let (now, zone) = (ops.now(), zone::parse(&spec.policy.zone)?);
    let Some(first_kept) = months::month_of(now, zone).plus(-i32::from(kept)) else { return Ok(()) };
    let Some(last_expired) = first_kept.prev() else { return Ok(()) };
    let keeps = |shard| keeping(holds, &spec.route, shard, last_expired, now).rows;
    let mut shards: Vec<_> =
        inventory.shards.iter_mut().filter(|shard| spec.source.of(shard.shard) == source).collect();
    if !shards.iter().any(|shard| has_held_rows(shard)) {
        return Ok(());
    }
    let source = ops.source(source)?;
    let capabilities = source.capabilities().await?;
    let mut connection = source.pool.acquire("catalogue.held").await?;
    let before = months::start(first_kept, zone);
    let shards = shards.iter_mut().map(|shard| &mut **shard);
    Ok(held::count_released(&mut connection, spec, shards, before, capabilities, keeps).await?)
}

/// The history of that name (the default one for an empty name) with its inventory, at most [`FRESH_FOR`] old.
pub(crate) async fn recent(ops: &Ops, name: &str) -> Result<Arc<Recent>, OpsError> {
    let reading = || {
        let (ops, name) = (ops.clone(), name.to_owned());
        async move {
            let history = histories::find(&ops, &name).await?;
            let inventory = read(&ops, &history).await?;
            let layouts = layouts(&ops, &history).await;
            Ok(Arc::new(Recent { history, inventory, layouts }))
        }
    };
    ops.catalogue().histories.get_ahead(name.to_owned(), reading).await
}

/// All histories, the default first, at most [`FRESH_FOR`] old.
pub(crate) async fn all(ops: &Ops) -> Result<Arc<[History]>, OpsError> {
    let reading = || {
        let ops = ops.clone();
        async move { Ok(histories::all(&ops).await?.into()) }
    };
    ops.catalogue().all.get_ahead((), reading).await
}

/// The keys of a history's tables, by source and table, or why they were not read.
pub(crate) struct Keys(BTreeMap<String, Result<BTreeMap<String, Vec<Key>>, String>>);

impl Keys {
    /// Those of a shard's table.
    pub(crate) fn of(&self, spec: &HistorySpec, shard: ShardId) -> Result<&[Key], String> {
        match self.0.get(spec.source.of(shard)) {
            Some(Ok(keys)) => Ok(keys.get(&spec.table_of(shard)).map_or(&[][..], Vec::as_slice)),
            Some(Err(reason)) => Err(reason.clone()),
            None => Ok(&[]),
        }
    }
}

/// Reads the keys of a history's tables on these sources.
pub(crate) async fn keys(ops: &Ops, spec: &HistorySpec, sources: impl IntoIterator<Item = &str>) -> Keys {
    let read = |source: &'_ str| {
        let source = ops.source(source);
        async move {
            let question = async |connection: &mut _| doctor::keys(connection, spec).await;
            Ok::<_, OpsError>(source?.pool.ask("catalogue.keys", READ_DEADLINE + NETWORK_GRACE, question).await?)
        }
    };
    let mut keys = BTreeMap::new();
    for source in sources {
        let found = read(source).await.map_err(|error| {
            tracing::warn!(history = %spec.name, source, error = &error as &dyn std::error::Error, "keys not readable");
            error.to_string()
        });
        keys.insert(source.to_owned(), found);
    }
    Keys(keys)
}

/// The layouts of an adopted history's tables. Without its keys a page names none, and leaves their choice to the engine.
async fn layouts(ops: &Ops, history: &History) -> BTreeMap<ShardId, Layout> {
    let spec = &history.spec;
    let Some(columns) = &spec.columns else { return BTreeMap::new() };
    let keys = keys(ops, spec, spec.source.names()).await;
    let layout = |shard| Layout::new(Some(columns), keys.of(spec, shard).unwrap_or_default());
    spec.route.shards().map(|shard| (shard, layout(shard))).collect()
}

/// Forgets what was read, after partitions, a history or rows changed.
pub(crate) fn forget(ops: &Ops) {
    ops.catalogue().histories.forget();
    ops.catalogue().all.forget();
    ops.open_months().forget();
}
