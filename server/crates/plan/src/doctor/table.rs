//! One shard's table.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use payhist_types::Month;
use payhist_types::doctor::Severity;
use payhist_types::findings::Severity as Planned;
use payhist_types::findings::{Finding, FindingKind, Reach};
use payhist_types::history::{Route, Switch};
use payhist_types::inventory::{Boundary, Partition, PartitionExpression, ShardInventory, TableState};
use payhist_types::plan::Step;

use super::conversion::is_under_way;
use super::facts::{Looks, Table};
use super::layout::{Layout, hint, layout, time_column};
use super::{Ailment, Case, Found, found, is_managed};
use crate::{months, routing};

/// Users that a finding names at most.
const USERS_NAMED_MAX: usize = 20;

pub(super) fn examine(case: &Case, entry: &ShardInventory) -> Vec<Found> {
    let none = (Table::default(), Looks::default());
    let table = case.facts.tables.get(&entry.table).unwrap_or(&none.0);
    let looks = case.facts.looks.get(&entry.shard).unwrap_or(&none.1);
    let one = Examination { case, entry, table, looks };
    let mut ailments = Vec::new();
    let converts = is_under_way(case, entry); // what keeps it from having partitions is being mended
    if !is_managed(&entry.state) && !matches!(entry.state, TableState::Missing) && !converts {
        ailments.extend(one.what_forbids_partitions());
    }
    ailments.extend(one.zone());
    ailments.extend(one.of_planner());
    ailments.extend(one.defaults_to_now());
    ailments.extend(one.wrong_shard());
    ailments.extend(one.misplaced());
    ailments.extend(looks.failed.iter().map(|why| (Severity::Info, Ailment::NotChecked(why.clone()))));
    ailments.into_iter().map(|(severity, ailment)| found(case.spec, severity, Some(entry.shard), ailment)).collect()
}

struct Examination<'a> {
    case: &'a Case<'a>,
    entry: &'a ShardInventory,
    table: &'a Table,
    looks: &'a Looks,
}

impl Examination<'_> {
    /// Unique keys without the column (1503) and foreign keys (1506): no partitioned table has them.
    fn what_forbids_partitions(&self) -> Vec<(Severity, Ailment)> {
        if self.table.partitioned {
            return Vec::new();
        }
        let keys = self.table.foreign_keys.iter().cloned().map(|key| (Severity::Error, Ailment::ForeignKey(key)));
        let mut ailments: Vec<_> = keys.collect();
        if let Some(column) = time_column(self.table, &hint(self.case.spec)) {
            let has = |key: &super::facts::Key| key.columns.iter().any(|(name, _)| name.as_ref() == Some(&column.name));
            let lacking = self.table.keys.iter().filter(|key| key.unique && !has(key));
            ailments.extend(lacking.map(|key| {
                (Severity::Error, Ailment::KeyLacksColumn { key: key.clone(), column: column.name.clone() })
            }));
        }
        ailments
    }

    /// The planner's findings, with what the doctor knows better.
    fn of_planner(&self) -> Vec<(Severity, Ailment)> {
        let mine: Vec<&Finding> =
            self.case.plan.findings.iter().filter(|finding| finding.shard == Some(self.entry.shard)).collect();
        let irregular: Vec<_> = mine.iter().filter_map(|finding| irregular(&finding.kind)).collect();
        let mut ailments: Vec<_> =
            mine.iter().filter_map(|finding| self.of_finding(finding, !irregular.is_empty())).collect();
        if !irregular.is_empty() {
            ailments.push((Severity::Warning, Ailment::Irregular { partitions: irregular }));
        }
        // Without a premake policy the planner is content: say it all the same.
        let reach =
            self.case.plan.runway.iter().find(|runway| runway.shard == self.entry.shard).map(|runway| runway.reach);
        if let Some(Reach::Until { months, .. }) = reach
            && months < 0
            && self.case.spec.policy.premake_months.is_none()
        {
            ailments.push((Severity::Info, Ailment::Runway { months, wanted: 0, adds: Vec::new() }));
        }
        ailments
    }

    fn of_finding(&self, finding: &Finding, has_irregular: bool) -> Option<(Severity, Ailment)> {
        let (spec, layout) = (self.case.spec, |hint: &str| self.layout(hint));
        let severity = match finding.severity {
            Planned::Critical => Severity::Error,
            Planned::Warning => Severity::Warning,
            Planned::Info => Severity::Info,
        };
        Some(match &finding.kind {
            FindingKind::MissingTable => (severity, Ailment::Missing { like: self.sibling() }),
            FindingKind::NotPartitioned if is_under_way(self.case, self.entry) => return None,
            FindingKind::NotPartitioned => (severity, Ailment::NotPartitioned(layout(&hint(spec)))),
            FindingKind::UnknownExpression { raw } => {
                (severity, Ailment::Expression { raw: raw.clone(), layout: layout(raw) })
            }
            FindingKind::Irregular { .. } => return None,
            FindingKind::Gap { partition, first, last } => {
                let months = self.months(*first, last.next()?);
                (severity, Ailment::Gap { partition: partition.clone(), months })
            }
            FindingKind::MaxValuePresent { partition, .. } => self.max_value(partition),
            FindingKind::RunwayShort { months, wanted } => {
                let adds = self.adds().cloned().collect();
                (severity, Ailment::Runway { months: *months, wanted: *wanted, adds })
            }
            FindingKind::ShardDiffers { missing } => {
                let missing = self.unexplained(missing, has_irregular);
                if missing.is_empty() {
                    return None;
                }
                (severity, Ailment::Planner(FindingKind::ShardDiffers { missing }))
            }
            other => (severity, Ailment::Planner(other.clone())),
        })
    }

    /// Missing months that neither a gap, nor an irregular edge, nor a step of the plan accounts for. Those to come are the
    /// runway's matter.
    fn unexplained(&self, missing: &[Month], has_irregular: bool) -> Vec<Month> {
        let mine = |shard| shard == Some(self.entry.shard);
        let in_gap = |month: &Month| {
            self.case.plan.findings.iter().filter(|finding| mine(finding.shard)).any(|finding| match &finding.kind {
                FindingKind::Gap { first, last, .. } => first <= month && *month <= last.next().unwrap_or(*last),
                FindingKind::MaxValuePresent { .. } | FindingKind::UnknownBoundary { .. } => true,
                _ => false,
            })
        };
        let is_added = |month: &Month| self.adds().any(|step| step.action.added_months().contains(month));
        let current = self.case.plan.current_month;
        let is_unexplained = |month: &Month| *month <= current && !has_irregular && !in_gap(month) && !is_added(month);
        missing.iter().copied().filter(is_unexplained).collect()
    }

    /// The months to split off: those of its rows, and those that the policy asks for, which the planner cannot add below it.
    fn max_value(&self, partition: &str) -> (Severity, Ailment) {
        let Some(rows) = self.looks.max_value_rows else {
            let what = format!("whether the MAXVALUE partition {partition} has rows");
            return (Severity::Warning, Ailment::NotChecked(what));
        };
        let latest = self.looks.extent.map(|(_, latest)| months::month_of(latest, self.case.zone));
        let wanted = self.adds().flat_map(|step| step.action.added_months()).max();
        let edge = self.partitions().iter().rev().find_map(edge_of);
        let months = match (edge, latest.max(wanted)) {
            (Some(edge), Some(last)) => self.months(months::month_of(edge, self.case.zone), last),
            _ => Vec::new(),
        };
        let severity = match (rows, months.is_empty()) {
            (0, true) => Severity::Info,
            (0, false) => Severity::Warning,
            _ => Severity::Error,
        };
        (severity, Ailment::MaxValue { partition: partition.to_owned(), rows, months })
    }

    /// The months that the plan adds here, or would if it could.
    fn adds(&self) -> impl Iterator<Item = &Step> {
        let steps = self.case.plan.steps.iter();
        steps.filter(|step| step.shard == self.entry.shard && step.action.switch() == Switch::Create)
    }

    /// Day-counting expressions cannot hold edges inside a UTC day; a year of months is looked at, for summer time.
    fn zone(&self) -> Option<(Severity, Ailment)> {
        let TableState::Partitioned { expression, .. } = &self.entry.state else { return None };
        let (PartitionExpression::RangeColumnsDate { column }
        | PartitionExpression::ToDays { column }
        | PartitionExpression::YearMonth { column }) = expression
        else {
            return None;
        };
        let current = self.case.plan.current_month;
        let inside_a_day = |month: &Month| months::end(*month, self.case.zone).num_seconds_from_midnight() != 0;
        let month = Month::range(current, current.plus(12)?).find(inside_a_day)?;
        let hint = format!("`{column}`");
        let layout = self.layout(&hint).filter(|layout| layout.column.data_type != "date");
        Some((Severity::Error, Ailment::ZoneInexpressible { month, layout }))
    }

    fn defaults_to_now(&self) -> Option<(Severity, Ailment)> {
        let name = match &self.entry.state {
            TableState::Partitioned { expression, .. } => expression.column()?,
            _ => return None,
        };
        let column = self.table.column(name)?;
        let default = column.default.as_ref()?.to_ascii_lowercase();
        (default.starts_with("current_timestamp") || default.starts_with("now("))
            .then(|| (Severity::Warning, Ailment::DefaultsToNow { column: column.clone() }))
    }

    fn wrong_shard(&self) -> Option<(Severity, Ailment)> {
        if self.case.spec.route == Route::Single {
            return None;
        }
        let users = self.looks.users.as_ref()?.iter();
        let placed = users.map(|user| (*user, routing::shard_of(&self.case.spec.route, *user)));
        let users: Vec<_> = placed.filter(|(_, shard)| *shard != self.entry.shard).take(USERS_NAMED_MAX).collect();
        (!users.is_empty()).then_some((Severity::Error, Ailment::WrongShard { users }))
    }

    fn misplaced(&self) -> Vec<(Severity, Ailment)> {
        let outside = |(partition, earliest, latest): &(String, DateTime<Utc>, DateTime<Utc>)| {
            let index = self.partitions().iter().position(|known| known.name == *partition)?;
            let lower = index.checked_sub(1).and_then(|below| edge_of(&self.partitions()[below]));
            let too_early = lower.is_some_and(|lower| *earliest < lower).then_some(*earliest);
            let too_late = edge_of(&self.partitions()[index]).is_some_and(|upper| *latest >= upper).then_some(*latest);
            let at = too_early.or(too_late)?;
            Some((Severity::Error, Ailment::Misplaced { partition: partition.clone(), at }))
        };
        self.looks.times.iter().filter_map(outside).collect()
    }

    fn partitions(&self) -> &[Partition] {
        match &self.entry.state {
            TableState::Partitioned { partitions, .. } => partitions,
            _ => &[],
        }
    }

    /// How this table would be partitioned: with the months that its siblings have.
    fn layout(&self, hint: &str) -> Option<Layout> {
        let lowest = |entry: &ShardInventory| match &entry.state {
            TableState::Partitioned { partitions, .. } if is_managed(&entry.state) => edge_of(partitions.first()?),
            _ => None,
        };
        let first = self.case.facts.inventory.shards.iter().filter_map(lowest).min();
        let first = first.map(|edge| months::month_of(edge - TimeDelta::microseconds(1), self.case.zone));
        layout(self.table, hint, self.looks, first, &self.case.spec.policy, self.case.now)
    }

    /// A table that is as this one should be.
    fn sibling(&self) -> Option<String> {
        self.case.entries().find(|other| is_managed(&other.state)).map(|other| other.table.clone())
    }

    fn months(&self, first: Month, last: Month) -> Vec<(Month, DateTime<Utc>)> {
        Month::range(first, last).map(|month| (month, months::end(month, self.case.zone))).collect()
    }
}

fn irregular(kind: &FindingKind) -> Option<String> {
    match kind {
        FindingKind::Irregular { partition, .. } => Some(partition.clone()),
        _ => None,
    }
}

fn edge_of(partition: &Partition) -> Option<DateTime<Utc>> {
    match partition.upper {
        Boundary::Before(edge) => Some(edge),
        Boundary::MaxValue | Boundary::Unknown(_) => None,
    }
}
