//! Personal data in clear: one click, with a reason, for one payment and a few minutes.
//!
//! Invariant: nothing is shown in clear before its audit entry is written.

use super::Reader;
use crate::OpsError;
use crate::auth::{Permit, RevealPersonalData};
use chrono::{DateTime, TimeDelta, Utc};
use payhist_storage::reveals::{self, Reveal};
use payhist_storage::{audit, tx};
use payhist_types::PaymentId;
use serde_json::json;

/// How long whoever gave a reason sees the data without giving it again.
const REVEAL_MINUTES: i64 = 10;
/// Longest reason.
const REASON_CHARS_MAX: usize = 500;

impl Reader<'_> {
    /// Records that somebody sees a payment in clear from now on.
    pub(super) async fn reveal(
        &self,
        permit: &Permit<RevealPersonalData>,
        id: PaymentId,
        reason: &str,
    ) -> Result<(), OpsError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
            let message = format!("say in 1 to {REASON_CHARS_MAX} characters why you need to see it");
            return Err(OpsError::field("reason", message));
        }
        let (payment, _) = self.only(id).await?;
        let now = self.ops.now();
        let reveal = Reveal {
            actor: permit.actor().to_owned(),
            reason: reason.to_owned(),
            at: now,
            until: now + TimeDelta::minutes(REVEAL_MINUTES),
        };
        let (history, target) = (self.history.id, self.history.spec.name.to_string());
        tx::run(self.ops.control(), "payments.reveal", |connection| {
            let (reveal, target) = (reveal.clone(), target.clone());
            Box::pin(async move {
                reveals::add(connection, history, id, &reveal).await?;
                let (actor, target, action) = (reveal.actor.as_str(), target.as_str(), "payment.reveal");
                let detail = json!({ "payment": id, "user": payment.user_id, "reason": reveal.reason });
                audit::append(connection, &audit::Entry { at: now, actor, action, target, detail }).await
            })
        })
        .await?;
        Ok(())
    }
}

/// Until when somebody may see the payment in clear.
pub(super) fn until(
    reveals: &[Reveal],
    permit: &Permit<RevealPersonalData>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let mine = reveals.iter().filter(|reveal| reveal.actor == permit.actor() && reveal.until > now);
    mine.map(|reveal| reveal.until).max()
}
