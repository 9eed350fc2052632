//! One payment, where its row lives, and what is near it.

use super::request::Request;
use super::windows::{TIME_MAX, TIME_MIN};
use super::{NETWORK_GRACE, Reader, mask, reveal};
use crate::auth::{Permit, RevealPersonalData};
use crate::zone::{local, localised};
use crate::{OpsError, holds};
use payhist_plan::{months, routing};
use payhist_storage::payments::{self, Filter, Key, Keyset, Listed};
use payhist_storage::reveals;
use payhist_storage::source::READ_DEADLINE;
use payhist_types::PaymentId;
use payhist_types::inventory::{Boundary, PartitionExpression, TableState};
use payhist_types::payment::{Explained, Location, MissingShard, Payment, PaymentDetail};

/// Other payments of the same order.
const SAME_ORDER_ROWS: u64 = 20;
/// The user's payments on either side of the one shown.
const NEIGHBOUR_ROWS: u64 = 5;

impl Reader<'_> {
    /// The one payment with that id, and the shards that did not say whether they have it, too.
    pub(super) async fn only(&self, id: PaymentId) -> Result<(Payment, Vec<MissingShard>), OpsError> {
        let by_id = Filter { payment: Some(id), ..Filter::default() };
        let found = self.find(&request(by_id, Keyset::NEWEST, 1)).await?;
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
        let listed = found.payments.first().ok_or_else(|| OpsError::NotFound(format!("The payment {id}")))?;
        Ok((listed.payment()?.to_payment()?, unasked))
    }

    pub(super) async fn detail(
        &self,
        may_see: Option<&Permit<RevealPersonalData>>,
        id: PaymentId,
    ) -> Result<PaymentDetail, OpsError> {
        let (payment, unasked) = self.only(id).await?;
        let here = Key { amount: None, created_at: payment.created_at.to_utc(), payment_id: id };
        let of_order =
            Filter { order: Some(payment.order_id.clone()), user: Some(payment.user_id), ..Filter::default() };
        let of_user = || Filter { user: Some(payment.user_id), ..Filter::default() };
        let of_order = request(of_order, Keyset::NEWEST, SAME_ORDER_ROWS);
        let newer = request(of_user(), Keyset::newer_than(here), NEIGHBOUR_ROWS);
        let older = request(of_user(), Keyset::older_than(here), NEIGHBOUR_ROWS);
        let (order, newer, older) = futures::try_join!(self.find(&of_order), self.find(&newer), self.find(&older))?;
        let rows = |listed: Vec<Listed>, most: u64| {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let others = listed.iter().take(most).filter(|listed| listed.key.payment_id != id);
            others.map(|listed| self.row(listed)).collect::<Result<Vec<_>, _>>()
        };
        let mut same_user = rows(newer.payments, NEIGHBOUR_ROWS)?;
        same_user.reverse();
        same_user.extend(rows(older.payments, NEIGHBOUR_ROWS)?);
        let location = self.location(&payment);
        let reveals = {
            let mut connection = self.ops.control().acquire("payments.reveals").await?;
            reveals::of_payment(&mut connection, self.history.id, id).await?
        };
        let revealed_until = may_see.and_then(|permit| reveal::until(&reveals, permit, self.ops.now()));
        let held_by = holds::on_payment(self.ops, self.history, &payment, location.month).await?;
        let timeline = self.timeline(&payment, &location, reveals).await?;
        let payment = localised(payment, self.zone);
        Ok(PaymentDetail {
            history: self.history.spec.name.to_string(),
            zone: self.history.spec.policy.zone.clone(),
            payment: if revealed_until.is_some() { payment } else { mask::masked(payment) },
            revealed_until: revealed_until.map(|until| local(until, self.zone)),
            timeline,
            location,
            held_by,
            missing: unasked,
            same_order: rows(order.payments, SAME_ORDER_ROWS)?,
            same_user,
        })
    }

    /// How the engine finds a payment, by its own EXPLAIN.
    pub(super) async fn explain(&self, id: PaymentId) -> Result<Explained, OpsError> {
        let (payment, _) = self.only(id).await?;
        let shard = routing::shard_of(&self.history.spec.route, payment.user_id);
        let by_id = Filter { payment: Some(id), ..Filter::default() };
        let (from, until) = if self.ids_tell_place() {
            months::bounds_of(payment.created_at.to_utc(), self.zone)
        } else {
            (TIME_MIN, TIME_MAX)
        };
        let (scope, source) = (self.scope(shard, from, until)?, self.ops.source(self.history.spec.source.of(shard))?);
        let capabilities = source.capabilities().await?;
        let question = async |connection: &mut _| {
            payments::explain(connection, capabilities, &scope, &by_id, Keyset::NEWEST, 2).await
        };
        Ok(source.pool.ask("payments.explain", READ_DEADLINE + NETWORK_GRACE, question).await?)
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

fn request(filter: Filter, keyset: Keyset, limit: u64) -> Request {
    Request { filter, from: None, until: None, keyset, limit: usize::try_from(limit).unwrap_or(1) }
}
