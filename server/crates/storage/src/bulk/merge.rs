//! Adding what is missing: the body of a batch's transaction.
//!
//! Invariant: a row is known by user, creation time, order, provider and provider reference. One that is there is left
//! alone, whatever else differs; so a batch may be repeated as often as one likes.

use super::ids::Ids;
use super::{Bulk, NewPayment, StoredPayment};
use crate::error::StorageError;
use chrono::{DateTime, Utc};
use payhist_types::{PaymentId, ShardId, UserId};
use rust_decimal::Decimal;
use sqlx::mysql::MySqlConnection;
use std::collections::HashMap;
use std::ops::Range;

/// A payment that is to be there afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The payment. Its id is used only if it was given.
    pub payment: NewPayment,
    /// It brings its id; else one is made from its time and shard.
    pub id_given: bool,
}

/// What became of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Rows written.
    pub inserted: u64,
    /// Rows that were there, with the same money.
    pub there: u64,
    /// Rows that were left alone: the candidate's place in the batch, and why.
    pub differing: Vec<(usize, Difference)>,
}

/// Why a row was left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The same payment is there with other money.
    #[error("this payment is there with {amount} {currency}")]
    Money {
        /// The amount that is there.
        amount: Decimal,
        /// Its currency.
        currency: String,
    },
    /// Another payment has the id that the file gives.
    #[error("another payment has the id {0}")]
    IdTaken(PaymentId),
}

type Identity<'a> = (UserId, DateTime<Utc>, &'a str, &'a str, Option<&'a str>);

fn identity_of(row: &NewPayment) -> Identity<'_> {
    (row.user_id, row.created_at, &row.order_id, &row.provider, row.provider_tx_id.as_deref())
}

fn identity_of_stored(row: &StoredPayment) -> Identity<'_> {
    (row.user_id, row.created_at, &row.order_id, &row.provider, row.provider_tx_id.as_deref())
}

impl Bulk {
    /// Inserts those candidates that are not there. All are of that shard and that time range, one month.
    pub async fn merge(
        &self,
        connection: &mut MySqlConnection,
        shard: ShardId,
        within: &Range<DateTime<Utc>>,
        candidates: &[Candidate],
    ) -> Result<Merged, StorageError> {
        // Nothing need be looked up in an empty month, and a new history begins with empty months.
        let empty = self.is_empty(connection, within).await?;
        let mut keys: Vec<_> =
            candidates.iter().filter(|_| !empty).map(|c| (c.payment.user_id, c.payment.created_at)).collect();
        keys.sort_unstable();
        keys.dedup();
        let stored = self.stored(connection, within, &keys).await?;
        let mut merged = Merged::default();
        let missing = missing(candidates, &stored, &mut merged);
        let mut ids = Ids::of_month(self, within, shard);
        let rows = with_ids(connection, &mut ids, empty, candidates, missing, &mut merged).await?;
        self.insert(connection, &rows).await?;
        merged.inserted = rows.len() as u64;
        Ok(merged)
    }
}

/// The missing rows with their ids, in the order of the primary key.
async fn with_ids(
    connection: &mut MySqlConnection,
    ids: &mut Ids<'_>,
    empty: bool,
    candidates: &[Candidate],
    mut missing: Vec<usize>,
    merged: &mut Merged,
) -> Result<Vec<NewPayment>, StorageError> {
    missing.sort_by_key(|at| !candidates[*at].id_given); // given ids first: a guess gives way, they cannot
    let wanted = missing.iter().map(|at| ids.wanted(&candidates[*at])).collect::<Result<Vec<_>, _>>()?;
    if !empty {
        ids.look_up_taken(connection, &wanted).await?;
    }
    let mut rows = Vec::with_capacity(missing.len());
    let mut without = Vec::new();
    for (at, id) in missing.into_iter().zip(wanted) {
        if ids.take(id) {
            rows.push(NewPayment { payment_id: id, ..candidates[at].payment.clone() });
        } else if candidates[at].id_given {
            merged.differing.push((at, Difference::IdTaken(id)));
        } else {
            without.push(at);
        }
    }
    for at in without {
        let payment = &candidates[at].payment;
        let payment_id = ids.take_free(connection, payment.created_at.timestamp_millis().unsigned_abs()).await?;
        rows.push(NewPayment { payment_id, ..payment.clone() });
    }
    rows.sort_unstable_by_key(|row| (row.user_id, row.created_at, row.payment_id));
    Ok(rows)
}

/// Places of the candidates that are not there. One that comes twice in the batch counts as there the second time.
fn missing(candidates: &[Candidate], stored: &[StoredPayment], merged: &mut Merged) -> Vec<usize> {
    let mut known: HashMap<Identity<'_>, (Decimal, String)> =
        stored.iter().map(|row| (identity_of_stored(row), (row.amount, row.currency.clone()))).collect();
    let mut missing = Vec::new();
    for (at, Candidate { payment, .. }) in candidates.iter().enumerate() {
        let (amount, currency) = (payment.money.amount(), payment.money.currency());
        match known.get(&identity_of(payment)) {
            None => {
                missing.push(at);
                known.insert(identity_of(payment), (amount, currency.to_string()));
            }
            Some((there, code)) if *there == amount && code == currency.as_str() => merged.there += 1,
            Some((there, code)) => {
                merged.differing.push((at, Difference::Money { amount: there.normalize(), currency: code.clone() }));
            }
        }
    }
    missing
}
