//! The work on one table: shadow and triggers, the copy, the comparison.

use super::super::patience::Patient;
use super::Progress;
use super::shard::Converter;
use crate::OpsError;
use payhist_dialect::conversion::{CHUNK_ROWS, Copy, KeyValue, Stretch};
use payhist_plan::conversion::same_shape;
use payhist_plan::doctor::facts::Table;
use payhist_storage::conversions::{self, Stage, Transaction};
use payhist_storage::fault;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often transactions that are older than the copy are looked for before the table is left as it is.
const OLD_TRANSACTION_TRIES_MAX: u32 = 20;
/// How long each look waits.
const OLD_TRANSACTION_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Work<'a, 'p> {
    pub(super) converter: &'a Converter<'a>,
    pub(super) patient: &'a mut Patient<'p>,
    pub(super) copy: &'a Copy,
}

impl Work<'_, '_> {
    /// Makes shadow and triggers unless they are complete; answers up to where rows are copied already.
    pub(super) async fn make(&mut self) -> Result<Option<KeyValue>, OpsError> {
        if let Stage::Copying(copied_to) = self.converter.stage().await? {
            // A missing trigger may have missed writes: then no copy can be trusted.
            self.refuse_changes().await?;
            return Ok(copied_to);
        }
        self.clear().await?;
        let names = &self.copy.names;
        self.patient.run(&names.create()).await?;
        fault::point("convert.after_create");
        self.patient.run(&self.copy.shape()).await?;
        fault::point("convert.after_shape");
        for create in self.copy.triggers() {
            self.patient.run(create).await?;
            fault::point("convert.after_trigger");
        }
        // Numbers that are given from here on come to the shadow by the trigger.
        if let Some(next) = conversions::next_number(&mut self.patient.connection, names).await? {
            self.patient.run(&names.number_from(next)).await?;
        }
        self.converter.remember(Stage::Copying(None)).await?;
        Ok(None)
    }

    /// Takes triggers and shadow away; the triggers first, since they write to the shadow.
    pub(super) async fn clear(&mut self) -> Result<(), OpsError> {
        let names = &self.copy.names;
        for trigger in &names.triggers {
            self.patient.run(&names.drop_trigger(trigger)).await?;
        }
        self.converter.drop_shadow(self.patient, names).await
    }

    /// Copies the rows that were there when it began; the triggers bring those that come meanwhile.
    pub(super) async fn copy(
        &mut self,
        from: Option<KeyValue>,
        progress: &(impl Fn(Progress) + Sync),
    ) -> Result<(), OpsError> {
        let last = conversions::last_key(&mut self.patient.connection, self.copy).await?;
        let mut after = from;
        loop {
            let rest = Stretch { after: after.as_ref(), to: last.as_ref() };
            let Some(to) = conversions::chunk_end(&mut self.patient.connection, self.copy, rest).await? else { break };
            self.converter.wait_for_replicas().await?;
            self.patient.run(&self.copy.copy(Stretch { after: after.as_ref(), to: Some(&to) })).await?;
            fault::point("convert.after_chunk");
            self.converter.remember(Stage::Copying(Some(to.clone()))).await?;
            fault::point("convert.after_position");
            progress(Progress::Copied(CHUNK_ROWS));
            after = Some(to);
        }
        Ok(())
    }

    /// Compares both tables over the whole key, each stretch at one moment; answers the rows.
    pub(super) async fn compare(&mut self, progress: &(impl Fn(Progress) + Sync)) -> Result<u64, OpsError> {
        let last = conversions::last_key(&mut self.patient.connection, self.copy).await?;
        let (mut after, mut rows) = (None, 0);
        loop {
            let rest = Stretch { after: after.as_ref(), to: last.as_ref() };
            let to = conversions::chunk_end(&mut self.patient.connection, self.copy, rest).await?;
            self.converter.hold().await?;
            // The last stretch is open: what is in the shadow alone is found as well.
            let stretch = Stretch { after: after.as_ref(), to: to.as_ref() };
            let compared = conversions::compare(&mut self.patient.connection, self.copy, stretch).await?;
            progress(Progress::Compared(compared));
            rows += compared;
            if to.is_none() {
                return Ok(rows);
            }
            after = to;
        }
    }

    /// Waits until nobody reads at a snapshot from before the copy was whole: it would see the shadow, once it is the table,
    /// without some of its rows.
    pub(super) async fn wait_for(&mut self, old: &BTreeSet<Transaction>) -> Result<(), OpsError> {
        let mut left = Vec::new();
        for _ in 0..OLD_TRANSACTION_TRIES_MAX {
            let open = conversions::old_transactions(&mut self.patient.connection).await?;
            left = open.intersection(old).map(|(connection, since)| format!("{connection} since {since}")).collect();
            if left.is_empty() {
                return Ok(());
            }
            self.converter.hold().await?;
            tokio::time::sleep(OLD_TRANSACTION_PAUSE).await;
        }
        Err(OpsError::refused(
            format!(
                "transactions older than the copy are open, and would find rows missing: of the connections {}",
                left.join(", ")
            ),
            "End them, and give the same command again.",
        ))
    }

    /// Refuses tables and triggers that are not those that the conversion made.
    pub(super) async fn refuse_changes(&mut self) -> Result<(), OpsError> {
        let names = &self.copy.names;
        let refused = |how: &str| OpsError::refused(how, "Give the conversion up with --abort, and plan it again.");
        let mut ours: Vec<_> = names.triggers.iter().map(|trigger| trigger.as_str().to_owned()).collect();
        ours.sort();
        if conversions::triggers(&mut self.patient.connection, names).await? != ours {
            return Err(refused("the table's triggers are not those of the conversion"));
        }
        let shapes = conversions::shapes(&mut self.patient.connection, names).await?;
        let none = Table::default();
        let shape = |name: &str| shapes.get(name).unwrap_or(&none);
        let conversion = self.converter.table.conversion.as_ref();
        let conversion = conversion.ok_or_else(|| refused("the table has no conversion"))?;
        same_shape(shape(names.table.table()), shape(names.shadow.table()), conversion).map_err(|how| refused(&how))
    }
}
