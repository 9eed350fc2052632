//! From UTC to what people read, and back.

use crate::OpsError;
use chrono::{DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use payhist_types::payment::Payment;

/// The zone of that IANA name.
///
/// # Errors
/// [`OpsError::Internal`]: the name was checked when the history was registered.
pub fn parse(name: &str) -> Result<Tz, OpsError> {
    name.parse().map_err(|_| OpsError::Internal(format!("unknown time zone {name:?}")))
}

/// The same instant with the zone's offset.
pub fn local(at: DateTime<Utc>, zone: Tz) -> DateTime<FixedOffset> {
    at.with_timezone(&zone).fixed_offset()
}

/// The payment with its times in the zone.
pub fn localised(mut payment: Payment, zone: Tz) -> Payment {
    payment.created_at = local(payment.created_at.to_utc(), zone);
    payment.updated_at = payment.updated_at.map(|at| local(at.to_utc(), zone));
    payment
}

/// The first instant of a local time: the earlier one when clocks go back, the end of the gap when they go forward.
pub fn first_instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        // Gaps are shorter than a day and begin on a quarter of an hour.
        LocalResult::None => (1..=96)
            .find_map(|quarters| zone.from_local_datetime(&(local + TimeDelta::minutes(15 * quarters))).earliest())
            .map_or_else(|| zone.from_utc_datetime(&local).to_utc(), |at| at.to_utc()),
    }
}

/// The first instant of a local day.
pub fn day_start(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    first_instant(day.and_time(NaiveTime::MIN), zone)
}
