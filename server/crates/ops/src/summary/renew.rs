//! The job: counts what is not kept yet, what has changed by the source's word, and, each night, what closed lately.
//!
//! Payment services change rows without telling payhist: a refund weeks after its payment, a payment that came late. What the
//! source says of it ([`payhist_storage::summaries::touched`]) is forgotten when it restarts; so the last months are counted
//! again anyway.

use super::count::{self, Patience};
use super::oldest_known;
use super::presence::{Presence, Table};
use super::touched::{floor, latest, touched};
use crate::zone::first_instant;
use crate::{Ops, OpsError, catalogue, zone};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::future::join_all;
use payhist_plan::months;
use payhist_storage::histories::History;
use payhist_storage::summaries::{self, Known, Place, Touched, Wanted};
use payhist_types::inventory::Inventory;
use payhist_types::{Month, ShardId};
use std::collections::BTreeMap;

/// Months that are counted again each night after they closed.
const RECOUNTED_MONTHS: i32 = 3;
/// From this hour of the business day on.
const RECOUNTED_FROM_HOUR: u32 = 3;
/// Most months of a history that are kept up to date.
const MONTHS_MAX: i32 = 120;

/// What was done for one history.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Renewed {
    /// Months of a shard that were counted and kept.
    pub(crate) counted: u32,
    /// Those that were kept already.
    pub(crate) kept: u32,
    /// What was not kept, and why.
    pub(crate) problems: Vec<String>,
}

/// A month of a shard that is to be counted.
struct Due {
    place: Place,
    span: (DateTime<Utc>, DateTime<Utc>),
    version: u64,
    is_certain: bool,
}

/// Brings what is kept of a history up to date, source beside source, and on each one month of a shard after the other.
pub(crate) async fn renew(ops: &Ops, history: &History) -> Result<Renewed, OpsError> {
    let mut renewed = Renewed::default();
    let Some(range) = closed_months(ops, history).await? else { return Ok(renewed) };
    // First the versions, then the leases, then the catalogue, then the rows: see `count`.
    let mut connection = ops.control().acquire("summary.renew").await?;
    let known = summaries::list(&mut connection, history.id, range, Wanted { whole: false, days: false }).await?;
    drop(connection);
    if !count::is_quiet(ops, history).await? {
        renewed.problems.push("a run or an import is at work: nothing was counted".to_owned());
        return Ok(renewed);
    }
    let inventory = catalogue::read(ops, history).await?;
    let sources = history.spec.source.names();
    let answers = join_all(sources.iter().map(|source| touched(ops, history, source))).await;
    let touched: Touched = answers.into_iter().filter_map(Result::ok).flatten().collect();
    let Found { due, kept, unknown } = look(ops, history, &inventory, range, &known, &touched).await?;
    renewed.kept = kept;
    renewed.problems.extend(unknown);
    let mut by_source: BTreeMap<&str, Vec<Due>> = BTreeMap::new();
    for one in due {
        by_source.entry(history.spec.source.of(one.place.shard)).or_default().push(one);
    }
    let zone = zone::parse(&history.spec.policy.zone)?;
    for (counted, problems) in join_all(by_source.into_values().map(|due| count_all(ops, history, zone, due))).await {
        renewed.counted += counted;
        renewed.problems.extend(problems);
    }
    Ok(renewed)
}

/// From the oldest month that any table has to the last one that is over.
async fn closed_months(ops: &Ops, history: &History) -> Result<Option<(Month, Month)>, OpsError> {
    let (zone, now) = (zone::parse(&history.spec.policy.zone)?, ops.now());
    let recent = catalogue::recent(ops, history.spec.name.as_str()).await?;
    let first = recent.inventory.shards.iter().filter_map(|shard| super::presence::first_month(shard, zone)).min();
    let Some(first) = oldest_known(ops, history, first).await? else { return Ok(None) };
    let last = Month::range(first, months::month_of(now, zone)).rfind(|month| count::is_closed(*month, zone, now));
    Ok(last.map(|last| (first.max(last.plus(1 - MONTHS_MAX).unwrap_or(Month::MIN)), last)))
}

/// What there is to do.
#[derive(Default)]
struct Found {
    due: Vec<Due>,
    kept: u32,
    unknown: Vec<String>,
}

async fn look(
    ops: &Ops,
    history: &History,
    inventory: &Inventory,
    (first, last): (Month, Month),
    known: &BTreeMap<(ShardId, Month), Known>,
    touched: &Touched,
) -> Result<Found, OpsError> {
    let (spec, now) = (&history.spec, ops.now());
    let zone = zone::parse(&spec.policy.zone)?;
    let recent_from = last.plus(1 - RECOUNTED_MONTHS).unwrap_or(Month::MIN);
    let since = last_recount(now, zone);
    let mut all = Found::default();
    for shard in &inventory.shards {
        let table = Table::of(shard, zone);
        if let Table::Unknown(reason) = &table {
            all.unknown.push(format!("shard {} on {}: {reason}", shard.shard, spec.source.of(shard.shard)));
            continue;
        }
        let lag = TimeDelta::from_std(ops.source(spec.source.of(shard.shard))?.capabilities().await?.update_time_lag());
        let lag = lag.unwrap_or_default();
        for month in Month::range(first, last) {
            let span = months::bounds(month, zone);
            let presence = table.presence(month, span);
            let Presence::There { is_certain, .. } = presence else { continue };
            let found = known.get(&(shard.shard, month));
            let current = found.and_then(Known::current);
            let current = current.filter(|kept| kept.basis == count::basis(spec, shard.shard, span));
            let holds = current.is_some_and(|kept| {
                let changed = latest(touched, &shard.table, &presence);
                let is_settled = changed.is_none_or(|at| at < floor(kept.source_time) - lag);
                is_settled && (month < recent_from || kept.counted_at >= since)
            });
            if holds {
                all.kept += 1;
                continue;
            }
            let place = Place { history_id: history.id, month, shard: shard.shard };
            all.due.push(Due { place, span, version: found.map_or(0, |known| known.version), is_certain });
        }
    }
    all.due.sort_by_key(|due| std::cmp::Reverse(due.place.month));
    Ok(all)
}

/// The last time when recently closed months were due to be counted again.
fn last_recount(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    let hour = NaiveTime::from_hms_opt(RECOUNTED_FROM_HOUR, 0, 0).unwrap_or_default();
    let at = |day: chrono::NaiveDate| first_instant(day.and_time(hour), zone);
    let of_today = at(today);
    if of_today <= now { of_today } else { at(today.checked_sub_days(Days::new(1)).unwrap_or(today)) }
}

/// Counts and keeps the months of a source's shards. A shard that fails is left out, the others go on.
async fn count_all(ops: &Ops, history: &History, zone: Tz, due: Vec<Due>) -> (u32, Vec<String>) {
    let (mut counted, mut failed) = (0, BTreeMap::new());
    for Due { place, span, version, is_certain } in due {
        if failed.contains_key(&place.shard) {
            continue;
        }
        let one = async {
            let found = count::count(ops, &history.spec, place.shard, span, zone, Patience::Job).await?;
            if !is_certain && found.tally.whole.is_empty() {
                return Ok(false);
            }
            let basis = count::basis(&history.spec, place.shard, span);
            count::keep(ops, place, version, basis, &found).await
        };
        match one.await {
            Ok(kept) => counted += u32::from(kept),
            Err::<_, OpsError>(error) => drop(failed.insert(place.shard, (place.month, error.to_string()))),
        }
    }
    let source = |shard| history.spec.source.of(shard);
    let words = |(shard, (month, why)): (ShardId, (Month, String))| {
        format!("shard {shard} on {}, from {month} back: {why}", source(shard))
    };
    (counted, failed.into_iter().map(words).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_closed_lately_is_due_again_at_three_in_the_business_zone() {
        let seoul = chrono_tz::Asia::Seoul;
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(last_recount(at("2026-11-15T17:59:59Z"), seoul), at("2026-11-14T18:00:00Z"));
        assert_eq!(last_recount(at("2026-11-15T18:00:00Z"), seoul), at("2026-11-15T18:00:00Z"));
    }
}
