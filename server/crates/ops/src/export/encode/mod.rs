//! From payments to what stands in the file.
//!
//! Invariant: a piece is whole rows; it is a little more than [`BLOCK_BYTES`] of text, or [`GROUP_ROWS`].

mod csv;
mod ndjson;
mod parquet;
mod time;

use crate::OpsError;
use crate::browse::mask::Masks;
use ::bytes::Bytes;
use chrono_tz::Tz;
use payhist_storage::payments::PaymentRef;
use payhist_types::export::ExportFormat;

/// Bytes of text that are handed over at once.
const BLOCK_BYTES: usize = 256 << 10;
/// Rows of a Parquet row group: few enough for memory, enough for a short footer.
const GROUP_ROWS: usize = 16_384;

/// Rows as they stand in the file.
pub(super) struct Ready {
    pub(super) bytes: Bytes,
    pub(super) rows: u64,
}

enum Format {
    Csv(Box<csv::Encoder>),
    Ndjson(ndjson::Encoder),
    Parquet(Box<parquet::Encoder>),
}

/// Takes payments one by one and gives them back in pieces of the file.
pub(super) struct Encoder {
    format: Format,
    /// `None`: personal fields stay in clear.
    masks: Option<Masks>,
}

impl Encoder {
    pub(super) fn new(format: ExportFormat, zone: Tz, masks: bool) -> Result<Self, OpsError> {
        let format = match format {
            ExportFormat::Csv => Format::Csv(Box::new(csv::Encoder::new(zone))),
            ExportFormat::Ndjson => Format::Ndjson(ndjson::Encoder::new(zone)),
            ExportFormat::Parquet => Format::Parquet(Box::new(parquet::Encoder::new()?)),
        };
        Ok(Self { format, masks: masks.then(Masks::default) })
    }

    /// What stands before all rows.
    pub(super) fn head(&self) -> Bytes {
        if let Format::Csv(_) = self.format { csv::head().into() } else { Bytes::new() }
    }

    /// Appends a payment; answers a piece when one is full.
    pub(super) fn push(&mut self, row: &PaymentRef<'_>) -> Result<Option<Ready>, OpsError> {
        let row = &match &mut self.masks {
            Some(masks) => masks.masked(*row),
            None => *row,
        };
        match &mut self.format {
            Format::Csv(encoder) => encoder.push(row),
            Format::Ndjson(encoder) => encoder.push(row),
            Format::Parquet(encoder) => encoder.push(row),
        }
    }

    /// What is ready at the end of a read. Text always is, so that nobody waits for the next read to see it.
    pub(super) fn pause(&mut self) -> Result<Option<Ready>, OpsError> {
        match &self.format {
            Format::Csv(_) | Format::Ndjson(_) => self.take(),
            Format::Parquet(_) => Ok(None),
        }
    }

    /// The rows that have not been given back yet.
    pub(super) fn take(&mut self) -> Result<Option<Ready>, OpsError> {
        match &mut self.format {
            Format::Csv(encoder) => encoder.take(),
            Format::Ndjson(encoder) => Ok(encoder.take()),
            Format::Parquet(encoder) => encoder.take(),
        }
    }

    /// What stands after all rows.
    pub(super) fn end(self) -> Result<Bytes, OpsError> {
        match self.format {
            Format::Csv(_) | Format::Ndjson(_) => Ok(Bytes::new()),
            Format::Parquet(encoder) => encoder.finish(),
        }
    }
}

/// What stands where the rest of the rows should. Parquet needs nothing: without its footer nobody can read it.
pub(super) fn mark_of_failure(format: ExportFormat, words: &str) -> Vec<u8> {
    let line = words.replace(['\r', '\n'], " ");
    match format {
        ExportFormat::Csv => format!("# INCOMPLETE: {line}\n").into_bytes(),
        ExportFormat::Ndjson => format!("{}\n", serde_json::json!({ "incomplete": line })).into_bytes(),
        ExportFormat::Parquet => Vec::new(),
    }
}
