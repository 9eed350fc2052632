//! How many payments each month of each shard gets.

use super::GenerateRequest;
use super::calendar::Calendar;
use super::cell::Cell;
use super::crowd::{Crowd, USERS_MAX, split};
use crate::OpsError;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_plan::months;
use payhist_storage::bulk::NewPayment;
use payhist_types::history::HistorySpec;
use payhist_types::{Month, ShardId};

/// Most rows of one month of one shard: they are made in memory and written in one transaction.
const CELL_ROWS_MAX: u64 = 500_000;
/// Most months that a run may fill.
const MONTHS_MAX: u32 = 240;
/// Business grows: each month has so many hundredths more than the one before, counted from the first.
const GROWTH_PERCENT: u64 = 2;

/// A run's payments, before they are made.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) spec: HistorySpec,
    pub(super) zone: Tz,
    pub(super) until: DateTime<Utc>,
    seed: u64,
    crowds: Vec<Crowd>,
    months: Vec<(Month, Calendar)>,
    /// Oldest month first; within it, by shard.
    pub(super) cells: Vec<Place>,
}

/// A month of a shard, and how many rows it gets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    month: usize,
    pub(super) shard: ShardId,
    pub(super) rows: u64,
}

impl Schedule {
    /// Shares the rows out.
    ///
    /// # Errors
    /// [`OpsError::BadInput`] naming the number that is too small or too large.
    pub(super) fn new(request: &GenerateRequest, spec: HistorySpec, until: DateTime<Utc>) -> Result<Self, OpsError> {
        let zone = crate::zone::parse(&spec.policy.zone)?;
        if !(1..=USERS_MAX).contains(&request.users) {
            return Err(OpsError::field("users", format!("between 1 and {USERS_MAX}")));
        }
        let back = i32::try_from(request.months).ok().filter(|_| (1..=MONTHS_MAX).contains(&request.months));
        let back = back.ok_or_else(|| OpsError::field("months", format!("between 1 and {MONTHS_MAX}")))?;
        let last = months::month_of(until, zone);
        let first = last.plus(1 - back).ok_or_else(|| OpsError::field("months", "they begin before 1970"))?;
        let months: Vec<_> =
            Month::range(first, last).map(|month| (month, Calendar::of_month(month, zone, until))).collect();
        let crowds = Crowd::of_route(&spec.route, request.users);
        let grown =
            |(at, (_, calendar)): (u64, &(Month, Calendar))| calendar.weight() / 100 * (100 + GROWTH_PERCENT * at);
        let by_month = split(request.rows, &(0..).zip(&months).map(grown).collect::<Vec<_>>());
        let by_crowd: Vec<_> = crowds.iter().map(Crowd::weight).collect();
        let mut cells = Vec::new();
        for (month, rows) in by_month.into_iter().enumerate() {
            cells.extend((0..).zip(split(rows, &by_crowd)).map(|(shard, rows)| Place {
                month,
                shard: ShardId(shard),
                rows,
            }));
        }
        if let Some(most) = cells.iter().map(|cell| cell.rows).max().filter(|most| *most > CELL_ROWS_MAX) {
            return Err(OpsError::field(
                "rows",
                format!(
                    "a month of a shard would have {most}, and {CELL_ROWS_MAX} is the most: fewer rows or more months, please"
                ),
            ));
        }
        Ok(Self { spec, zone, until, seed: request.seed, crowds, months, cells })
    }

    /// The months, oldest first.
    pub(super) fn months(&self) -> impl Iterator<Item = Month> {
        self.months.iter().map(|(month, _)| *month)
    }

    pub(super) fn month(&self, place: Place) -> Month {
        self.months[place.month].0
    }

    /// Makes the rows of a place, in the order of creation.
    pub(super) fn rows(&self, place: Place) -> Result<Vec<NewPayment>, OpsError> {
        let (month, calendar) = &self.months[place.month];
        let crowd = &self.crowds[usize::from(place.shard.0)];
        let end = months::end(*month, self.zone);
        Cell {
            seed: self.seed,
            month: *month,
            shard: place.shard,
            rows: place.rows,
            until: self.until,
            crowd,
            calendar,
            end,
        }
        .rows()
    }
}
