//! The steps of one table.

use chrono::{DateTime, Utc};
use payhist_types::findings::Reach;
use payhist_types::history::Switch;
use payhist_types::inventory::{Archived, Boundary, Carving, Partition, Restored, ShardInventory, TableState, Twin};
use payhist_types::plan::{Action, Guard, NewMonth, Step};
use payhist_types::{Month, ShardId};

use super::{Context, held};
use crate::classify::{Classified, Kind};
use crate::months;

/// The most months that a plan adds to one table: twenty years of them is a mistake in the policy or the table.
pub const MONTHS_ADDED_MAX: u32 = 240;

static NO_CARVING: Carving = Carving { columns: Vec::new(), held: None };

/// A partitioned table whose expression is known.
pub(super) struct Table<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) shard: ShardId,
    pub(super) name: &'a str,
    pub(super) twins: &'a [Twin],
    pub(super) carving: &'a Carving,
    pub(super) restored: &'a [Restored],
    /// Rows of its MAXVALUE partition, if they were counted.
    pub(super) max_value_rows: Option<u64>,
    pub(super) archived: &'a [Archived],
    /// Never empty.
    pub(super) partitions: Vec<Classified<'a>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(context: &'a Context<'a>, found: &'a ShardInventory, partitions: Vec<Classified<'a>>) -> Self {
        let (twins, carving) = match &found.state {
            TableState::Partitioned { twins, carving, .. } => (twins.as_slice(), carving),
            _ => (&[][..], &NO_CARVING),
        };
        let ShardInventory { shard, ref table, ref restored, ref archived, max_value_rows, .. } = *found;
        Self { context, shard, name: table, twins, carving, restored, archived, max_value_rows, partitions }
    }

    /// Adds before everything else, each from the oldest month. None at all if the table is absurdly far behind.
    pub(super) fn steps(&self) -> Vec<Step> {
        if self.months_too_many().is_some() {
            return Vec::new();
        }
        let mut steps = match self.max_value() {
            Some(max) => self.split(max).into_iter().collect(),
            None => self.adds().collect::<Vec<_>>(),
        };
        let grows = steps.first().is_some_and(Step::is_active);
        steps.extend(self.leaving(grows));
        steps.extend(self.delete_held());
        settle(&mut steps);
        steps
    }

    /// How far the edges reach.
    pub(super) fn reach(&self) -> Reach {
        match (self.last_edge(), self.max_value(), self.misread()) {
            (_, Some(_), _) => Reach::Endless,
            (Some(edge), None, None) => {
                let month = months::month_of(edge, self.context.zone).prev().unwrap_or(Month::MIN);
                Reach::Until { month, months: self.context.current.months_until(month) }
            }
            _ => Reach::Unknown,
        }
    }

    /// The months that it has, oldest first.
    pub(super) fn months(&self) -> impl Iterator<Item = Month> {
        self.partitions.iter().filter_map(|classified| match classified.kind {
            Kind::Month(month) => Some(month),
            Kind::Irregular { .. } | Kind::MaxValue | Kind::Unknown => None,
        })
    }

    pub(super) fn max_value(&self) -> Option<&'a Partition> {
        self.raw().find(|partition| partition.upper == Boundary::MaxValue)
    }

    /// How many months are missing, if they are too many to add by plan.
    pub(super) fn months_too_many(&self) -> Option<u32> {
        u32::try_from(self.missing_months().count()).ok().filter(|months| *months > MONTHS_ADDED_MAX)
    }

    /// Edges that are not above the one before: as the engine allows no such thing, they have been misread.
    pub(super) fn overlaps(&self) -> impl Iterator<Item = &'a Partition> {
        let mut highest = None;
        self.raw().filter(move |partition| match &partition.upper {
            Boundary::Before(edge) => highest.replace(*edge).is_some_and(|before| before >= *edge),
            Boundary::MaxValue | Boundary::Unknown(_) => false,
        })
    }

    fn raw(&self) -> impl DoubleEndedIterator<Item = &'a Partition> {
        self.partitions.iter().map(|classified| classified.partition)
    }

    /// The first partition whose edge cannot be relied upon.
    pub(super) fn misread(&self) -> Option<&'a Partition> {
        self.raw().find(|partition| matches!(partition.upper, Boundary::Unknown(_))).or_else(|| self.overlaps().next())
    }

    /// The upper edge of the last partition that has a known one.
    fn last_edge(&self) -> Option<DateTime<Utc>> {
        self.raw().rev().find_map(|partition| match partition.upper {
            Boundary::Before(edge) => Some(edge),
            Boundary::MaxValue | Boundary::Unknown(_) => None,
        })
    }

    /// From the last known edge to what the policy asks.
    fn missing_months(&self) -> impl Iterator<Item = Month> + use<> {
        let Context { policy, zone, current, .. } = *self.context;
        let first = self.last_edge().map_or(current, |edge| months::month_of(edge, zone));
        let last = policy.premake_months.map(|ahead| current.plus(ahead.into()).unwrap_or(Month::MAX));
        // The last of all months can be there already: there is none after it for the edge to lie in.
        let last = last.filter(|last| self.last_edge().is_none_or(|edge| edge < months::end(*last, zone)));
        last.into_iter().flat_map(move |last| Month::range(first, last))
    }

    fn adds(&self) -> impl Iterator<Item = Step> {
        self.missing_months().map(|month| {
            let partition = months::partition_name(month);
            let before = months::end(month, self.context.zone);
            let blocked_by = self.guards_of_add(&partition);
            self.step(Action::AddMonth { month, partition, before }, blocked_by, 0, 0)
        })
    }

    fn guards_of_add(&self, name: &str) -> Vec<Guard> {
        let mut guards = self.guards_of_switch(Switch::Create);
        // Ahead of the last edge only what stands last is in doubt, unless the order itself is.
        let last = self.raw().next_back().filter(|last| matches!(last.upper, Boundary::Unknown(_)));
        if let Some(doubtful) = last.or_else(|| self.overlaps().next()) {
            guards.push(Guard::UnknownBoundary { partition: doubtful.name.clone() });
        }
        guards.extend(self.name_taken(name));
        guards
    }

    /// Partition names are case-insensitive on every engine.
    fn name_taken(&self, name: &str) -> Option<Guard> {
        let taken = self.raw().find(|partition| partition.name.eq_ignore_ascii_case(name))?;
        Some(Guard::NameTaken { partition: taken.name.clone() })
    }

    /// All missing months at once: each ALTER of a MAXVALUE partition makes it anew.
    fn split(&self, max: &Partition) -> Option<Step> {
        let new = |month| NewMonth {
            month,
            partition: months::partition_name(month),
            before: months::end(month, self.context.zone),
        };
        let into: Vec<_> = self.missing_months().map(new).collect();
        let month = into.first()?.month;
        let mut guards = self.guards_of_switch(Switch::Create);
        if let Some(doubtful) = self.misread() {
            guards.push(Guard::UnknownBoundary { partition: doubtful.name.clone() });
        }
        if self.max_value_rows != Some(0) {
            let partition = max.name.clone();
            guards.push(Guard::MaxValueHasRows { partition, rows: self.max_value_rows });
        }
        guards.extend(into.iter().filter_map(|new| self.name_taken(&new.partition)));
        Some(self.step(
            Action::SplitMaxValue { month, partition: max.name.clone(), into },
            guards,
            max.rows_estimate,
            max.bytes,
        ))
    }

    pub(super) fn guards_of_switch(&self, switch: Switch) -> Vec<Guard> {
        if self.context.switches.is_on(switch) { Vec::new() } else { vec![Guard::SwitchOff { switch }] }
    }

    pub(super) fn step(&self, action: Action, blocked_by: Vec<Guard>, rows_estimate: u64, bytes: u64) -> Step {
        Step {
            shard: self.shard,
            table: self.name.to_owned(),
            action,
            blocked_by,
            sql: Vec::new(),
            rows_estimate,
            bytes,
        }
    }
}

pub(super) fn older_stays(partition: &str) -> Guard {
    Guard::OlderPartitionStays { partition: partition.to_owned() }
}

/// Blocks those of one table's steps that rely on a step that is blocked: adds and drops would leave a gap, and the last
/// partition needs a new one beside it. Settling twice changes nothing more.
pub(super) fn settle(steps: &mut [Step]) {
    held::settle(steps);
    let (adds, others) = steps.split_at_mut(steps.partition_point(|step| step.action.switch() == Switch::Create));
    if let Some(stop) = adds.iter().position(|add| !add.is_active()) {
        let because = adds[stop].blocked_by.clone();
        adds[stop..].iter_mut().for_each(|add| block(add, &because));
    }
    // What quarantines leaves the partition where it is: no gap, and no order to keep.
    let mut drops: Vec<_> = others.iter_mut().filter(|step| step.action.takes_partition()).collect();
    // What else blocks the first add is known when the drops are planned.
    let needs_beside = |add: &&Step| {
        matches!(add.action, Action::AddMonth { .. }) && matches!(add.blocked_by[..], [Guard::NotExpressible { .. }])
    };
    if let Some(first) = adds.first().filter(needs_beside)
        && let Some(last) = drops.iter_mut().find(|drop| drop.action.month().next() == Some(first.action.month()))
    {
        block(last, &[Guard::LastPartition]);
    }
    // A switch and a closed window stop all drops alike: no gap, and no order to keep.
    let stops_all = |guard: &Guard| matches!(guard, Guard::SwitchOff { .. } | Guard::OutsideWindow { .. });
    let is_stuck = |drop: &&mut Step| drop.blocked_by.iter().any(|guard| !stops_all(guard));
    if let Some(stop) = drops.iter().position(is_stuck) {
        let because = older_stays(drops[stop].action.partition());
        let unexplained =
            |drop: &Step| !drop.blocked_by.iter().any(|guard| matches!(guard, Guard::OlderPartitionStays { .. }));
        for drop in drops[stop + 1..].iter_mut().filter(|drop| unexplained(drop)) {
            block(drop, std::slice::from_ref(&because));
        }
    }
    held::settle(steps);
}

pub(super) fn block(step: &mut Step, because: &[Guard]) {
    let new: Vec<_> = because.iter().filter(|guard| !step.blocked_by.contains(guard)).cloned().collect();
    step.blocked_by.extend(new);
}
