//! CSV: a header, then a line for each payment; RFC 4180 but for line ends of one byte.
//!
//! Invariant: no text is taken for a formula by a spreadsheet. Text that begins with `=`, `+`, `-`, `@`, a tab, a carriage
//! return or an apostrophe gets an apostrophe before it; so whoever takes the first one away has the text again.

use super::time::Times;
use super::{BLOCK_BYTES, Ready};
use crate::OpsError;
use ::csv::{Terminator, Writer, WriterBuilder};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_storage::payments::PaymentRef;
use payhist_types::payment::PAYMENT_COLUMNS;
use std::io::Write;

/// What a spreadsheet may take for the beginning of a formula, and the mark itself.
const GUARDED: [u8; 7] = *b"=+-@'\t\r";
/// What the writer keeps before it hands on.
const BUFFER_BYTES: usize = 8 << 10;
/// A little more than a row's usual length.
const ROW_BYTES: usize = 1 << 10;

pub(super) fn head() -> Vec<u8> {
    let mut head = PAYMENT_COLUMNS.join(",").into_bytes();
    head.push(b'\n');
    head
}

pub(super) struct Encoder {
    writer: Writer<Vec<u8>>,
    rows: u64,
    times: Times,
    scratch: Vec<u8>,
}

fn writer() -> Writer<Vec<u8>> {
    let block = Vec::with_capacity(BLOCK_BYTES + BUFFER_BYTES + ROW_BYTES);
    WriterBuilder::new().buffer_capacity(BUFFER_BYTES).terminator(Terminator::Any(b'\n')).from_writer(block)
}

impl Encoder {
    pub(super) fn new(zone: Tz) -> Self {
        Self { writer: writer(), rows: 0, times: Times::new(zone), scratch: Vec::new() }
    }

    pub(super) fn push(&mut self, row: &PaymentRef<'_>) -> Result<Option<Ready>, OpsError> {
        self.number(row.payment_id.get())?;
        self.number(row.user_id.0)?;
        self.text(Some(row.order_id))?;
        self.text(Some(row.provider))?;
        self.text(row.provider_tx_id)?;
        self.text(Some(row.method))?;
        self.field(<&str>::from(row.status).as_bytes())?;
        self.field(row.amount.as_bytes())?;
        self.field(row.currency.as_str().as_bytes())?;
        self.text(row.payer_name)?;
        self.text(row.payer_email)?;
        self.text(row.failure_code)?;
        match row.version {
            Some(version) => self.number(version.into())?,
            None => self.field(b"")?,
        }
        self.time(Some(row.created_at))?;
        self.time(row.updated_at)?;
        self.writer.write_record(None::<&[u8]>).map_err(failed)?;
        self.rows += 1;
        if self.writer.get_ref().len() >= BLOCK_BYTES { self.take() } else { Ok(None) }
    }

    pub(super) fn take(&mut self) -> Result<Option<Ready>, OpsError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let rows = std::mem::take(&mut self.rows);
        let written = std::mem::replace(&mut self.writer, writer());
        let bytes = written.into_inner().map_err(|error| OpsError::Internal(error.to_string()))?;
        Ok(Some(Ready { bytes: bytes.into(), rows }))
    }

    fn number(&mut self, number: u64) -> Result<(), OpsError> {
        self.scratch.clear();
        let _into_memory = write!(self.scratch, "{number}");
        self.writer.write_field(&self.scratch).map_err(failed)
    }

    fn time(&mut self, at: Option<DateTime<Utc>>) -> Result<(), OpsError> {
        self.scratch.clear();
        if let Some(at) = at {
            self.times.push(&mut self.scratch, at);
        }
        self.writer.write_field(&self.scratch).map_err(failed)
    }

    fn text(&mut self, text: Option<&str>) -> Result<(), OpsError> {
        let text = text.unwrap_or_default().as_bytes();
        if !text.first().is_some_and(|first| GUARDED.contains(first)) {
            return self.field(text);
        }
        self.scratch.clear();
        self.scratch.push(b'\'');
        self.scratch.extend_from_slice(text);
        self.writer.write_field(&self.scratch).map_err(failed)
    }

    fn field(&mut self, field: &[u8]) -> Result<(), OpsError> {
        self.writer.write_field(field).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn failed(error: ::csv::Error) -> OpsError {
    OpsError::Internal(error.to_string())
}
