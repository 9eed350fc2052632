//! An independent judge of rotation plans: it replays the active steps on the inventory and names every rule broken.
//!
//! Invariant: it shares nothing with the planner but the calendar ([`months`]) and the route, so that one mistake in the planner
//! cannot also make its judge blind. What is doubtful is a violation.

mod held;

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Days, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use payhist_types::history::{HistorySpec, Route, Switch};
use payhist_types::holds::{Hold, RowHold};
use payhist_types::inventory::{
    Archived, Boundary, Carving, Inventory, Partition, PartitionExpression, Restored, ShardInventory, TableState, Twin,
    TwinState,
};
use payhist_types::plan::{Action, NewMonth, RotationPlan, Step};
use payhist_types::window::Window;
use payhist_types::{Month, ShardId};

use crate::months;

/// A rule that a plan breaks. Steps are named by [`Step::key`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// History or policy are not the configured ones.
    #[error("the plan is not for the history, or not by its policy")]
    OtherHistoryOrPolicy,
    /// The policy's zone is unknown.
    #[error("the policy's time zone is unknown")]
    UnknownZone,
    /// The current month is not that of the moment of evaluation.
    #[error("{0} is not the month of the plan's evaluation")]
    WrongCurrentMonth(Month),
    /// An active step's stop switch is off.
    #[error("{step} is active though the {switch} switch is off")]
    SwitchOff {
        /// The step.
        step: String,
        /// The switch.
        switch: Switch,
    },
    /// An active step without statements.
    #[error("{0} is active without SQL")]
    NoSql(String),
    /// The step's table is not, or not once, in the inventory, or it is not one that payhist may touch.
    #[error("{0} is about a table that is not in the inventory as a known partitioned one")]
    NotInInventory(String),
    /// The table has edges that are unreadable or not in order.
    #[error("{0} is about a table with an unreadable edge where it matters")]
    UnreadableEdge(String),
    /// The month does not follow the table's last edge, or its own edge is not the month's end.
    #[error("{0} does not go on exactly from the table's last edge to the month's end")]
    NotContiguous(String),
    /// The name is taken.
    #[error("{0} gives a name that another partition has")]
    NameTaken(String),
    /// The policy does not ask for the month.
    #[error("{0} adds a month that the policy does not ask for")]
    NotWanted(String),
    /// Months are split off something else than the table's MAXVALUE partition, or that is not known to be empty.
    #[error("{0} splits a partition that is not an empty MAXVALUE partition")]
    NotEmptyMaxValue(String),
    /// The month is not due for quarantine.
    #[error("{0} quarantines a month that is not due")]
    NotDue(String),
    /// The twin is not what the step needs it to be.
    #[error("{0} relies on a twin table that is not as it must be")]
    TwinUnclear(String),
    /// Under a policy with quarantine, or where one was begun, months are not dropped at once.
    #[error("{0} drops a month that must be quarantined first")]
    NotQuarantined(String),
    /// The policy demands an archive of the month, and there is none.
    #[error("{0} drops a month that is not archived")]
    NotArchived(String),
    /// No archive is asked for.
    #[error("{0} archives a month though the policy names no archive")]
    ArchiveNotWanted(String),
    /// The month was restored and is to be left alone.
    #[error("{0} takes a month that was restored away again")]
    Restored(String),
    /// A hold keeps the month, or might.
    #[error("{0} drops what a legal hold keeps, or might keep")]
    Held(String),
    /// Held rows are carved out of, or into, something else than they should be.
    #[error("{0} relies on a table of held rows, or on an original of them, that is not as it must be")]
    NotCarvable(String),
    /// The month has not expired.
    #[error("{0} drops a month that has not expired")]
    NotExpired(String),
    /// The partition is not the oldest at its turn, or it is not there.
    #[error("{0} drops another partition than the oldest")]
    NotOldest(String),
    /// The partition's upper edge in the inventory is not the step's, or not the end of the month.
    #[error("{0} drops a partition that does not end where its month does")]
    EdgeDiffers(String),
    /// No maintenance window is open, and the month has more bytes than may go outside of one.
    #[error("{0} drops a month outside every maintenance window")]
    OutsideWindow(String),
    /// The partition would be the last.
    #[error("{0} drops the table's last partition")]
    LastPartition(String),
}

/// Judges a plan whose SQL is rendered.
///
/// # Errors
/// Every rule that the plan's active steps break.
pub fn check(plan: &RotationPlan, spec: &HistorySpec, inventory: &Inventory) -> Result<(), Vec<Violation>> {
    let mut violations = Vec::new();
    if plan.history != spec.name || inventory.history != spec.name || plan.policy != spec.policy {
        violations.push(Violation::OtherHistoryOrPolicy);
    }
    let Ok(zone) = spec.policy.zone.parse::<Tz>() else { return Err(vec![Violation::UnknownZone]) };
    if plan.current_month != months::month_of(plan.evaluated_at, zone) {
        violations.push(Violation::WrongCurrentMonth(plan.current_month));
    }
    let entries = unmistakable(inventory);
    let mut tables: HashMap<(ShardId, &str), Option<Replay>> = HashMap::new();
    for step in plan.active_steps() {
        let switch = step.action.switch();
        if !plan.switches.is_on(switch) {
            violations.push(Violation::SwitchOff { step: step.key(), switch });
        }
        if step.sql.is_empty() || step.sql.iter().any(|statement| statement.trim().is_empty()) {
            violations.push(Violation::NoSql(step.key()));
        }
        let table = tables.entry((step.shard, &step.table));
        match table.or_insert_with(|| Replay::of(step, plan, spec, inventory, &entries, zone)) {
            Some(table) => violations.extend(table.step(step).err()),
            None => violations.push(Violation::NotInInventory(step.key())),
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

type Entries<'a> = HashMap<(ShardId, &'a str), &'a ShardInventory>;

/// The inventory's entries whose shard and whose table no other entry has.
fn unmistakable(inventory: &Inventory) -> Entries<'_> {
    let mut shards: HashMap<_, u32> = HashMap::new();
    let mut tables: HashMap<_, u32> = HashMap::new();
    for entry in &inventory.shards {
        *shards.entry(entry.shard).or_default() += 1;
        *tables.entry(entry.table.as_str()).or_default() += 1;
    }
    let only = inventory.shards.iter().filter(|entry| shards[&entry.shard] == 1 && tables[entry.table.as_str()] == 1);
    only.map(|entry| ((entry.shard, entry.table.as_str()), entry)).collect()
}

/// One table, as it is after the steps so far.
struct Replay<'a> {
    plan: &'a RotationPlan,
    zone: Tz,
    shard: ShardId,
    /// A user's hold counts only for the shard that holds the user.
    route: &'a Route,
    holds: Option<&'a [Hold]>,
    name: &'a str,
    catalogue: &'a [Partition],
    edges_in_order: bool,
    highest: Option<DateTime<Utc>>,
    twins: &'a [Twin],
    carving: &'a Carving,
    /// Partitions out of which held rows were carved, and the holds whose rows they were.
    carved: Vec<(&'a str, &'a [RowHold])>,
    restored: &'a [Restored],
    max_value_rows: Option<u64>,
    archived: &'a [Archived],
    added: Vec<(&'a str, DateTime<Utc>)>,
    dropped: usize,
}

impl<'a> Replay<'a> {
    fn of(
        step: &'a Step,
        plan: &'a RotationPlan,
        spec: &'a HistorySpec,
        inventory: &'a Inventory,
        entries: &Entries<'a>,
        zone: Tz,
    ) -> Option<Self> {
        let entry = entries.get(&(step.shard, step.table.as_str()))?;
        match &entry.state {
            TableState::Partitioned { expression, partitions, twins, carving } if is_known(expression) => {
                let (shard, name, restored) = (step.shard, step.table.as_str(), entry.restored.as_slice());
                let (catalogue, archived, added) = (partitions, entry.archived.as_slice(), Vec::new());
                let max_value_rows = entry.max_value_rows;
                let (route, holds) = (&spec.route, inventory.holds.as_deref());
                Some(Self {
                    plan,
                    zone,
                    shard,
                    route,
                    holds,
                    name,
                    catalogue,
                    edges_in_order: are_in_order(catalogue),
                    highest: catalogue.iter().filter_map(edge_of).max(),
                    twins,
                    carving,
                    carved: Vec::new(),
                    restored,
                    archived,
                    max_value_rows,
                    added,
                    dropped: 0,
                })
            }
            _ => None,
        }
    }

    fn step(&mut self, step: &'a Step) -> Result<(), Violation> {
        match &step.action {
            Action::AddMonth { month, partition, before } => self.add(step, *month, partition, *before),
            Action::SplitMaxValue { month, partition, into } => self.split(step, *month, partition, into),
            // A drop that is not told to take older rows along is not the oldest's.
            Action::DropMonth { open_below: false, .. } => Err(Violation::NotOldest(step.key())),
            Action::DropMonth { month, partition, before, .. } => {
                if self.plan.policy.quarantine_days.is_some() || self.twin_of(partition).is_some() {
                    return Err(Violation::NotQuarantined(step.key()));
                }
                self.drop(step, *month, partition, *before)
            }
            Action::QuarantineMonth { month, partition, before, twin } => {
                self.quarantine(step, *month, partition, *before, twin)
            }
            Action::QuarantineLateRows { month, partition, before, twin } => {
                self.in_quarantine(step, partition, *before, twin, |late| late.is_some_and(|rows| rows > 0))?;
                self.leaves(step, *month, partition, *before)
            }
            Action::ArchiveMonth { month, partition, before, twin } => {
                if self.plan.policy.archive.is_none() {
                    return Err(Violation::ArchiveNotWanted(step.key()));
                }
                self.in_quarantine(step, partition, *before, twin, |late| late == Some(0))?;
                self.leaves(step, *month, partition, *before)
            }
            Action::DropQuarantined { month, partition, before, twin } => {
                self.in_quarantine(step, partition, *before, twin, |late| late == Some(0))?;
                self.drop(step, *month, partition, *before)
            }
            Action::CarveOut { partition, before, twin, held, holds, .. } => {
                self.carve_out(step, partition, *before, twin.as_deref(), held, holds)
            }
            Action::DeleteHeld { month, before, held, keeps } => self.delete_held(step, *month, *before, held, keeps),
            _ => Err(Violation::NotInInventory(step.key())),
        }
    }

    fn add(&mut self, step: &Step, month: Month, name: &'a str, before: DateTime<Utc>) -> Result<(), Violation> {
        let edge = match (self.added.last(), self.catalogue.last().map(|partition| &partition.upper)) {
            (Some((_, edge)), _) | (None, Some(Boundary::Before(edge))) => *edge,
            (None, _) => return Err(Violation::UnreadableEdge(step.key())),
        };
        if self.highest > Some(edge) {
            return Err(Violation::UnreadableEdge(step.key()));
        }
        self.adjoin(step, edge, month, name, before)
    }

    fn split(&mut self, step: &Step, month: Month, name: &str, into: &'a [NewMonth]) -> Result<(), Violation> {
        self.edges_in_order(step)?;
        let below = match self.catalogue {
            [below @ .., last] if last.name == name && is_open(last) && self.max_value_rows == Some(0) => below,
            _ => return Err(Violation::NotEmptyMaxValue(step.key())),
        };
        if into.first().map(|new| new.month) != Some(month) || !self.added.is_empty() {
            return Err(Violation::NotContiguous(step.key()));
        }
        let mut edge = below.last().map_or(Some(months::start(self.plan.current_month, self.zone)), edge_of);
        for new in into {
            let from = edge.ok_or_else(|| Violation::UnreadableEdge(step.key()))?;
            self.adjoin(step, from, new.month, &new.partition, new.before)?;
            edge = Some(new.before);
        }
        Ok(())
    }

    /// A month that begins where the one below ends.
    fn adjoin(
        &mut self,
        step: &Step,
        edge: DateTime<Utc>,
        month: Month,
        name: &'a str,
        before: DateTime<Utc>,
    ) -> Result<(), Violation> {
        let (start, end) = months::bounds(month, self.zone);
        if before != end || edge < start || edge >= end || self.dropped > 0 {
            return Err(Violation::NotContiguous(step.key()));
        }
        let mut names = self.catalogue.iter().map(|partition| partition.name.as_str());
        if names.any(|taken| taken.eq_ignore_ascii_case(name)) || self.added.iter().any(|(taken, _)| *taken == name) {
            return Err(Violation::NameTaken(step.key()));
        }
        let ahead = self.plan.current_month.months_until(month);
        if self.plan.policy.premake_months.is_none_or(|wanted| ahead > i32::from(wanted)) {
            return Err(Violation::NotWanted(step.key()));
        }
        self.added.push((name, before));
        Ok(())
    }

    fn twin_of(&self, partition: &str) -> Option<&'a Twin> {
        self.twins.iter().find(|twin| twin.partition.as_deref() == Some(partition))
    }

    fn edges_in_order(&self, step: &Step) -> Result<(), Violation> {
        if self.edges_in_order { Ok(()) } else { Err(Violation::UnreadableEdge(step.key())) }
    }

    /// Whatever leaves the table: every edge is read and in order, the partition ends with the month, which so holds
    /// nothing younger, and the month was not restored.
    fn leaves(&self, step: &Step, month: Month, name: &str, before: DateTime<Utc>) -> Result<(), Violation> {
        self.edges_in_order(step)?;
        let partition = self.catalogue.iter().find(|partition| partition.name == name);
        if partition.and_then(edge_of) != Some(before) || before != months::end(month, self.zone) {
            return Err(Violation::EdgeDiffers(step.key()));
        }
        if self.restored.iter().any(|restored| restored.month == month && restored.until > self.plan.evaluated_at) {
            return Err(Violation::Restored(step.key()));
        }
        Ok(())
    }

    fn quarantine(
        &self,
        step: &Step,
        month: Month,
        name: &str,
        before: DateTime<Utc>,
        twin: &str,
    ) -> Result<(), Violation> {
        self.leaves(step, month, name, before)?;
        let due =
            self.plan.policy.quarantine_days.zip(self.plan.policy.retention_months).is_some_and(|(days, kept)| {
                let end_of_retention = month.plus(i32::from(kept)).map(|last| months::end(last, self.zone));
                let days = TimeDelta::days(days.into());
                before <= self.plan.evaluated_at
                    && end_of_retention.is_some_and(|end| end - days <= self.plan.evaluated_at)
            });
        if !due {
            return Err(Violation::NotDue(step.key()));
        }
        let fresh = match self.twin_of(name) {
            None => self.twins.iter().all(|other| other.name != twin) && twin != self.name,
            Some(begun) => match begun.state {
                TwinState::Unfinished { rows } | TwinState::Prepared { rows } => {
                    rows == Some(0) && is_of(begun, twin, before)
                }
                TwinState::Quarantined { .. } | TwinState::Foreign => false,
            },
        };
        if fresh { Ok(()) } else { Err(Violation::TwinUnclear(step.key())) }
    }

    fn in_quarantine(
        &self,
        step: &Step,
        partition: &str,
        before: DateTime<Utc>,
        twin: &str,
        late: impl Fn(Option<u64>) -> bool,
    ) -> Result<(), Violation> {
        match self.twin_of(partition) {
            Some(found) if is_of(found, twin, before) => match found.state {
                TwinState::Quarantined { late_rows } if late(late_rows) => Ok(()),
                _ => Err(Violation::TwinUnclear(step.key())),
            },
            _ => Err(Violation::TwinUnclear(step.key())),
        }
    }

    fn bytes_of(&self, name: &str) -> u64 {
        self.catalogue.iter().find(|partition| partition.name == name).map_or(u64::MAX, |partition| partition.bytes)
    }

    fn may_drop_now(&self, bytes: u64) -> bool {
        let policy = &self.plan.policy;
        let local = self.plan.evaluated_at.with_timezone(&self.zone).naive_local();
        policy.windows.is_empty()
            || policy.windows.iter().any(|window| is_within(window, local))
            || policy.max_drop_bytes_outside_windows.is_some_and(|most| bytes <= most)
    }

    fn drop(&mut self, step: &Step, month: Month, name: &str, before: DateTime<Utc>) -> Result<(), Violation> {
        self.edges_in_order(step)?;
        self.spares_what_is_held(step, month, name)?;
        if let Some(target) = &self.plan.policy.archive {
            let mut its = self.archived.iter().filter(|one| (one.month, one.before) == (month, before));
            if !its.any(|one| one.target == *target) {
                return Err(Violation::NotArchived(step.key()));
            }
        }
        let age = month.months_until(self.plan.current_month);
        if self.plan.policy.retention_months.is_none_or(|kept| age <= i32::from(kept)) {
            return Err(Violation::NotExpired(step.key()));
        }
        let size = self.twin_of(name).map_or_else(|| self.bytes_of(name), |twin| twin.bytes);
        if !self.may_drop_now(size) {
            return Err(Violation::OutsideWindow(step.key()));
        }
        let oldest = self.catalogue.get(self.dropped).filter(|partition| partition.name == name);
        let Some(oldest) = oldest else { return Err(Violation::NotOldest(step.key())) };
        self.leaves(step, month, &oldest.name, before)?;
        if self.catalogue.len() + self.added.len() - self.dropped < 2 {
            return Err(Violation::LastPartition(step.key()));
        }
        self.dropped += 1;
        Ok(())
    }
}

/// Does a window that opened on the moment's day, or on the day before, last until after it?
fn is_within(window: &Window, moment: NaiveDateTime) -> bool {
    [moment.date(), moment.date() - Days::new(1)].into_iter().any(|day| {
        let lasts_overnight = window.closes() <= window.opens();
        let end = day + Days::new(u64::from(lasts_overnight));
        window.days().contains(&day.weekday())
            && (day.and_time(window.opens())..end.and_time(window.closes())).contains(&moment)
    })
}

fn is_of(twin: &Twin, name: &str, before: DateTime<Utc>) -> bool {
    twin.name == name && twin.same_columns && twin.before.is_none_or(|edge| edge == before)
}

/// Every edge is readable and above the one before, and only the last may be open.
fn are_in_order(catalogue: &[Partition]) -> bool {
    let edges: Option<Vec<_>> = catalogue.iter().filter(|partition| !is_open(partition)).map(edge_of).collect();
    let open_before_the_end = catalogue.iter().rev().skip(1).any(is_open);
    !open_before_the_end && edges.is_some_and(|edges| edges.is_sorted_by(|one, next| one < next))
}

fn edge_of(partition: &Partition) -> Option<DateTime<Utc>> {
    match partition.upper {
        Boundary::Before(edge) => Some(edge),
        Boundary::MaxValue | Boundary::Unknown(_) => None,
    }
}

fn is_open(partition: &Partition) -> bool {
    partition.upper == Boundary::MaxValue
}

fn is_known(expression: &PartitionExpression) -> bool {
    !matches!(expression, PartitionExpression::Unknown { .. })
}
