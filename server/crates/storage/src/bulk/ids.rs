//! Payment ids for rows that bring none.
//!
//! An id carries the row's millisecond and shard. Its sequence is guessed from the row's identity, so that another
//! attempt guesses the same; only where the guess is taken, the free ones are looked up. A file of whole days puts many
//! rows on one millisecond.
//!
//! Invariant: within a month of a shard no id is given twice. The unique key (`payment_id`, `created_at`) alone would not
//! see two rows of one millisecond that differ in microseconds.

use super::{Bulk, Candidate, NewPayment};
use crate::error::StorageError;
use chrono::{DateTime, Utc};
use payhist_types::ids::PAYMENT_ID_SEQUENCE_MAX;
use payhist_types::{PaymentId, ShardId};
use sqlx::mysql::MySqlConnection;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// The ids of one month on one shard, as far as a batch has to know them.
pub(super) struct Ids<'a> {
    bulk: &'a Bulk,
    within: &'a Range<DateTime<Utc>>,
    shard: ShardId,
    /// Known to be taken: by a row of the table or of this batch.
    taken: HashSet<PaymentId>,
    /// For milliseconds whose taken ids were all looked up: the sequence to try next.
    looked_up: HashMap<u64, u16>,
}

impl<'a> Ids<'a> {
    /// Nothing is known to be taken yet.
    pub(super) fn of_month(bulk: &'a Bulk, within: &'a Range<DateTime<Utc>>, shard: ShardId) -> Self {
        Self { bulk, within, shard, taken: HashSet::new(), looked_up: HashMap::new() }
    }

    /// The id that a row brings, or the one it would have.
    pub(super) fn wanted(&self, row: &Candidate) -> Result<PaymentId, StorageError> {
        if row.id_given { Ok(row.payment.payment_id) } else { guess(&row.payment, self.shard) }
    }

    /// Learns which of the ids rows of the table have.
    pub(super) async fn look_up_taken(
        &mut self,
        connection: &mut MySqlConnection,
        wanted: &[PaymentId],
    ) -> Result<(), StorageError> {
        self.taken.extend(self.bulk.taken(connection, self.within, wanted).await?);
        Ok(())
    }

    /// Takes that very id, unless it is taken.
    pub(super) fn take(&mut self, id: PaymentId) -> bool {
        self.taken.insert(id)
    }

    /// Takes the first free id of the millisecond, or of the ones after it when all its sequences are used.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the rest of the month is full.
    pub(super) async fn take_free(
        &mut self,
        connection: &mut MySqlConnection,
        from_ms: u64,
    ) -> Result<PaymentId, StorageError> {
        let end_ms = self.within.end.timestamp_millis().unsigned_abs();
        for ms in from_ms..end_ms {
            let begin = match self.looked_up.get(&ms) {
                Some(next) => *next,
                None => self.look_up(connection, ms).await?,
            };
            for sequence in begin..=PAYMENT_ID_SEQUENCE_MAX {
                let id = id_of(ms, self.shard, sequence)?;
                if self.taken.insert(id) {
                    self.looked_up.insert(ms, sequence + 1);
                    return Ok(id);
                }
            }
            self.looked_up.insert(ms, PAYMENT_ID_SEQUENCE_MAX + 1);
        }
        Err(StorageError::Inconsistent(format!(
            "shard {}: no payment id is free from {from_ms} ms to the month's end",
            self.shard
        )))
    }

    async fn look_up(&mut self, connection: &mut MySqlConnection, ms: u64) -> Result<u16, StorageError> {
        let (first, last) = (id_of(ms, self.shard, 0)?, id_of(ms, self.shard, PAYMENT_ID_SEQUENCE_MAX)?);
        self.taken.extend(self.bulk.taken_between(connection, self.within, first, last).await?);
        Ok(0)
    }
}

fn id_of(ms: u64, shard: ShardId, sequence: u16) -> Result<PaymentId, StorageError> {
    PaymentId::new(ms, shard, sequence).map_err(|error| StorageError::Inconsistent(error.to_string()))
}

/// The id that a row would have: its millisecond, its shard, and a sequence that follows from what identifies it.
fn guess(row: &NewPayment, shard: ShardId) -> Result<PaymentId, StorageError> {
    let mut hasher = DefaultHasher::new();
    (row.user_id, row.created_at, &row.order_id, &row.provider, &row.provider_tx_id).hash(&mut hasher);
    let sequence = hasher.finish() & u64::from(PAYMENT_ID_SEQUENCE_MAX);
    id_of(row.created_at.timestamp_millis().unsigned_abs(), shard, u16::try_from(sequence).unwrap_or_default())
}
