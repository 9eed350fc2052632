//! NDJSON: one object on each line, as the REST API writes a payment.

use super::time::Times;
use super::{BLOCK_BYTES, Ready};
use crate::OpsError;
use chrono_tz::Tz;
use payhist_storage::payments::PaymentRef;
use payhist_types::payment::PaymentStatus;
use payhist_types::{PaymentId, UserId};
use serde::Serialize;

/// A little more than a row's usual length.
const ROW_BYTES: usize = 1 << 10;

pub(super) struct Encoder {
    bytes: Vec<u8>,
    rows: u64,
    times: Times,
    created_at: Vec<u8>,
    updated_at: Vec<u8>,
}

/// [`payhist_types::payment::Payment`], borrowed.
#[derive(Serialize)]
struct Line<'r> {
    payment_id: PaymentId,
    user_id: UserId,
    order_id: &'r str,
    provider: &'r str,
    provider_tx_id: Option<&'r str>,
    method: &'r str,
    status: PaymentStatus,
    amount: &'r str,
    currency: &'r str,
    payer_name: Option<&'r str>,
    payer_email: Option<&'r str>,
    failure_code: Option<&'r str>,
    version: Option<u32>,
    created_at: &'r str,
    updated_at: Option<&'r str>,
}

impl Encoder {
    pub(super) fn new(zone: Tz) -> Self {
        let times = Times::new(zone);
        Self { bytes: buffer(), rows: 0, times, created_at: Vec::new(), updated_at: Vec::new() }
    }

    pub(super) fn push(&mut self, row: &PaymentRef<'_>) -> Result<Option<Ready>, OpsError> {
        let Self { bytes, rows, times, created_at, updated_at } = self;
        created_at.clear();
        times.push(created_at, row.created_at)?;
        updated_at.clear();
        if let Some(micros) = row.updated_at {
            times.push(updated_at, micros)?;
        }
        let line = Line {
            payment_id: row.payment_id,
            user_id: row.user_id,
            order_id: row.order_id,
            provider: row.provider,
            provider_tx_id: row.provider_tx_id,
            method: row.method,
            status: row.status,
            amount: row.amount,
            currency: row.currency,
            payer_name: row.payer_name,
            payer_email: row.payer_email,
            failure_code: row.failure_code,
            version: row.version,
            created_at: str::from_utf8(created_at).unwrap_or_default(),
            updated_at: row.updated_at.map(|_| str::from_utf8(updated_at).unwrap_or_default()),
        };
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

fn buffer() -> Vec<u8> {
    Vec::with_capacity(BLOCK_BYTES + ROW_BYTES)
}
