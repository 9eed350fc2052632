//! NDJSON: one object on each line, as the REST API writes a payment.

use super::time::Times;
use super::{BLOCK_BYTES, Ready};
use crate::OpsError;
use crate::payment_json::PaymentJson;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_storage::payments::PaymentRef;

/// A little more than a row's usual length.
const ROW_BYTES: usize = 1 << 10;

pub(super) struct Encoder {
    bytes: Vec<u8>,
    rows: u64,
    times: Times,
    created_at: Vec<u8>,
    updated_at: Vec<u8>,
}

impl Encoder {
    pub(super) fn new(zone: Tz) -> Self {
        let times = Times::new(zone);
        Self { bytes: buffer(), rows: 0, times, created_at: Vec::new(), updated_at: Vec::new() }
    }

    pub(super) fn push(&mut self, row: &PaymentRef<'_>) -> Result<Option<Ready>, OpsError> {
        let Self { bytes, rows, times, created_at, updated_at } = self;
        let created_at = text(times, created_at, row.created_at);
        let updated_at = row.updated_at.map(|at| text(times, updated_at, at));
        let line = PaymentJson::new(*row, created_at, updated_at);
        serde_json::to_writer(&mut *bytes, &line).map_err(|error| OpsError::Internal(error.to_string()))?;
        bytes.push(b'\n');
        *rows += 1;
        Ok(if bytes.len() >= BLOCK_BYTES { self.take() } else { None })
    }

    pub(super) fn take(&mut self) -> Option<Ready> {
        (self.rows > 0).then(|| Ready {
            bytes: std::mem::replace(&mut self.bytes, buffer()).into(),
            rows: std::mem::take(&mut self.rows),
        })
    }
}

fn text<'a>(times: &mut Times, text: &'a mut Vec<u8>, at: DateTime<Utc>) -> &'a str {
    text.clear();
    times.push(text, at);
    str::from_utf8(text).unwrap_or_default()
}

fn buffer() -> Vec<u8> {
    Vec::with_capacity(BLOCK_BYTES + ROW_BYTES)
}
