//! Counting rows, summing amounts and checksumming, whatever the order of the rows.

use crate::ArchiveError;
use crate::layout::Layout;
use payhist_storage::columns::{Batch, Value};
use payhist_types::archive::{Tally, decimal_text};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A tally under way.
#[derive(Debug, Clone)]
pub struct Counting {
    layout: Layout,
    rows: u64,
    sums: BTreeMap<String, i128>,
    lanes: [u64; 4],
}

impl Counting {
    /// No rows yet.
    pub fn new(layout: Layout) -> Self {
        Self { layout, rows: 0, sums: BTreeMap::new(), lanes: [0; 4] }
    }

    /// Adds a batch, its personal columns in clear.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] for a currency that is not text, or a sum beyond 128 bits.
    pub fn add(&mut self, batch: &Batch) -> Result<(), ArchiveError> {
        let (mut rows, mut row, mut bytes) = (batch.rows(), Vec::new(), Vec::new());
        while rows.read(&mut row) {
            bytes.clear();
            for value in &row {
                encode(*value, &mut bytes);
            }
            for (lane, part) in self.lanes.iter_mut().zip(Sha256::digest(&bytes).as_chunks::<8>().0) {
                *lane = lane.wrapping_add(u64::from_le_bytes(*part));
            }
            self.rows += 1;
            self.sum(&row)?;
        }
        Ok(())
    }

    fn sum(&mut self, row: &[Value]) -> Result<(), ArchiveError> {
        let (Value::Decimal(amount), Value::Blob(currency)) = (row[self.layout.amount], row[self.layout.currency])
        else {
            return Ok(()); // an amount without a currency, or none at all, is in no sum
        };
        let damaged = |what: &str| ArchiveError::Damaged(what.to_owned());
        let currency = std::str::from_utf8(currency).map_err(|_| damaged("a currency is not text"))?;
        if !self.sums.contains_key(currency) {
            self.sums.insert(currency.to_owned(), 0);
        }
        if let Some(sum) = self.sums.get_mut(currency) {
            *sum = sum.checked_add(amount).ok_or_else(|| damaged("a sum of amounts is too large"))?;
        }
        Ok(())
    }

    /// What was counted.
    pub fn finish(self) -> Tally {
        let Self { layout, rows, sums, lanes } = self;
        Tally {
            rows,
            sums: sums.into_iter().map(|(currency, sum)| (currency, decimal_text(sum, layout.scale))).collect(),
            checksum: lanes.iter().map(|lane| hex::encode(lane.to_le_bytes())).collect(),
        }
    }
}

/// Appends a value so that no two rows have the same bytes.
fn encode(value: Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(0),
        Value::Long(long) => {
            bytes.push(1);
            bytes.extend_from_slice(&long.to_le_bytes());
        }
        Value::Decimal(decimal) => {
            bytes.push(2);
            bytes.extend_from_slice(&decimal.to_le_bytes());
        }
        Value::Blob(blob) => {
            bytes.push(3);
            bytes.extend_from_slice(&(blob.len() as u64).to_le_bytes());
            bytes.extend_from_slice(blob);
        }
    }
}
