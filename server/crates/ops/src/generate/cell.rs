//! The payments of one month on one shard.
//!
//! Invariants: they follow from the seed, the month, the shard, the number of rows and the end alone; nothing lies after
//! the end; ids are unique and in the order of creation.

use super::calendar::Calendar;
use super::crowd::Crowd;
use super::dice::Dice;
use super::people::{Market, Person, person};
use crate::OpsError;
use chrono::{DateTime, TimeDelta, Utc};
use payhist_storage::bulk::NewPayment;
use payhist_types::money::Money;
use payhist_types::payment::PaymentStatus;
use payhist_types::{Month, PaymentId, ShardId, UserId};
use rust_decimal::Decimal;

const FAILURES: [&str; 8] = [
    "insufficient_funds",
    "card_declined",
    "expired_card",
    "insufficient_funds",
    "do_not_honor",
    "3ds_failed",
    "limit_exceeded",
    "provider_timeout",
];
/// Payments younger than this may still be undecided.
const UNDECIDED_FOR: TimeDelta = TimeDelta::hours(6);
/// Of a thousand refusals, so many are tried again for the same order.
const RETRIED_PERMILLE: u64 = 600;

/// Which payments to make.
pub(super) struct Cell<'a> {
    pub(super) seed: u64,
    pub(super) month: Month,
    pub(super) shard: ShardId,
    pub(super) rows: u64,
    pub(super) until: DateTime<Utc>,
    pub(super) crowd: &'a Crowd,
    pub(super) calendar: &'a Calendar,
    /// End of the month.
    pub(super) end: DateTime<Utc>,
}

impl Cell<'_> {
    /// Makes them, in the order of creation.
    ///
    /// # Errors
    /// [`OpsError::BadInput`] when so many fall on one millisecond that its ids are used up.
    pub(super) fn rows(&self) -> Result<Vec<NewPayment>, OpsError> {
        let place = [u64::from(self.month.year()) * 100 + u64::from(self.month.month()), u64::from(self.shard.0), 0];
        let mut dice = Dice::new(self.seed, place);
        let wanted = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let mut rows = Vec::with_capacity(wanted);
        while rows.len() < wanted {
            let (user, at) = (self.crowd.pick(&mut dice), self.calendar.pick(&mut dice));
            let person = person(self.seed, user);
            let first = self.payment(&mut dice, user, &person, at);
            let tried_again = first.status == PaymentStatus::Failed && dice.permille(RETRIED_PERMILLE);
            let retry = if tried_again { self.retry(&mut dice, &first, &person) } else { None };
            rows.push(first);
            rows.extend(retry);
        }
        rows.truncate(wanted);
        rows.sort_unstable_by(|a, b| {
            (a.created_at, a.user_id, &a.order_id).cmp(&(b.created_at, b.user_id, &b.order_id))
        });
        self.number(&mut rows)?;
        Ok(rows)
    }

    fn payment(&self, dice: &mut Dice, user: UserId, person: &Person, at: DateTime<Utc>) -> NewPayment {
        let market = person.market;
        let (provider, method) = market.ways[usize::try_from(dice.mostly_small(market.ways.len() as u64)).unwrap_or(0)];
        let status = self.status(dice, at);
        let asked = status != PaymentStatus::Requested;
        NewPayment {
            payment_id: PaymentId::from_raw(0),
            user_id: user,
            order_id: format!("{}-{:010x}", at.format("ORD%y%m%d"), dice.bits() >> 24),
            provider: provider.to_owned(),
            provider_tx_id: asked.then(|| format!("{}_{:016x}", &provider[..2], dice.bits())),
            method: method.to_owned(),
            status,
            money: price(dice, market),
            payer_name: Some(person.name.clone()),
            payer_email: Some(person.email.clone()),
            failure_code: (status == PaymentStatus::Failed).then(|| (*dice.pick(&FAILURES)).to_owned()),
            created_at: at,
            updated_at: self.updated(dice, status, at),
        }
    }

    /// The next attempt for the same order, some minutes later; none when the month or the run ends before.
    fn retry(&self, dice: &mut Dice, first: &NewPayment, person: &Person) -> Option<NewPayment> {
        let at = first.updated_at + TimeDelta::milliseconds(dice.below(900_000).cast_signed() + 5_000);
        let again = self.payment(dice, first.user_id, person, at);
        (at < self.end.min(self.until)).then(|| NewPayment {
            order_id: first.order_id.clone(),
            money: first.money,
            ..again
        })
    }

    /// Young payments may be undecided; old ones are not.
    fn status(&self, dice: &mut Dice, at: DateTime<Utc>) -> PaymentStatus {
        let age = self.until - at;
        let lot = dice.below(1_000);
        if age < TimeDelta::minutes(10) && lot < 450 {
            return if lot < 120 { PaymentStatus::Requested } else { PaymentStatus::Pending };
        }
        if age < UNDECIDED_FOR && lot < 110 {
            return if lot < 50 { PaymentStatus::Pending } else { PaymentStatus::Authorized };
        }
        match dice.below(1_000) {
            0..=61 => PaymentStatus::Failed,
            62..=84 => PaymentStatus::Cancelled,
            85..=96 => PaymentStatus::Expired,
            97..=104 => PaymentStatus::PartiallyRefunded,
            105..=125 => PaymentStatus::Refunded,
            _ => PaymentStatus::Paid,
        }
    }

    /// When it came to its status: never after the run's end.
    fn updated(&self, dice: &mut Dice, status: PaymentStatus, at: DateTime<Utc>) -> DateTime<Utc> {
        let later = match status {
            PaymentStatus::Requested => TimeDelta::zero(),
            PaymentStatus::Expired => TimeDelta::minutes(30),
            PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => {
                TimeDelta::seconds(dice.mostly_small(30 * 86_400).cast_signed())
            }
            _ => TimeDelta::milliseconds(200 + dice.mostly_small(90_000).cast_signed()),
        };
        (at + later).min(self.until)
    }

    /// Gives each payment its id: its millisecond, the shard, and its place among those of that millisecond.
    fn number(&self, rows: &mut [NewPayment]) -> Result<(), OpsError> {
        let mut last = (0, 0_u16);
        for row in rows {
            let millis = row.created_at.timestamp_millis().unsigned_abs();
            last = if last.0 == millis { (millis, last.1.saturating_add(1)) } else { (millis, 0) };
            row.payment_id = PaymentId::new(millis, self.shard, last.1)
                .map_err(|error| OpsError::field("rows", format!("{error}: fewer rows or more months, please")))?;
        }
        Ok(())
    }
}

/// A price, small ones far more often, in the market's steps.
fn price(dice: &mut Dice, market: &Market) -> Money {
    let steps = (market.price_max - market.price_min) / market.price_step;
    let units = market.price_min + dice.mostly_small(steps) * market.price_step;
    let amount = Decimal::from_i128_with_scale(units.into(), market.currency.digits());
    Money::new(amount, market.currency).unwrap_or_else(|_| unreachable!("prices are far below what money can be"))
}
