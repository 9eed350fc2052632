//! A month back from quarantine: one EXCHANGE per shard, checked row by row by the engine, with the rows that came late.
//!
//! Invariants:
//! - That the month is left alone is remembered before anything moves, so that no run takes it away again half way.
//! - Late rows join the twin first, and the exchange happens under a lock on an empty partition: a twin with rows has
//!   not been exchanged back, an empty one has. So the command may be killed anywhere and repeated.
//! - A twin is dropped only when it is marked as payhist's and was counted empty.

use super::execute::{self, Lease};
use super::patience::Patient;
use super::quarantine::{is_sound, move_late_rows};
use crate::auth::{ManagePartitions, Permit};
use crate::zone::local;
use crate::{Ops, OpsError, catalogue, histories, summary, zone};
use chrono::{DateTime, TimeDelta, Utc};
use payhist_dialect::TableName;
use payhist_dialect::quarantine::Pair;
use payhist_plan::months;
use payhist_storage::histories::History;
use payhist_storage::{Pool, archives, audit, fault, permit, restored, twins, tx};
use payhist_types::inventory::{Boundary, Partition, Restored, ShardInventory, TableState, Twin, TwinState};
use payhist_types::partition::{Restoration, RestoreOutcome, ShardRestored};
use payhist_types::{Month, ShardId};
use serde_json::json;

/// For how many days no run takes a restored month away again.
const RESTORED_DAYS: i64 = 30;
/// How often late rows may come between their joining the twin and the exchange.
const EXCHANGE_TRIES_MAX: u32 = 10;

/// Brings a month back from quarantine. A shard that fails never stops the others; what is restored already stays so.
///
/// # Errors
/// [`OpsError::Refused`] when the month is on no shard in quarantine, or while a run is at work.
pub async fn restore(
    ops: &Ops,
    permit: &Permit<ManagePartitions>,
    history: &str,
    month: Month,
) -> Result<Restoration, OpsError> {
    let history = histories::find(ops, history).await?;
    execute::resume(ops, &history).await?;
    let lease = execute::take_lease(ops, &history).await?.ok_or_else(|| {
        OpsError::refused(format!("a run is at work on {}", history.spec.name), "Wait for its end, then try again.")
    })?;
    let restored = Restorer { ops, history: &history, lease: &lease, month }.all(permit.actor()).await;
    catalogue::forget(ops);
    lease.release(ops).await?;
    restored
}

struct Restorer<'a> {
    ops: &'a Ops,
    history: &'a History,
    lease: &'a Lease,
    month: Month,
}

impl Restorer<'_> {
    async fn all(&self, actor: &str) -> Result<Restoration, OpsError> {
        let month = self.month;
        let zone = zone::parse(&self.history.spec.policy.zone)?;
        let before = months::end(month, zone);
        let inventory = catalogue::read_for_plan(self.ops, self.history).await?;
        let is_known = |found: &ShardInventory| {
            matches!(place_of(found, before), Some((_, Some(_)))) || found.restored.iter().any(|one| one.month == month)
        };
        if !inventory.shards.iter().any(is_known) {
            let why = format!("{month} is not in quarantine");
            return Err(OpsError::refused(why, "`payhist partitions list` shows each month's state."));
        }
        let until = self.ops.now() + TimeDelta::days(RESTORED_DAYS);
        let shards: Vec<_> = inventory.shards.iter().map(|found| found.shard).collect();
        self.remember(actor, &shards, until).await?;
        fault::point("restore.after_begin");
        let mut restored = Vec::new();
        for found in &inventory.shards {
            restored.push(self.shard(found, before).await?);
        }
        self.tell(actor, &restored).await?;
        Ok(Restoration {
            history: self.history.spec.name.to_string(),
            month,
            until: local(until, zone),
            shards: restored,
        })
    }

    /// Remembers that the month is left alone, with the audit entry.
    async fn remember(&self, actor: &str, shards: &[ShardId], until: DateTime<Utc>) -> Result<(), OpsError> {
        let (now, month) = (self.ops.now(), self.month);
        tx::run(self.ops.control(), "restore.remember", |connection| {
            let (id, name) = (self.history.id, self.history.spec.name.to_string());
            let (actor, shards) = (actor.to_owned(), shards.to_vec());
            Box::pin(async move {
                for shard in &shards {
                    restored::remember(connection, id, *shard, Restored { month, until }, &actor, now).await?;
                }
                let detail = json!({ "month": month, "shards": shards, "until": until });
                let entry = audit::Entry { at: now, actor: &actor, action: "month.restore", target: &name, detail };
                audit::append(connection, &entry).await
            })
        })
        .await?;
        Ok(())
    }

    /// Writes to the audit log what became of it.
    async fn tell(&self, actor: &str, restored: &[ShardRestored]) -> Result<(), OpsError> {
        let (now, month) = (self.ops.now(), self.month);
        tx::run(self.ops.control(), "restore.tell", |connection| {
            let name = self.history.spec.name.to_string();
            let (actor, restored) = (actor.to_owned(), restored.to_vec());
            Box::pin(async move {
                let detail = json!({ "month": month, "shards": restored });
                let entry = audit::Entry { at: now, actor: &actor, action: "month.restored", target: &name, detail };
                audit::append(connection, &entry).await
            })
        })
        .await?;
        Ok(())
    }

    async fn shard(&self, found: &ShardInventory, before: DateTime<Utc>) -> Result<ShardRestored, OpsError> {
        self.lease.renew(self.ops).await?;
        let mut shard = ShardRestored {
            shard: found.shard,
            table: found.table.clone(),
            outcome: RestoreOutcome::Failed,
            rows: 0,
            late_rows: 0,
            detail: None,
        };
        match self.put_back(found, before, &mut shard).await {
            Ok(outcome) => shard.outcome = outcome,
            Err(error) => {
                tracing::error!(table = found.table, error = &error as &dyn std::error::Error, "a restore failed");
                shard.detail = Some(error.to_string());
            }
        }
        Ok(shard)
    }

    async fn put_back(
        &self,
        found: &ShardInventory,
        before: DateTime<Utc>,
        shard: &mut ShardRestored,
    ) -> Result<RestoreOutcome, OpsError> {
        match &found.state {
            TableState::Unreadable { reason } => {
                return Err(OpsError::refused(reason.clone(), "Try again when the source answers."));
            }
            TableState::Misplaced { .. } => {
                return Err(OpsError::refused("its table is on several sources", "`payhist doctor` says more."));
            }
            TableState::Partitioned { .. } | TableState::Missing | TableState::NotPartitioned => {}
        }
        let Some((partition, twin)) = place_of(found, before) else { return Ok(RestoreOutcome::NotThere) };
        let Some(twin) = twin else { return Ok(RestoreOutcome::AlreadyThere) };
        is_sound(twin, &partition.name, before).map_err(|how| OpsError::refused(how, "Look at that table first."))?;
        if matches!(twin.state, TwinState::Unfinished { .. }) {
            return Ok(RestoreOutcome::AlreadyThere);
        }
        let mut control = self.ops.control().acquire("restore.outdate").await?;
        archives::outdate(&mut control, self.history.id, found.shard, self.month).await?;
        drop(control);
        summary::outdate(self.ops, self.history, [self.month], [found.shard]).await?;
        let spec = &self.history.spec;
        let source = self.ops.source(spec.source.of(found.shard))?;
        let capabilities = source.capabilities().await?;
        let pair = TableName::new(&spec.schema, &found.table)
            .and_then(|table| Pair::new(table, &partition.name, &twin.name, before, capabilities))
            .map_err(|error| OpsError::Internal(error.to_string()))?;
        let mut patient = Patient::open(self.ops, source).await?;
        if let Some(session) = pair.session() {
            patient.run(&session).await?;
        }
        self.exchange_back(&mut patient, &source.work, &pair, shard).await?;
        let Some(permit) = permit::for_empty_twin(&mut patient.connection, &pair).await? else {
            return Err(OpsError::Internal(format!("{} still has rows after the exchange", twin.name)));
        };
        let there = twins::count_partition(&mut patient.connection, &pair).await?;
        if there < shard.rows {
            return Err(OpsError::Internal(format!("of {} rows only {there} are back", shard.rows)));
        }
        shard.rows = there;
        fault::point("restore.before_twin_drop");
        patient.remove(&pair.drop_twin(), &permit).await?;
        fault::point("restore.after_twin_drop");
        Ok(RestoreOutcome::Restored)
    }

    /// Exchanges a twin that has rows with its partition, once that is empty.
    async fn exchange_back(
        &self,
        patient: &mut Patient<'_>,
        work: &Pool,
        pair: &Pair,
        shard: &mut ShardRestored,
    ) -> Result<(), OpsError> {
        for _ in 0..EXCHANGE_TRIES_MAX {
            if twins::count_twin(&mut patient.connection, pair).await? == 0 {
                return Ok(());
            }
            if twins::count_partition(&mut patient.connection, pair).await? > 0 {
                shard.late_rows += move_late_rows(work, pair).await?;
                fault::point("restore.after_merge");
            }
            let rows = twins::count_twin(&mut patient.connection, pair).await?;
            patient.run(&pair.lock_both()).await?;
            if twins::count_partition(&mut patient.connection, pair).await? == 0 {
                fault::point("restore.before_exchange");
                patient.run(&pair.exchange()).await?;
                fault::point("restore.after_exchange");
                shard.rows = rows;
            }
            patient.run(&pair.unlock()).await?;
        }
        Err(OpsError::refused("late rows come faster than they can be merged", "Stop who writes them, then try again."))
    }
}

/// The partition that ends there, and its twin.
fn place_of(found: &ShardInventory, before: DateTime<Utc>) -> Option<(&Partition, Option<&Twin>)> {
    let TableState::Partitioned { partitions, twins, .. } = &found.state else { return None };
    let partition = partitions.iter().find(|partition| partition.upper == Boundary::Before(before))?;
    Some((partition, twins.iter().find(|twin| twin.partition.as_ref() == Some(&partition.name))))
}
