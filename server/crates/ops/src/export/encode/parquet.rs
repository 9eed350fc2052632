//! Parquet, by the writer of archives: the same types, in UTC, without encryption.

use super::{GROUP_ROWS, Ready};
use crate::OpsError;
use bytes::Bytes;
use payhist_archive::file::FileWriter;
use payhist_storage::StorageError;
use payhist_storage::columns::{Batch, Cells, Values};
use payhist_storage::payments::PaymentRef;
use payhist_types::archive::{Column, ColumnKind};
use payhist_types::money::AMOUNT_DECIMALS_MAX;
use payhist_types::payment::PAYMENT_COLUMNS;

/// Digits of DECIMAL(19,4).
const AMOUNT_PRECISION: u8 = 19;
#[expect(clippy::cast_possible_truncation, reason = "it is 4")]
const AMOUNT_SCALE: u8 = AMOUNT_DECIMALS_MAX as u8;

/// The columns of every export, whatever the table's own are.
fn columns() -> Vec<Column> {
    let kind = |name: &str| match name {
        "payment_id" | "user_id" | "version" => ColumnKind::Unsigned,
        "amount" => ColumnKind::Decimal { precision: AMOUNT_PRECISION, scale: AMOUNT_SCALE },
        "created_at" | "updated_at" => ColumnKind::Timestamp,
        _ => ColumnKind::Text,
    };
    let nullable = |name: &str| {
        matches!(name, "provider_tx_id" | "payer_name" | "payer_email" | "failure_code" | "version" | "updated_at")
    };
    let column = |name: &str| Column { name: name.to_owned(), kind: kind(name), nullable: nullable(name) };
    PAYMENT_COLUMNS.map(column).into()
}

pub(super) struct Encoder {
    batch: Batch,
    file: FileWriter,
}

impl Encoder {
    pub(super) fn new() -> Result<Self, OpsError> {
        let columns = columns();
        Ok(Self { batch: Batch::with_room(&columns, GROUP_ROWS), file: FileWriter::new(&columns, &[])? })
    }

    pub(super) fn push(&mut self, row: &PaymentRef<'_>) -> Result<Option<Ready>, OpsError> {
        let amount = unscaled(row.amount)
            .ok_or_else(|| StorageError::Inconsistent(format!("the amount {:?} cannot be read", row.amount)))?;
        let mut cells = self.batch.cells.iter_mut();
        let text = |text| Value::Text(text);
        for value in [
            Value::Long(Some(row.payment_id.get().cast_signed())),
            Value::Long(Some(row.user_id.0.cast_signed())),
            text(Some(row.order_id)),
            text(Some(row.provider)),
            text(row.provider_tx_id),
            text(Some(row.method)),
            text(Some(row.status.into())),
            Value::Decimal(amount),
            text(Some(row.currency.as_str())),
            text(row.payer_name),
            text(row.payer_email),
            text(row.failure_code),
            Value::Long(row.version.map(i64::from)),
            Value::Long(Some(row.created_at.timestamp_micros())),
            Value::Long(row.updated_at.map(|at| at.timestamp_micros())),
        ] {
            if !cells.next().is_some_and(|cells| value.put(cells)) {
                return Err(OpsError::Internal("a column of another kind".to_owned()));
            }
        }
        self.batch.rows += 1;
        if self.batch.rows == GROUP_ROWS { self.take() } else { Ok(None) }
    }

    pub(super) fn take(&mut self) -> Result<Option<Ready>, OpsError> {
        if self.batch.rows == 0 {
            return Ok(None);
        }
        let rows = self.batch.rows as u64;
        let bytes = self.file.write(&self.batch)?;
        self.batch.clear();
        Ok(Some(Ready { bytes, rows }))
    }

    pub(super) fn finish(self) -> Result<Bytes, OpsError> {
        Ok(self.file.finish(Vec::new())?)
    }
}

enum Value<'r> {
    Long(Option<i64>),
    Text(Option<&'r str>),
    Decimal(i128),
}

impl Value<'_> {
    /// False for a column of another kind.
    fn put(&self, cells: &mut Cells) -> bool {
        let is_there = match (self, &mut cells.values) {
            (Self::Long(long), Values::Longs(longs)) => {
                longs.extend(*long);
                long.is_some()
            }
            (Self::Text(text), Values::Blobs(blobs)) => {
                if let Some(text) = text {
                    blobs.push(text.as_bytes());
                }
                text.is_some()
            }
            (Self::Decimal(decimal), Values::Decimals(decimals)) => {
                decimals.push(*decimal);
                true
            }
            _ => return false,
        };
        cells.present.push(i16::from(is_there));
        true
    }
}

/// An amount without its point, of [`AMOUNT_SCALE`] decimals.
fn unscaled(amount: &str) -> Option<i128> {
    let (whole, decimals) = amount.split_once('.').unwrap_or((amount, ""));
    let missing = u32::from(AMOUNT_SCALE).checked_sub(u32::try_from(decimals.len()).ok()?)?;
    let parse = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    let magnitude = parse(whole.trim_start_matches('-'))? * 10_i128.pow(AMOUNT_SCALE.into())
        + parse(decimals)? * 10_i128.pow(missing);
    Some(if amount.starts_with('-') { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_every_digit() {
        for (text, value) in [("12.34", 123_400), ("5", 50_000), ("-0.0001", -1), ("-3.5", -35_000)] {
            assert_eq!(unscaled(text), Some(value), "{text}");
        }
        assert_eq!(unscaled("999999999999999.9999"), Some(9_999_999_999_999_999_999));
        assert_eq!(unscaled("1.00001"), None);
    }
}
