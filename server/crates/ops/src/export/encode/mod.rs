//! From rows to what stands in the file.
//!
//! Invariant: a piece is whole rows; it holds at most [`BLOCK_BYTES`] and one row, or [`GROUP_ROWS`].

mod csv;
mod ndjson;
mod parquet;
mod time;

use crate::OpsError;
use crate::browse::mask;
use chrono_tz::Tz;
use payhist_storage::StorageError;
use payhist_storage::columns::Batch;
use payhist_storage::payments::PaymentRef;
use payhist_types::export::ExportFormat;

/// Bytes of text that are handed over at once.
const BLOCK_BYTES: usize = 256 << 10;
/// Rows of a Parquet row group: few enough for memory, enough for a short footer.
const GROUP_ROWS: usize = 16_384;

/// Rows on their way into the file.
pub(super) enum Rows {
    /// As they stand in it.
    Text { bytes: Vec<u8>, rows: u64 },
    /// Column by column.
    Batch(Batch),
}

impl Rows {
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Text { rows, .. } => *rows,
            Self::Batch(batch) => batch.rows as u64,
        }
    }
}

enum Format {
    Csv(Box<csv::Encoder>),
    Ndjson(ndjson::Encoder),
    Parquet(parquet::Encoder),
}

/// Takes rows one by one and gives them back in pieces.
pub(super) struct Encoder {
    format: Format,
    /// Are personal fields masked?
    masks: bool,
    name: String,
    email: String,
}

impl Encoder {
    pub(super) fn new(format: ExportFormat, zone: Tz, masks: bool) -> Self {
        let format = match format {
            ExportFormat::Csv => Format::Csv(Box::new(csv::Encoder::new(zone))),
            ExportFormat::Ndjson => Format::Ndjson(ndjson::Encoder::new(zone)),
            ExportFormat::Parquet => Format::Parquet(parquet::Encoder::new()),
        };
        Self { format, masks, name: String::new(), email: String::new() }
    }

    /// Appends a row; answers a piece when one is full.
    pub(super) fn push(&mut self, row: &PaymentRef<'_>) -> Result<Option<Rows>, StorageError> {
        let Self { format, masks, name, email } = self;
        let mut row = *row;
        if *masks {
            row.payer_name = row.payer_name.map(|clear| masked(name, mask::name, clear));
            row.payer_email = row.payer_email.map(|clear| masked(email, mask::email, clear));
        }
        match format {
            Format::Csv(encoder) => encoder.push(&row),
            Format::Ndjson(encoder) => encoder.push(&row),
            Format::Parquet(encoder) => encoder.push(&row),
        }
    }

    /// What is ready at the end of a read. Text always is, so that nobody waits for the next read to see it.
    pub(super) fn pause(&mut self) -> Result<Option<Rows>, StorageError> {
        match &mut self.format {
            Format::Csv(encoder) => encoder.take(),
            Format::Ndjson(encoder) => Ok(encoder.take()),
            Format::Parquet(_) => Ok(None),
        }
    }

    /// What is left at the end.
    pub(super) fn finish(mut self) -> Result<Option<Rows>, StorageError> {
        match &mut self.format {
            Format::Parquet(encoder) => Ok(encoder.take()),
            Format::Csv(_) | Format::Ndjson(_) => self.pause(),
        }
    }
}

fn masked<'a>(masked: &'a mut String, mask: fn(&mut String, &str), clear: &str) -> &'a str {
    masked.clear();
    mask(masked, clear);
    masked
}

/// From pieces to the bytes of the file.
pub(super) enum File {
    Text(ExportFormat),
    Parquet(Box<parquet::File>),
}

impl File {
    pub(super) fn new(format: ExportFormat) -> Result<Self, OpsError> {
        Ok(match format {
            ExportFormat::Parquet => Self::Parquet(Box::new(parquet::File::new()?)),
            text => Self::Text(text),
        })
    }

    /// What stands before all rows.
    pub(super) fn head(&self) -> Vec<u8> {
        if let Self::Text(ExportFormat::Csv) = self { csv::head() } else { Vec::new() }
    }

    pub(super) fn bytes_of(&mut self, rows: Rows) -> Result<bytes::Bytes, OpsError> {
        match (self, rows) {
            (Self::Text(_), Rows::Text { bytes, .. }) => Ok(bytes.into()),
            (Self::Parquet(file), Rows::Batch(batch)) => file.write(batch),
            _ => Err(OpsError::Internal("rows of one format for a file of another".to_owned())),
        }
    }

    /// What stands after all rows.
    pub(super) fn end(self) -> Result<bytes::Bytes, OpsError> {
        match self {
            Self::Text(_) => Ok(bytes::Bytes::new()),
            Self::Parquet(file) => file.finish(),
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
