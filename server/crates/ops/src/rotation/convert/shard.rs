//! One table of a conversion: from its stage to the exchange, or back.

use super::super::execute::Lease;
use super::super::patience::Patient;
use super::Progress;
use super::work::Work;
use crate::{Ops, OpsError, replicas};
use payhist_dialect::conversion::{Copy, Names};
use payhist_storage::conversions::{self, Stage};
use payhist_storage::histories::{self as stored_histories, History};
use payhist_storage::{audit, fault, permit, tx};
use payhist_types::conversion::{ConversionOutcome, LeftAlone, ShardConverted, TablePlan};
use payhist_types::history::Switch;
use serde_json::json;
use std::time::Duration;

/// How often a replica that is too far behind is looked at before the conversion stops, to be taken up later.
const REPLICA_LOOKS_MAX: u32 = 300;
/// How long until the next look.
const REPLICA_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Converter<'a> {
    pub(super) ops: &'a Ops,
    pub(super) history: &'a History,
    pub(super) id: u64,
    pub(super) table: &'a TablePlan,
    pub(super) lease: &'a Lease,
    pub(super) actor: &'a str,
}

impl Converter<'_> {
    /// Converts the table, or goes on with it; failures are outcomes, since the other tables go on.
    pub(super) async fn shard(&self, progress: &(impl Fn(Progress) + Sync)) -> ShardConverted {
        let mut shard = self.blank();
        let done = self.convert(progress, &mut shard).await;
        self.told(shard, done)
    }

    /// Takes triggers and shadow away, unless the table is converted already.
    pub(super) async fn give_up(&self) -> ShardConverted {
        let mut shard = self.blank();
        let done = self.undo(&mut shard).await;
        self.told(shard, done)
    }

    fn blank(&self) -> ShardConverted {
        let outcome = ConversionOutcome::Failed;
        let TablePlan { shard, table, .. } = self.table;
        ShardConverted { shard: *shard, table: table.clone(), outcome, rows: 0, kept_as: None, detail: None }
    }

    fn told(&self, mut shard: ShardConverted, done: Result<ConversionOutcome, OpsError>) -> ShardConverted {
        match done {
            Ok(outcome) => shard.outcome = outcome,
            Err(error) => {
                let table = &self.table.table;
                tracing::error!(table, error = &error as &dyn std::error::Error, "a conversion stopped");
                shard.detail = Some(error.to_string());
            }
        }
        shard
    }

    async fn convert(
        &self,
        progress: &(impl Fn(Progress) + Sync),
        shard: &mut ShardConverted,
    ) -> Result<ConversionOutcome, OpsError> {
        if let Some(outcome) = self.left_alone(shard) {
            return Ok(outcome);
        }
        let (mut patient, copy) = self.tools().await?;
        if let Some(outcome) = self.converted_before(&mut patient, &copy.names, shard).await? {
            return Ok(outcome);
        }
        self.hold().await?;
        let mut work = Work { converter: self, patient: &mut patient, copy: &copy };
        if self.stage().await? == Stage::Exchanging {
            work.refuse_changes().await?;
        } else {
            let from = work.make().await?;
            work.copy(from, progress).await?;
        }
        let old = conversions::old_transactions(&mut work.patient.connection).await?;
        shard.rows = work.compare(progress).await?;
        work.wait_for(&old).await?;
        work.refuse_changes().await?;
        self.hold().await?;
        self.remember(Stage::Exchanging).await?;
        fault::point("convert.before_exchange");
        patient.run(&copy.names.exchange()).await?;
        fault::point("convert.after_exchange");
        self.finish(&mut patient, &copy.names, shard).await
    }

    fn left_alone(&self, shard: &mut ShardConverted) -> Option<ConversionOutcome> {
        match self.table.left_alone.as_ref()? {
            LeftAlone::Partitioned => Some(ConversionOutcome::AlreadyPartitioned),
            LeftAlone::Obstacles(obstacles) => {
                shard.detail = Some(obstacles.join("; "));
                Some(ConversionOutcome::Refused)
            }
        }
    }

    /// The session, and the statements, which must be those that the plan showed.
    async fn tools(&self) -> Result<(Patient<'_>, Copy), OpsError> {
        let spec = &self.history.spec;
        let internal = |error: &dyn std::fmt::Display| OpsError::Internal(error.to_string());
        let conversion = self.table.conversion.as_ref().ok_or_else(|| internal(&"a table without a conversion"))?;
        let source = self.ops.source(spec.source.of(self.table.shard))?;
        let capabilities = source.capabilities().await?;
        let names =
            Names::new(&spec.schema, &self.table.table, self.table.earlier).map_err(|error| internal(&error))?;
        let copy = Copy::new(names, conversion, capabilities).map_err(|error| internal(&error))?;
        if copy.shown(capabilities) != self.table.sql {
            return Err(OpsError::refused(
                "this version of payhist would convert the table by other statements than the plan shows",
                "Give the conversion up with --abort, and plan it again.",
            ));
        }
        let mut patient = Patient::open(self.ops, source).await?;
        patient.run(&Names::session(capabilities)).await?;
        Ok((patient, copy))
    }

    /// Was the table converted by an earlier process, which may have been killed before it said so?
    async fn converted_before(
        &self,
        patient: &mut Patient<'_>,
        names: &Names,
        shard: &mut ShardConverted,
    ) -> Result<Option<ConversionOutcome>, OpsError> {
        let stage = self.stage().await?;
        if stage == Stage::Done {
            shard.kept_as = kept(patient, names).await?;
            return Ok(Some(ConversionOutcome::Converted));
        }
        let table = &names.table;
        match (conversions::there(&mut patient.connection, table.schema(), table.table()).await?, stage) {
            (Some(true), Stage::Exchanging) => self.finish(patient, names, shard).await.map(Some),
            (Some(false), _) => Ok(None),
            (found, _) => Err(OpsError::refused(
                format!(
                    "the table {} since the conversion began",
                    if found.is_none() { "has gone" } else { "was partitioned" }
                ),
                "Look at what was done to it.",
            )),
        }
    }

    /// After the tables have changed places.
    async fn finish(
        &self,
        patient: &mut Patient<'_>,
        names: &Names,
        shard: &mut ShardConverted,
    ) -> Result<ConversionOutcome, OpsError> {
        for trigger in &names.triggers {
            patient.run(&names.drop_trigger(trigger)).await?;
            fault::point("convert.after_trigger_drop");
        }
        shard.kept_as = kept(patient, names).await?;
        let detail = json!({ "conversion": self.id, "kept_as": shard.kept_as, "rows": shard.rows });
        self.tell("table.converted", &Stage::Done, detail).await?;
        fault::point("convert.after_done");
        Ok(ConversionOutcome::Converted)
    }

    async fn undo(&self, shard: &mut ShardConverted) -> Result<ConversionOutcome, OpsError> {
        if let Some(outcome) = self.left_alone(shard) {
            return Ok(outcome);
        }
        let (mut patient, copy) = self.tools().await?;
        if let Some(outcome) = self.converted_before(&mut patient, &copy.names, shard).await? {
            return Ok(outcome);
        }
        self.lease.renew(self.ops).await?;
        let mut work = Work { converter: self, patient: &mut patient, copy: &copy };
        // Somebody may have exchanged the tables back by hand: then the shadow has what was written meanwhile.
        if self.stage().await? == Stage::Exchanging {
            work.compare(&|_| ()).await?;
        }
        work.clear().await?;
        self.tell("table.conversion_given_up", &Stage::Pending, json!({ "conversion": self.id })).await?;
        Ok(ConversionOutcome::GivenUp)
    }

    pub(super) async fn drop_shadow(&self, patient: &mut Patient<'_>, names: &Names) -> Result<(), OpsError> {
        let permit = permit::for_shadow(&mut patient.connection, names).await?;
        let permit =
            permit.ok_or_else(|| OpsError::Internal("the table is not there without partitions".to_owned()))?;
        patient.remove(&names.drop_shadow(), &permit).await
    }

    pub(super) async fn stage(&self) -> Result<Stage, OpsError> {
        let mut connection = self.ops.control().acquire("convert.stage").await?;
        Ok(conversions::stage(&mut connection, self.id, self.table.shard).await?)
    }

    pub(super) async fn remember(&self, stage: Stage) -> Result<(), OpsError> {
        let mut connection = self.ops.control().acquire("convert.remember").await?;
        Ok(conversions::set_stage(&mut connection, self.id, self.table.shard, &stage).await?)
    }

    /// Proves that the lease is still held and the create switch on.
    pub(super) async fn hold(&self) -> Result<(), OpsError> {
        self.lease.renew(self.ops).await?;
        let mut connection = self.ops.control().acquire("convert.switch").await?;
        if stored_histories::switches(&mut connection, self.history.id).await?.is_on(Switch::Create) {
            return Ok(());
        }
        Err(OpsError::refused("the create switch is off", "Turn it on, and give the same command again."))
    }

    /// The same, and waits while a replica is too far behind: each chunk is one more thing that it has to copy.
    pub(super) async fn wait_for_replicas(&self) -> Result<(), OpsError> {
        let source = self.history.spec.source.of(self.table.shard);
        let mut looks = 0;
        loop {
            self.hold().await?;
            let Some(why) = replicas::in_the_way(self.ops, source, &self.history.spec.policy).await? else {
                return Ok(());
            };
            looks += 1;
            if looks == REPLICA_LOOKS_MAX {
                return Err(OpsError::refused(
                    why,
                    "When it has caught up, give the same command again: it goes on from here.",
                ));
            }
            tokio::time::sleep(REPLICA_PAUSE).await;
        }
    }

    async fn tell(&self, action: &'static str, stage: &Stage, detail: serde_json::Value) -> Result<(), OpsError> {
        let now = self.ops.now();
        tx::run(self.ops.control(), "convert.tell", |connection| {
            let (id, shard, stage, actor) = (self.id, self.table.shard, stage.clone(), self.actor.to_owned());
            let (target, detail) = (format!("{}.{}", self.history.spec.name, self.table.table), detail.clone());
            Box::pin(async move {
                conversions::set_stage(connection, id, shard, &stage).await?;
                let entry = audit::Entry { at: now, actor: &actor, action, target: &target, detail };
                audit::append(connection, &entry).await
            })
        })
        .await?;
        Ok(())
    }
}

async fn kept(patient: &mut Patient<'_>, names: &Names) -> Result<Option<String>, OpsError> {
    let kept = &names.kept;
    let there = conversions::there(&mut patient.connection, kept.schema(), kept.table()).await?;
    Ok(there.map(|_| kept.table().to_owned()))
}
