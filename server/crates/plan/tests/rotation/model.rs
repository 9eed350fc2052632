//! A model of histories and of an engine that carries plans out, and random ones of them.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::{America, Asia, Europe, Tz};
use payhist_plan::{months, rotation};
use payhist_types::history::{HistorySpec, Policy, Route, Switches};
use payhist_types::inventory::{
    Boundary, Carving, Column, HeldState, HeldTable, Inventory, Partition, PartitionExpression, ShardInventory,
    TableState, Twin, TwinState,
};
use payhist_types::plan::{Action, RotationPlan};
use payhist_types::window::Window;
use payhist_types::{Month, ShardId};
use proptest::prelude::*;

pub(crate) const ZONES: [Tz; 5] = [Tz::UTC, Europe::London, America::New_York, Asia::Seoul, America::Asuncion];
/// Bytes of every partition but those whose names end with a 5, which have one more.
pub(crate) const BYTES: u64 = 16_384;
pub(crate) const ALL_ON: Switches = Switches { create: true, drop: true, erase: true };

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn month(text: &str) -> Month {
    text.parse().unwrap()
}

pub(crate) fn spec(zone: Tz, shards: u16, premake_months: Option<u16>, retention_months: Option<u16>) -> HistorySpec {
    HistorySpec {
        name: "payments".parse().unwrap(),
        source: "main".into(),
        schema: "pay".into(),
        table_pattern: "payment_history_shard_{shard}".into(),
        route: Route::Modulo { shards },
        columns: None,
        policy: Policy { premake_months, retention_months, zone: zone.name().into(), ..Policy::default() },
    }
}

pub(crate) fn partition(name: &str, upper: Boundary) -> Partition {
    let bytes = BYTES + u64::from(name.ends_with('5'));
    Partition { name: name.into(), ordinal: 1, upper, rows_estimate: 7, bytes }
}

pub(crate) fn month_partition(month: Month, zone: Tz) -> Partition {
    partition(&months::partition_name(month), Boundary::Before(months::end(month, zone)))
}

/// The months from `first` to `last`, each with its own partition.
pub(crate) fn months_of(first: &str, last: &str, zone: Tz) -> Vec<Partition> {
    Month::range(month(first), month(last)).map(|month| month_partition(month, zone)).collect()
}

pub(crate) fn partitioned(mut partitions: Vec<Partition>) -> TableState {
    for (ordinal, partition) in (1..).zip(&mut partitions) {
        partition.ordinal = ordinal;
    }
    let expression = PartitionExpression::RangeColumnsDatetime { column: "created_at".into() };
    let carving = Carving { columns: vec![Column { name: "id".into(), is_text: false, key: Some(1) }], held: None };
    TableState::Partitioned { expression, partitions, twins: Vec::new(), carving }
}

pub(crate) fn inventory(spec: &HistorySpec, states: Vec<TableState>) -> Inventory {
    let shards = spec.route.shards().zip(states).map(|(shard, state)| shard_of(spec, shard, state)).collect();
    Inventory { history: spec.name.clone(), shards, holds: Some(Vec::new()), read_at: at("2026-11-23T00:00:00Z") }
}

fn shard_of(spec: &HistorySpec, shard: ShardId, state: TableState) -> ShardInventory {
    ShardInventory {
        shard,
        table: spec.table_of(shard),
        state,
        restored: Vec::new(),
        archived: Vec::new(),
        max_value_rows: Some(0),
    }
}

pub(crate) fn partitions_mut(inventory: &mut Inventory, shard: usize) -> &mut Vec<Partition> {
    match &mut inventory.shards[shard].state {
        TableState::Partitioned { partitions, .. } => partitions,
        state => panic!("not partitioned: {state:?}"),
    }
}

/// A plan with SQL in every step, as the dialect would leave it.
pub(crate) fn plan(spec: &HistorySpec, inventory: &Inventory, switches: Switches, now: DateTime<Utc>) -> RotationPlan {
    let mut plan = rotation::plan(spec, inventory, &switches, now).unwrap();
    for step in &mut plan.steps {
        step.sql = vec![format!("ALTER TABLE {} {}", step.table, step.key())];
    }
    rotation::rehash(&mut plan);
    plan
}

/// What an engine makes of a plan's active steps. It refuses what engines refuse.
pub(crate) fn apply(plan: &RotationPlan, mut inventory: Inventory) -> Inventory {
    for step in plan.active_steps() {
        let shard = inventory.shards.iter().position(|entry| entry.table == step.table).unwrap();
        let partitions = partitions_mut(&mut inventory, shard);
        match &step.action {
            Action::AddMonth { partition: name, before, .. } => {
                assert!(partitions.iter().all(|taken| taken.name != *name), "1517: {name}");
                let edge = &partitions.last().unwrap().upper;
                assert!(matches!(edge, Boundary::Before(edge) if edge < before), "1493: {edge:?}");
                partitions.push(partition(name, Boundary::Before(*before)));
            }
            Action::SplitMaxValue { partition: name, into, .. } => {
                let max = partitions.pop().filter(|max| max.name == *name && max.upper == Boundary::MaxValue);
                for new in into {
                    assert!(partitions.iter().all(|taken| taken.name != new.partition), "1517: {}", new.partition);
                    let edge = partitions.last().map(|last| &last.upper);
                    assert!(!matches!(edge, Some(Boundary::Before(edge)) if edge >= &new.before), "1493: {edge:?}");
                    partitions.push(partition(&new.partition, Boundary::Before(new.before)));
                }
                partitions.push(max.expect("1507"));
            }
            Action::DropMonth { partition: name, .. } => {
                assert!(partitions.len() > 1, "1508: {name}");
                let place = partitions.iter().position(|partition| partition.name == *name).expect("1507");
                partitions.remove(place);
            }
            _ => carry_out(&step.action, &mut inventory.shards[shard].state),
        }
    }
    inventory
}

/// What quarantine and holds do to a table and the tables beside it.
fn carry_out(action: &Action, state: &mut TableState) {
    let TableState::Partitioned { partitions, twins, carving, .. } = state else {
        panic!("not partitioned: {state:?}")
    };
    let name = action.partition();
    if let Action::DeleteHeld { held, .. } = action {
        let table = carving.held.as_mut().filter(|table| table.name == *held).expect("1146");
        table.released_rows = Some(0);
        return;
    }
    let place = partitions.iter().position(|partition| partition.name == name).expect("1507");
    match action {
        Action::QuarantineMonth { before, twin, .. } => {
            let Partition { rows_estimate, bytes, .. } = partitions[place].clone();
            let (state, before) = (TwinState::Quarantined { late_rows: Some(0) }, Some(*before));
            let (name, partition) = (twin.clone(), Some(name.to_owned()));
            twins.push(Twin { name, partition, before, state, same_columns: true, rows_estimate, bytes });
        }
        Action::DropQuarantined { twin, .. } => {
            assert!(partitions.len() > 1, "1508: {name}");
            let held = twins.iter().position(|held| held.name == *twin).expect("1051");
            twins.remove(held);
            partitions.remove(place);
        }
        Action::CarveOut { held, .. } => {
            carving.held.get_or_insert_with(|| HeldTable {
                name: held.clone(),
                state: HeldState::Ready,
                same_columns: true,
                rows_estimate: 1,
                bytes: BYTES,
                released_rows: Some(0),
            });
        }
        action => panic!("unknown action {action:?}"),
    }
}

/// A random history, its inventory and moment.
#[derive(Debug, Clone)]
pub(crate) struct Situation {
    pub(crate) spec: HistorySpec,
    pub(crate) inventory: Inventory,
    pub(crate) switches: Switches,
    pub(crate) now: DateTime<Utc>,
}

impl Situation {
    pub(crate) fn plan(&self) -> RotationPlan {
        plan(&self.spec, &self.inventory, self.switches, self.now)
    }
}

pub(crate) fn any_situation() -> impl Strategy<Value = Situation> {
    let policy = (proptest::option::weighted(0.9, 0..=6_u16), proptest::option::weighted(0.9, 0..=18_u16));
    let now = (at("2024-01-01T00:00:00Z").timestamp()..at("2028-01-01T00:00:00Z").timestamp())
        .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap());
    let switches = (any::<bool>(), any::<bool>()).prop_map(|(create, drop)| Switches { create, drop, erase: false });
    let zone = proptest::sample::select(ZONES.to_vec());
    let windows = prop_oneof![3 => Just((vec![], None)), 1 => any_windows()];
    (zone, 1..=3_u16, policy, now, prop_oneof![3 => Just(ALL_ON), 1 => switches], windows).prop_flat_map(
        |(zone, shards, (premake, retention), now, switches, windows)| {
            let rows = prop_oneof![3 => Just(Some(0)), 1 => Just(Some(5)), 1 => Just(None)];
            (proptest::collection::vec(any_state(zone), usize::from(shards)), rows).prop_map(move |(states, rows)| {
                let mut spec = spec(zone, shards, premake, retention);
                (spec.policy.windows, spec.policy.max_drop_bytes_outside_windows) = windows.clone();
                let mut inventory = inventory(&spec, states);
                inventory.shards.iter_mut().for_each(|shard| shard.max_value_rows = rows);
                Situation { spec, inventory, switches, now }
            })
        },
    )
}

/// Windows, and how many bytes may go outside of them: some partitions are larger than the limits, some are not.
pub(crate) fn any_windows() -> impl Strategy<Value = (Vec<Window>, Option<u64>)> {
    let window = proptest::sample::select(vec!["daily 01:00-13:00", "Sat-Sun 22:00-06:00", "Sun 01:30-02:30"]);
    let windows = proptest::collection::vec(window.prop_map(|text| text.parse().unwrap()), 1..3);
    (windows, proptest::option::of(proptest::sample::select(vec![0, BYTES, BYTES + 1])))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quirk {
    Gap,
    Irregular,
    Unknown,
}

fn any_state(zone: Tz) -> impl Strategy<Value = TableState> {
    let healthy = Just(None);
    let quirk = proptest::sample::select(vec![Some(Quirk::Gap), Some(Quirk::Irregular), Some(Quirk::Unknown)]);
    let tidy = proptest::collection::vec(healthy, 1..40).boxed();
    let untidy = proptest::collection::vec(prop_oneof![12 => healthy, 1 => quirk], 1..40).boxed();
    let names = 0..3_u8;
    prop_oneof![
        12 => (prop_oneof![tidy, untidy], 0..60_i32, proptest::bool::weighted(0.2), names)
            .prop_map(move |(quirks, first, max, naming)| partitioned(table(zone, first, &quirks, max, naming))),
        1 => Just(TableState::Missing),
        1 => Just(TableState::NotPartitioned),
        1 => Just(TableState::Unreadable { reason: "no answer".into() }),
    ]
}

fn table(zone: Tz, first: i32, quirks: &[Option<Quirk>], max: bool, naming: u8) -> Vec<Partition> {
    let mut held = month("2022-01").plus(first).unwrap();
    let mut partitions = Vec::new();
    for (ordinal, quirk) in quirks.iter().enumerate() {
        if *quirk == Some(Quirk::Gap) {
            held = held.plus(3).unwrap();
        }
        let end = months::end(held, zone);
        let upper = match quirk {
            Some(Quirk::Irregular) => Boundary::Before(end - TimeDelta::days(9)),
            Some(Quirk::Unknown) => Boundary::Unknown("mystery()".into()),
            Some(Quirk::Gap) | None => Boundary::Before(end),
        };
        let name = match naming {
            0 => months::partition_name(held),
            1 => months::partition_name(held.next().unwrap()),
            _ => format!("part{ordinal}"),
        };
        partitions.push(partition(&name, upper));
        held = held.next().unwrap();
    }
    if max {
        partitions.push(partition("pmax", Boundary::MaxValue));
    }
    partitions
}
