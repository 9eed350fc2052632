//! One payment, where its row lives, and what is near it.

use super::request::Request;
use super::{Reader, mask};
use crate::zone::{local, localised};
use crate::{OpsError, holds};
use payhist_plan::{months, routing};
use payhist_storage::payments::{Filter, Key, Keyset};
use payhist_types::PaymentId;
use payhist_types::inventory::{Boundary, PartitionExpression, TableState};
use payhist_types::payment::{Location, Payment, PaymentDetail};

/// Other payments of the same order.
const SAME_ORDER_ROWS: u64 = 20;
/// The user's payments on either side of the one shown.
const NEIGHBOUR_ROWS: u64 = 5;

impl Reader<'_> {
    pub(super) async fn detail(&self, id: PaymentId) -> Result<PaymentDetail, OpsError> {
        let missing = || OpsError::NotFound(format!("The payment {id}"));
        let by_id = Filter { payment: Some(id), ..Filter::default() };
        let request = |filter, keyset, limit: u64| Request {
            filter,
            from: None,
            until: None,
            keyset,
            limit: usize::try_from(limit).unwrap_or(1),
        };
        let found = self.find(&request(by_id, Keyset::Newest, 1)).await?;
        let unasked = found.missing;
        if found.payments.is_empty() && !unasked.is_empty() {
            return Err(OpsError::SourcesSilent(unasked));
        }
        if found.payments.len() > 1 {
            return Err(OpsError::refused(
                format!("several payments have the id {id}"),
                format!("Find the one you mean in the list: /payments?history={}&id={id}", self.history.spec.name),
            ));
        }
        let payment = found.payments.into_iter().next().ok_or_else(missing)?;
        let here = Key { created_at: payment.created_at.to_utc(), payment_id: payment.payment_id };
        let of_order =
            Filter { order: Some(payment.order_id.clone()), user: Some(payment.user_id), ..Filter::default() };
        let of_user = || Filter { user: Some(payment.user_id), ..Filter::default() };
        let of_order = request(of_order, Keyset::Newest, SAME_ORDER_ROWS);
        let newer = request(of_user(), Keyset::NewerThan(here), NEIGHBOUR_ROWS);
        let older = request(of_user(), Keyset::OlderThan(here), NEIGHBOUR_ROWS);
        let (order, newer, older) = futures::try_join!(self.find(&of_order), self.find(&newer), self.find(&older))?;
        let rows = |payments: Vec<Payment>, most: u64| {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            payments
                .into_iter()
                .take(most)
                .filter(|other| other.payment_id != id)
                .map(|payment| self.row(payment))
                .collect::<Vec<_>>()
        };
        let mut same_user = rows(newer.payments, NEIGHBOUR_ROWS);
        same_user.reverse();
        same_user.extend(rows(older.payments, NEIGHBOUR_ROWS));
        let location = self.location(&payment);
        Ok(PaymentDetail {
            history: self.history.spec.name.to_string(),
            zone: self.history.spec.policy.zone.clone(),
            held_by: holds::on_payment(self.ops, self.history, &payment, location.month).await?,
            location,
            missing: unasked,
            same_order: rows(order.payments, SAME_ORDER_ROWS),
            same_user,
            payment: mask::masked(localised(payment, self.zone)),
        })
    }

    /// Does the time of creation decide a row's partition?
    fn is_by_creation(&self, expression: &PartitionExpression) -> bool {
        let created_at = self.history.spec.columns.as_deref().map_or("created_at", |columns| &columns.created_at);
        expression.column().is_some_and(|column| column.eq_ignore_ascii_case(created_at))
    }

    fn location(&self, payment: &Payment) -> Location {
        let spec = &self.history.spec;
        let shard = routing::shard_of(&spec.route, payment.user_id);
        let created_at = payment.created_at.to_utc();
        let covers = |upper: &Boundary| match upper {
            Boundary::Before(edge) => created_at < *edge,
            Boundary::MaxValue => true,
            Boundary::Unknown(_) => false,
        };
        let partition =
            self.inventory.shards.iter().find(|found| found.shard == shard).and_then(|found| match &found.state {
                TableState::Partitioned { expression, partitions, .. } if self.is_by_creation(expression) => {
                    partitions.iter().find(|partition| covers(&partition.upper))
                }
                _ => None,
            });
        Location {
            source: spec.source.of(shard).to_owned(),
            schema: spec.schema.clone(),
            table: spec.table_of(shard),
            partition: partition.map(|partition| partition.name.clone()),
            shard,
            month: months::month_of(local(created_at, self.zone).to_utc(), self.zone),
        }
    }
}
