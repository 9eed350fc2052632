//! What a policy would do over the coming months: the planner itself, asked again on every day on which its answer may
//! change, on the inventory as its earlier answers would have left it.
//!
//! Invariant: no rule of rotation is here. Days are left out only when nothing that the planner looks at has changed:
//! no month and no quarantine has come of age, no hold and no rest after a restore has ended, no window has opened, and the last plan has done
//! nothing that could make more possible.

mod projection;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use payhist_types::Month;
use payhist_types::history::{HistorySpec, Switch, Switches};
use payhist_types::inventory::Inventory;
use payhist_types::plan::{Guard, RotationPlan, Step};
use payhist_types::simulation::{SimulatedBlock, SimulatedStep, Simulation};

use crate::months;
use crate::rotation::{self, PlanError};
use projection::Projection;

/// The most months that are simulated.
pub const MONTHS_MAX: u16 = 120;

/// Simulates so many months, [`MONTHS_MAX`] at most, from the moment `now`.
///
/// # Errors
/// [`PlanError`]: there is no plan.
pub fn simulate(
    spec: &HistorySpec,
    inventory: &Inventory,
    switches: Switches,
    now: DateTime<Utc>,
    months: u16,
) -> Result<Simulation, PlanError> {
    let mut plan = rotation::plan(spec, inventory, &switches, now)?;
    let zone = zone_of(spec)?;
    let last = plan.current_month.plus(months.min(MONTHS_MAX).into()).unwrap_or(Month::MAX);
    let (first_day, until) = (now.with_timezone(&zone).date_naive(), months::start(last, zone));
    let calendar = Calendar { spec, zone, inventory };
    let mut story = Story { current: plan.current_month, zone, steps: Vec::new(), told: BTreeSet::new() };
    let mut projection = Projection::new(inventory, zone, plan.current_month);
    let mut day = first_day;
    loop {
        let is_news = story.tell(&plan);
        projection.apply(&plan);
        let opens = plan.steps.iter().filter_map(waits_until).min();
        let next_day = calendar.next_turn(day, is_news, until);
        let moment = opens.into_iter().chain(next_day.map(|day| months::day_start(day, zone))).min();
        let Some(moment) = moment.filter(|moment| *moment < until) else { break };
        day = moment.with_timezone(&zone).date_naive();
        plan = rotation::plan(spec, projection.inventory(), &switches, moment)?;
    }
    let (history, policy) = (spec.name.clone(), spec.policy.clone());
    let (unknown, blocked) = (plan.unknown(), blocked(&plan));
    Ok(Simulation { history, policy, switches, from: now, until, blocked, steps: story.steps, unknown })
}

fn zone_of(spec: &HistorySpec) -> Result<Tz, PlanError> {
    spec.policy.zone.parse().map_err(|_| PlanError::UnknownZone(spec.policy.zone.clone()))
}

/// When a window opens that is all a step waits for.
fn waits_until(step: &Step) -> Option<DateTime<Utc>> {
    step.blocked_by.iter().map(opening).collect::<Option<Vec<_>>>()?.into_iter().max()
}

fn opening(guard: &Guard) -> Option<DateTime<Utc>> {
    match guard {
        Guard::OutsideWindow { opens } | Guard::TooLargeOutsideWindow { opens, .. } => *opens,
        _ => None,
    }
}

fn blocked(last: &RotationPlan) -> Vec<SimulatedBlock> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let lasting = |guard: &&Guard| opening(guard).is_none();
    for guard in last.steps.iter().filter_map(|step| step.blocked_by.iter().find(lasting)) {
        *reasons.entry(guard.to_string()).or_default() += 1;
    }
    reasons.into_iter().map(|(reason, steps)| SimulatedBlock { reason, steps }).collect()
}

/// The days on which the planner may answer otherwise than the day before.
struct Calendar<'a> {
    spec: &'a HistorySpec,
    zone: Tz,
    inventory: &'a Inventory,
}

impl Calendar<'_> {
    /// The first such day after `day`; the very next one after a plan that did something.
    fn next_turn(&self, day: NaiveDate, is_news: bool, until: DateTime<Utc>) -> Option<NaiveDate> {
        let days = (1..).map_while(|days| day.checked_add_days(Days::new(days)));
        let mut days = days.take_while(|day| months::day_start(*day, self.zone) < until);
        if is_news { days.next() } else { days.find(|day| self.is_turn(*day)) }
    }

    fn is_turn(&self, day: NaiveDate) -> bool {
        let (start, before) = (months::day_start(day, self.zone), months::day_start(day - Days::new(1), self.zone));
        let has_come = |instant: DateTime<Utc>| before < instant && instant <= start;
        let ahead = self.spec.policy.quarantine_days.map(|days| TimeDelta::days(days.into()));
        let goes = ahead.map(|ahead| months::start(months::month_of(start + ahead, self.zone), self.zone) - ahead);
        let restored = self.inventory.shards.iter().flat_map(|shard| &shard.restored).map(|restored| restored.until);
        let held = self.inventory.holds.iter().flatten().filter_map(|hold| hold.until).map(|until| until.to_utc());
        day.day() == 1 || goes.is_some_and(has_come) || restored.chain(held).any(has_come)
    }
}

/// What has been told so far, each step once.
struct Story {
    current: Month,
    zone: Tz,
    steps: Vec<SimulatedStep>,
    told: BTreeSet<String>,
}

impl Story {
    /// Tells a plan's active steps; answers whether any was new.
    fn tell(&mut self, plan: &RotationPlan) -> bool {
        let first = self.steps.len();
        for step in plan.active_steps() {
            if self.told.insert(step.key()) {
                self.add(plan.evaluated_at, step, first);
            }
        }
        self.steps.len() > first
    }

    fn add(&mut self, at: DateTime<Utc>, step: &Step, first: usize) {
        let (verb, month) = (step.action.verb(), step.action.month());
        let same = self.steps[first..].iter_mut().find(|told| told.action == verb && told.month == month);
        if let Some(told) = same {
            told.shards.push(step.shard);
            told.rows_estimate += step.rows_estimate;
            told.bytes += step.bytes;
            return;
        }
        self.steps.push(SimulatedStep {
            date: at.with_timezone(&self.zone).date_naive(),
            at,
            action: verb.to_owned(),
            month,
            shards: vec![step.shard],
            rows_estimate: step.rows_estimate,
            bytes: step.bytes,
            extrapolated: month >= self.current && step.action.switch() == Switch::Drop,
        });
    }
}
