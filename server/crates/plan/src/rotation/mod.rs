//! What takes a history's partitions from their inventory to its policy.
//!
//! Invariants: adds go on from the last edge without a gap; drops begin at the oldest partition without a gap; under a
//! policy with quarantine nothing is dropped that an earlier run has not quarantined; what is held is not dropped; what must
//! not run is in the plan with the guards that block it; the same situation gives the same plan and the same hash.

mod findings;
mod hash;
mod held;
mod leaving;
mod table;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_types::findings::{Finding, FindingKind, Reach, Runway, Severity};
use payhist_types::history::{HistoryName, HistorySpec, Policy, Route, Switches};
use payhist_types::holds::Hold;
use payhist_types::inventory::{Inventory, PartitionExpression, ShardInventory, TableState};
use payhist_types::plan::{PlanHash, RotationPlan};
use payhist_types::{Month, ShardId};

pub(crate) use hash::sha256;
pub use table::MONTHS_ADDED_MAX;

use crate::classify::{Classified, classify_like};
use crate::months;
use crate::windows::Outside;
use table::Table;

/// Why there is no plan at all. What is wrong with a single shard is a finding of the plan instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The policy's zone is not in the time-zone database.
    #[error("{0:?} is not an IANA time zone such as Europe/London")]
    UnknownZone(String),
    /// The inventory is another history's.
    #[error("the inventory is of {found}, not of {expected}")]
    WrongHistory {
        /// Whose plan was asked for.
        expected: HistoryName,
        /// Whose inventory was given.
        found: HistoryName,
    },
}

/// What a plan is made for, the same for every table.
struct Context<'a> {
    policy: &'a Policy,
    switches: Switches,
    zone: Tz,
    now: DateTime<Utc>,
    current: Month,
    route: &'a Route,
    /// `None`: not read, so that anything may be held.
    holds: Option<&'a [Hold]>,
    outside: Option<Outside<'a>>,
}

/// Plans for the moment `now`. Steps have no SQL yet, and the plan no hash: `payhist_dialect::plan_sql::render` fills them in.
///
/// # Errors
/// [`PlanError`]: the zone is unknown, or the inventory is another history's.
pub fn plan(
    spec: &HistorySpec,
    inventory: &Inventory,
    switches: &Switches,
    now: DateTime<Utc>,
) -> Result<RotationPlan, PlanError> {
    let policy = &spec.policy;
    let zone = policy.zone.parse::<Tz>().map_err(|_| PlanError::UnknownZone(policy.zone.clone()))?;
    if spec.name != inventory.history {
        return Err(PlanError::WrongHistory { expected: spec.name.clone(), found: inventory.history.clone() });
    }
    let context = Context {
        policy,
        switches: *switches,
        zone,
        now,
        current: months::month_of(now, zone),
        route: &spec.route,
        holds: inventory.holds.as_deref(),
        outside: Outside::of(policy, zone, now),
    };
    let mut plan = RotationPlan {
        history: spec.name.clone(),
        policy: policy.clone(),
        policy_version: None,
        switches: *switches,
        evaluated_at: now,
        current_month: context.current,
        steps: Vec::new(),
        findings: Vec::new(),
        runway: Vec::new(),
        edges_digest: hash::of_edges(inventory),
        hash: PlanHash(String::new()),
    };
    let mut months = Vec::new();
    let found = by_shard(inventory);
    let mut another = Vec::new();
    for shard in spec.route.shards() {
        let reach = match table(&context, spec, found.get(&shard).map_or(&[], Vec::as_slice), &another) {
            Ok(table) => {
                plan.findings.extend(findings::of_table(&table));
                plan.steps.extend(table.steps());
                let reach = table.reach();
                months.push((shard, table.months().collect()));
                another = table.partitions;
                reach
            }
            Err(kind) => {
                plan.findings.push(Finding { severity: Severity::Critical, shard: Some(shard), kind });
                Reach::Unknown
            }
        };
        plan.runway.push(Runway { shard, reach });
    }
    plan.findings.extend(findings::differing_shards(&months));
    plan.findings.sort_by_key(|finding| finding.shard);
    Ok(plan)
}

/// Settles a plan and renews its hash; to be called whenever its steps or their SQL have changed. Settling means that a
/// step which turned out to be inexpressible blocks those behind it, too.
pub fn rehash(plan: &mut RotationPlan) {
    for steps in plan.steps.chunk_by_mut(|one, next| one.shard == next.shard) {
        table::settle(steps);
    }
    plan.hash = hash::of_plan(plan);
}

fn by_shard(inventory: &Inventory) -> HashMap<ShardId, Vec<&ShardInventory>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for entry in &inventory.shards {
        found.entry(entry.shard).or_default().push(entry);
    }
    found
}

/// The table of a shard by what the inventory says of that shard, or why nothing can be planned for it. `another`: the
/// partitions of another table.
fn table<'a>(
    context: &'a Context,
    spec: &HistorySpec,
    found: &[&'a ShardInventory],
    another: &[Classified],
) -> Result<Table<'a>, FindingKind> {
    let found = match found {
        [only] if only.table == spec.table_of(only.shard) => *only,
        _ => return Err(FindingKind::NotInventoried),
    };
    match &found.state {
        TableState::Missing => Err(FindingKind::MissingTable),
        TableState::NotPartitioned => Err(FindingKind::NotPartitioned),
        TableState::Unreadable { reason } => Err(FindingKind::Unreadable { reason: reason.clone() }),
        TableState::Misplaced { found_on, configured } => {
            Err(FindingKind::Misplaced { found_on: found_on.clone(), configured: configured.clone() })
        }
        TableState::Partitioned { partitions, .. } if partitions.is_empty() => Err(FindingKind::NotPartitioned),
        TableState::Partitioned { expression: PartitionExpression::Unknown { raw }, .. } => {
            Err(FindingKind::UnknownExpression { raw: raw.clone() })
        }
        TableState::Partitioned { partitions, .. } => {
            Ok(Table::new(context, found, classify_like(partitions, context.zone, another)))
        }
    }
}
