//! What happened to a payment and what will, from its row, the holds, the archives and the reveals.

use super::Reader;
use crate::OpsError;
use crate::zone::local;
use payhist_plan::months;
use payhist_storage::reveals::Reveal;
use payhist_storage::{archives, holds, restored};
use payhist_types::archive::ArchiveState;
use payhist_types::payment::{Location, Payment};
use payhist_types::timeline::{PaymentEvent, TimelineEntry};

impl Reader<'_> {
    /// The lines of a payment's timeline, newest first.
    pub(super) async fn timeline(
        &self,
        payment: &Payment,
        location: &Location,
        reveals: Vec<Reveal>,
    ) -> Result<Vec<TimelineEntry>, OpsError> {
        let entry = |at, event, by| TimelineEntry { at: local(at, self.zone), event, by };
        let created_at = payment.created_at.to_utc();
        let mut entries = vec![entry(created_at, PaymentEvent::Created, None)];
        if let Some(at) = payment.updated_at.map(|at| at.to_utc()).filter(|at| *at > created_at) {
            let (status, version) = (payment.status, payment.version);
            entries.push(entry(at, PaymentEvent::Changed { status, version }, None));
        }
        for Reveal { actor, reason, at, .. } in reveals {
            entries.push(entry(at, PaymentEvent::Revealed { reason }, Some(actor)));
        }
        let mut connection = self.ops.control().acquire("payments.timeline").await?;
        let active = holds::active(&mut connection, self.history.id, self.ops.now()).await?;
        for hold in
            active.into_iter().filter(|hold| hold.scope.is_on(payment.user_id, &payment.order_id, location.month))
        {
            if let Some(until) = hold.until {
                entries.push(entry(until.to_utc(), PaymentEvent::HoldEnds { hold: hold.id }, None));
            }
            let held = PaymentEvent::Held { hold: hold.id, case_number: hold.case_number };
            entries.push(entry(hold.placed.at.to_utc(), held, Some(hold.placed.by)));
        }
        let of_month = archives::list(&mut connection, self.history.id, Some(location.month)).await?;
        let verified = of_month.into_iter().filter(|archive| archive.state == ArchiveState::Verified);
        for archive in verified.filter(|archive| archive.place.shard == location.shard) {
            entries.push(entry(archive.created_at, PaymentEvent::Archived { target: archive.place.target }, None));
        }
        for (shard, month) in restored::current(&mut connection, self.history.id, self.ops.now()).await? {
            if (shard, month.month) == (location.shard, location.month) {
                entries.push(entry(month.until, PaymentEvent::RestoredEnds, None));
            }
        }
        let retention = self.history.spec.policy.retention_months;
        let after = retention.and_then(|kept| location.month.plus(i32::from(kept) + 1));
        if let Some(after) = after {
            entries.push(entry(months::start(after, self.zone), PaymentEvent::Expires, None));
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        Ok(entries)
    }
}
