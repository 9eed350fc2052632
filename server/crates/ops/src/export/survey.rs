//! What an export has to read, looked up before anything is.
//!
//! Invariant: a shard that cannot be read, or a month that is between two places, refuses the export.

use crate::browse::windows::{self, TIME_MAX, TIME_MIN, Window};
use crate::browse::{Reader, request};
use crate::catalogue::{self, Recent};
use crate::export::guard::Catalogued;
use crate::zone::local;
use crate::{Ops, OpsError, zone};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use payhist_plan::months;
use payhist_storage::payments::Filter;
use payhist_types::error::FieldError;
use payhist_types::export::{ExportPreview, ExportScope};
use payhist_types::inventory::{Boundary, TableState, TwinState};
use payhist_types::payment::PaymentQuery;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A stretch of time that is read on each shard before the next one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) window: Window,
    /// Is it made of whole partitions?
    pub(super) whole: bool,
}

/// What is to be read.
pub(super) struct Survey {
    pub(super) recent: Arc<Recent>,
    pub(super) zone: Tz,
    pub(super) filter: Filter,
    /// The catalogue when the export was begun.
    pub(super) catalogued: Catalogued,
    /// Newest first.
    pub(super) stretches: Vec<Stretch>,
    pub(super) scope: ExportScope,
    range: Window,
}

impl Survey {
    /// # Errors
    /// [`OpsError::BadInput`] by field; [`OpsError::Incomplete`] naming a shard that cannot be read.
    pub(super) async fn make(ops: &Ops, query: &PaymentQuery) -> Result<Self, OpsError> {
        let paged = [("cursor", &query.cursor), ("limit", &query.limit), ("sort", &query.sort)];
        let wrong = paged.into_iter().filter(|(_, is)| !is.is_empty()).map(|(field, _)| FieldError {
            field: field.to_owned(),
            message: "an export has neither pages nor an order of its own: leave it out".to_owned(),
        });
        let wrong: Vec<_> = wrong.collect();
        if !wrong.is_empty() {
            return Err(OpsError::BadInput(wrong));
        }
        let recent = catalogue::recent(ops, query.history.trim()).await?;
        let zone = zone::parse(&recent.history.spec.policy.zone)?;
        let reader = Reader::new(ops, &recent)?;
        let request = request::parse(query, zone, ops.now())?;
        let range = reader.range(&request);
        let shards = reader.shards(&request.filter);
        let catalogued = Catalogued::read(ops, &recent.history).await?;
        catalogued.is_readable(&shards, range)?;
        let stretches =
            if shards.is_empty() { Vec::new() } else { stretches(ops, &catalogued, &request.filter, range) };
        let bound = |at: Option<DateTime<Utc>>| at.map(|at| local(at, zone));
        let scope = ExportScope {
            from: bound(request.from),
            until: bound(request.until),
            months: if stretches.is_empty() { None } else { reader.months(range) },
            quarantined: quarantined(&catalogued, range, zone),
            reads: u32::try_from(stretches.len() * shards.len()).unwrap_or(u32::MAX),
            shards,
        };
        Ok(Self { zone, filter: request.filter, catalogued, stretches, scope, range, recent })
    }

    /// What an operator sees before it begins.
    pub(super) fn preview(&self) -> ExportPreview {
        let partitions =
            self.catalogued.inventory.shards.iter().filter(|shard| self.scope.shards.contains(&shard.shard));
        let partitions = partitions.filter_map(|shard| match &shard.state {
            TableState::Partitioned { partitions, .. } => Some(partitions),
            _ => None,
        });
        let (from, until) = self.range;
        let in_range = |lower: Option<&Boundary>, upper: &Boundary| {
            let begins = lower.is_none_or(|lower| !matches!(lower, Boundary::Before(edge) if *edge >= until));
            begins && !matches!(upper, Boundary::Before(edge) if *edge <= from)
        };
        let rows = partitions.map(|partitions| {
            let lowers = std::iter::once(None).chain(partitions.iter().map(|lower| Some(&lower.upper)));
            let hit = partitions.iter().zip(lowers).filter(|(partition, lower)| in_range(*lower, &partition.upper));
            hit.map(|(partition, _)| partition.rows_estimate).sum::<u64>()
        });
        ExportPreview {
            history: self.recent.history.spec.name.to_string(),
            zone: self.recent.history.spec.policy.zone.clone(),
            rows_estimate: rows.sum(),
            scope: self.scope.clone(),
        }
    }
}

fn stretches(ops: &Ops, catalogued: &Catalogued, filter: &Filter, range: Window) -> Vec<Stretch> {
    let (from, until) = range;
    if from >= until {
        return Vec::new();
    }
    if filter.is_narrow() {
        return vec![Stretch { window: range, whole: false }]; // a key leads to the few rows that there are
    }
    let edges = windows::edges(&catalogued.inventory);
    let is_edge = |at| at <= TIME_MIN || at >= TIME_MAX || edges.binary_search(&at).is_ok();
    let months = windows::months(&catalogued.inventory, from, until, ops.now());
    let stretch = |window: Window| Stretch { window, whole: is_edge(window.0) && is_edge(window.1) };
    months.into_iter().rev().map(stretch).collect()
}

/// The months of a stretch whose rows are, or were at the beginning, in quarantine.
fn quarantined(catalogued: &Catalogued, (from, until): Window, zone: Tz) -> Vec<payhist_types::Month> {
    let twins = catalogued.inventory.shards.iter().filter_map(|shard| match &shard.state {
        TableState::Partitioned { twins, .. } => Some(twins),
        _ => None,
    });
    let held = twins.flatten().filter(|twin| matches!(twin.state, TwinState::Quarantined { .. }));
    let last_instants = held.filter_map(|twin| Some(twin.before? - TimeDelta::microseconds(1)));
    let months = last_instants.map(|at| months::month_of(at, zone));
    let within = months.filter(|month| {
        let (start, end) = months::bounds(*month, zone);
        start < until && from < end
    });
    within.collect::<BTreeSet<_>>().into_iter().collect()
}
