//! Exports of payments: what may be asked for, how one stands, and what its manifest says.

use crate::payment::PaymentQuery;
use crate::{Month, ShardId};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// Longest reason for taking personal fields away in clear.
pub const REVEAL_REASON_CHARS_MAX: usize = 500;

/// The format of a file.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ExportFormat {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object on each line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
}

impl ExportFormat {
    /// What HTTP calls it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// How an export stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ExportState {
    /// At work.
    Running,
    /// All of it was handed over.
    Complete,
    /// It is short, or there is nothing of it; `failure` says why.
    Failed,
    /// Somebody ended it, or whoever fetched it went away.
    Cancelled,
}

/// An export that is asked for. REST takes it as a form, so that all is text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ExportRequest {
    /// Which payments. An export has neither pages nor an order of its own: `cursor`, `limit` and `sort` are empty.
    #[serde(flatten)]
    pub query: PaymentQuery,
    /// An [`ExportFormat`].
    #[cfg_attr(feature = "openapi", schema(value_type = ExportFormat))]
    pub format: String,
    /// Personal fields: `masked` (or empty), or `clear`, which needs the permission to reveal them.
    pub personal: String,
    /// Why they are needed in clear.
    pub reason: String,
}

/// What is to be read for an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportScope {
    /// Created at or after this; `None`: ever.
    pub from: Option<DateTime<FixedOffset>>,
    /// Created before this.
    pub until: Option<DateTime<FixedOffset>>,
    /// The shards that may have such payments.
    pub shards: Vec<ShardId>,
    /// First and last month that may, oldest first; `None`: nothing has to be read.
    pub months: Option<(Month, Month)>,
    /// Months among them that are in quarantine on some shard: what is there is in no list, and in no export.
    pub quarantined: Vec<Month>,
    /// How many reads that takes: one for each shard and month, or fewer where a key leads to the rows.
    pub reads: u32,
}

/// An export and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Export {
    /// Its number.
    pub id: u64,
    /// The history.
    pub history: String,
    /// Business zone of the times, also of those in CSV and NDJSON.
    pub zone: String,
    /// Who asked for it.
    pub started_by: String,
    /// Which payments.
    pub query: PaymentQuery,
    /// The file's format.
    pub format: ExportFormat,
    /// Why personal fields are in clear; `None`: they are masked.
    pub reveal_reason: Option<String>,
    /// What was to be read.
    pub scope: ExportScope,
    /// How it stands.
    pub state: ExportState,
    /// Reads that are done.
    pub reads_done: u32,
    /// Rows in the file, so far.
    pub rows: u64,
    /// Bytes of the file, so far.
    pub bytes: u64,
    /// SHA-256 of the file in hexadecimal, once it is complete.
    pub sha256: Option<String>,
    /// Why it is short, if it is.
    pub failure: Option<String>,
    /// When it was begun.
    pub started_at: DateTime<FixedOffset>,
    /// When it ended.
    pub finished_at: Option<DateTime<FixedOffset>>,
}

impl Export {
    /// The file's name.
    pub fn file_name(&self) -> String {
        format!("{}-export-{}.{}", self.history, self.id, self.format)
    }
}

/// What stands beside an exported file. A file is whole only when its manifest says `complete`, and its size and SHA-256
/// are the manifest's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportManifest {
    /// Version of this format: 1.
    pub version: u32,
    /// The file's name.
    pub file: String,
    /// The file's columns, in order.
    pub columns: Vec<String>,
    /// The export.
    #[serde(flatten)]
    pub export: Export,
}

impl ExportManifest {
    /// The manifest of an export, whose file has that name.
    pub fn new(export: Export, file: String) -> Self {
        let columns = crate::payment::PAYMENT_COLUMNS.map(str::to_owned).to_vec();
        Self { version: 1, file, columns, export }
    }
}

/// What an export of these payments would read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportPreview {
    /// The history.
    pub history: String,
    /// Its business zone.
    pub zone: String,
    /// What would be read.
    pub scope: ExportScope,
    /// Payments in these months by the engines' estimates, before the filter.
    pub rows_estimate: u64,
}
