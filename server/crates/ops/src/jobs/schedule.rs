//! What is due, decided from rows: never from a timer that may fire twice or not at all.

use super::{JOBS, cron, zone_of_schedules};
use crate::{Ops, OpsError, histories, zone};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use payhist_plan::windows;
use payhist_storage::histories::History;
use payhist_storage::jobs::{self as stored, StoredJob};
use payhist_storage::tx;
use payhist_types::jobs::JobRunStatus;

/// Ticks older than this are not even recorded as skipped: after a week's outage nobody wants ten thousand rows.
const MISFIRES_RECORDED_FOR: TimeDelta = TimeDelta::hours(2);

/// Makes the ticks due that have come since each job was last looked at. Misfire policy: of several missed ticks the
/// newest runs, the others are recorded as skipped. Any number of instances may call it at once.
pub async fn make_due(ops: &Ops) -> Result<(), OpsError> {
    let zone = zone_of_schedules(ops).await?;
    let jobs = stored::all(&mut *ops.control().acquire("jobs.due").await?).await?;
    let histories = histories::all(ops).await?;
    let now = ops.now();
    for job in jobs.into_iter().filter(|job| !job.paused) {
        let mut ticks = ticks(&job, zone, now)?;
        if JOBS.iter().any(|known| known.at_windows && known.name == job.name) {
            ticks.extend(openings(&histories, job.planned_until, now)?);
            ticks.sort_unstable();
            ticks.dedup();
        }
        if ticks.is_empty() {
            continue;
        }
        tx::run(ops.control(), "jobs.due", |connection| {
            let (job, ticks) = (job.clone(), ticks.clone());
            Box::pin(async move {
                // Whoever moves the mark decides; everybody else finds it moved.
                if !stored::advance(connection, &job.name, job.planned_until, now).await? {
                    return Ok(());
                }
                for (place, tick) in ticks.iter().enumerate() {
                    let status = if place + 1 == ticks.len() { JobRunStatus::Due } else { JobRunStatus::Skipped };
                    stored::make_due(connection, &job.name, *tick, "schedule", status).await?;
                }
                Ok(())
            })
        })
        .await?;
    }
    Ok(())
}

/// The ticks in `(planned_until, now]`, oldest first, on whole seconds: croner hands on the fraction of the time that
/// it is asked about, and a tick must be the same whenever and wherever it is looked at.
fn ticks(job: &StoredJob, zone: Tz, now: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, OpsError> {
    let now = now.trunc_subsecs(0);
    let from = job.planned_until.trunc_subsecs(0).max(now - MISFIRES_RECORDED_FOR);
    let cron = cron(&job.schedule)?;
    let mut ticks: Vec<_> =
        cron.iter_after(from.with_timezone(&zone)).map(|at| at.to_utc()).take_while(|at| *at <= now).collect();
    // A daily job that slept through its hour for longer still runs once.
    if ticks.is_empty()
        && let Ok(missed) = cron.find_previous_occurrence(&now.with_timezone(&zone), true)
        && missed.to_utc() > job.planned_until
    {
        ticks.push(missed.to_utc());
    }
    Ok(ticks)
}

/// When the maintenance windows that are open now opened, if nobody has looked since.
fn openings(
    histories: &[History],
    looked_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, OpsError> {
    let mut opened = Vec::new();
    for history in histories {
        let policy = &history.spec.policy;
        opened.extend(windows::opened_since(&policy.windows, zone::parse(&policy.zone)?, looked_at, now));
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    const NONE: [DateTime<Utc>; 0] = [];

    fn job(schedule: &str, planned_until: DateTime<Utc>) -> StoredJob {
        StoredJob { name: "j".into(), schedule: schedule.into(), paused: false, planned_until }
    }

    fn utc(day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 0).unwrap()
    }

    #[test]
    fn a_tick_is_due_once_its_minute_has_come_and_not_again() {
        let daily = "15 2 * * *";
        assert_eq!(ticks(&job(daily, utc(2, 2, 0)), Tz::UTC, utc(2, 2, 14)).unwrap(), NONE);
        assert_eq!(ticks(&job(daily, utc(2, 2, 0)), Tz::UTC, utc(2, 2, 15)).unwrap(), [utc(2, 2, 15)]);
        assert_eq!(ticks(&job(daily, utc(2, 2, 15)), Tz::UTC, utc(2, 2, 16)).unwrap(), NONE);
    }

    #[test]
    fn a_tick_is_one_tick_whatever_the_fraction_of_the_second_it_is_looked_at() {
        let (minutely, millis) = ("* * * * *", TimeDelta::milliseconds);
        let look = |planned_until, now| ticks(&job(minutely, planned_until), Tz::UTC, now).unwrap();
        let before = utc(2, 5, 18) + millis(220);
        assert_eq!(look(before, utc(2, 5, 19) + millis(115)), [utc(2, 5, 19)]);
        assert_eq!(look(before, utc(2, 5, 19) + millis(900)), [utc(2, 5, 19)]);
        assert_eq!(look(utc(2, 5, 19) + millis(115), utc(2, 5, 19) + millis(119)), NONE);
    }

    #[test]
    fn after_an_outage_of_days_a_daily_job_is_due_once() {
        assert_eq!(ticks(&job("15 2 * * *", utc(1, 0, 0)), Tz::UTC, utc(9, 12, 0)).unwrap(), [utc(9, 2, 15)]);
    }

    #[test]
    fn schedules_follow_the_business_zone() {
        assert_eq!(
            ticks(&job("15 2 * * *", utc(1, 12, 0)), Tz::Asia__Seoul, utc(1, 17, 15)).unwrap(),
            [utc(1, 17, 15)]
        );
    }

    #[test]
    fn a_clock_that_jumps_back_makes_nothing_due() {
        assert_eq!(ticks(&job("* * * * *", utc(3, 0, 0)), Tz::UTC, utc(2, 0, 0)).unwrap(), NONE);
    }
}
