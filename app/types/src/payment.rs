//! Payments as they are stored, asked for and shown.

use crate::{Cursor, Money, Month, PaymentId, ShardId, UserId};
use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde::{Deserialize, Serialize, Serializer};

/// The columns that reading a payment needs, in the order of a row.
pub const PAYMENT_COLUMNS: [&str; 15] = [
    "payment_id",
    "user_id",
    "order_id",
    "provider",
    "provider_tx_id",
    "method",
    "status",
    "amount",
    "currency",
    "payer_name",
    "payer_email",
    "failure_code",
    "version",
    "created_at",
    "updated_at",
];

/// The state of a payment (DESIGN §9).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentStatus {
    /// Recorded, the provider not yet asked.
    Requested,
    /// The provider has it and has not decided.
    Pending,
    /// The amount is reserved.
    Authorized,
    /// The money has moved.
    Paid,
    /// The provider refused; `failure_code` says why.
    Failed,
    /// Withdrawn before payment.
    Cancelled,
    /// Nobody decided in time.
    Expired,
    /// A part of the money went back.
    PartiallyRefunded,
    /// All of the money went back.
    Refunded,
}

/// One payment as it is stored. Times are UTC with microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// Time-ordered id, unique in its history.
    pub payment_id: PaymentId,
    /// Whose payment; decides the shard.
    pub user_id: UserId,
    /// The merchant's order.
    pub order_id: String,
    /// Payment provider, e.g. `stripe`.
    pub provider: String,
    /// The provider's own reference, if it gave one.
    pub provider_tx_id: Option<String>,
    /// `card`, `bank_transfer`, `wallet`, …
    pub method: String,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Amount and currency.
    #[serde(flatten)]
    pub money: Money,
    /// Personal: the payer's name; masked unless revealed.
    pub payer_name: Option<String>,
    /// Personal: the payer's e-mail; masked unless revealed.
    pub payer_email: Option<String>,
    /// The provider's reason for a failure.
    pub failure_code: Option<String>,
    /// Raised by one on each change (optimistic lock); adopted tables may have none.
    pub version: Option<u32>,
    /// When it was created: the partition column, shown in the business zone.
    #[serde(serialize_with = "rfc3339")]
    pub created_at: DateTime<FixedOffset>,
    /// When it last changed; adopted tables may not say.
    #[serde(serialize_with = "rfc3339_if_any")]
    pub updated_at: Option<DateTime<FixedOffset>>,
}

/// As chrono serialises it, but as one text: chrono hands its pieces on one by one, and a page of JSON has a hundred times.
fn rfc3339<S: Serializer>(at: &DateTime<FixedOffset>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, false))
}

#[expect(clippy::ref_option, reason = "serde hands the field on by reference")]
fn rfc3339_if_any<S: Serializer>(at: &Option<DateTime<FixedOffset>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// The page state of `/payments`, exactly as the URL carries it; every field is what the operator typed.
/// `ops::browse` parses it and answers wrong fields by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PaymentQuery {
    /// Which history; empty means the default one.
    pub history: String,
    /// User id.
    pub user: String,
    /// Statuses, comma-separated; empty means all.
    pub status: String,
    /// Order id, exact.
    pub order: String,
    /// Payment id.
    pub id: String,
    /// The provider's own reference, exact.
    pub reference: String,
    /// Payment provider, exact.
    pub provider: String,
    /// Payment method, exact.
    pub method: String,
    /// Currency code, e.g. `EUR`.
    pub currency: String,
    /// Least amount, e.g. `12.50`. Inclusive.
    pub min: String,
    /// Greatest amount. Inclusive.
    pub max: String,
    /// Start of the time range, in the business zone: `2026-11-01` or `2026-11-01T09:30`. Inclusive.
    pub from: String,
    /// End of the time range, in the business zone; a date means that whole day. Exclusive otherwise.
    pub to: String,
    /// Keyset cursor of the page; empty means the newest page.
    pub cursor: String,
    /// Rows per page, 1 to [`PAGE_ROWS_MAX`]; empty means [`PAGE_ROWS_DEFAULT`].
    pub limit: String,
}

/// Rows of a page when nothing else is asked.
pub const PAGE_ROWS_DEFAULT: usize = 50;
/// Most rows a page may have.
pub const PAGE_ROWS_MAX: usize = 500;

/// A row of the list: the payment and where it lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentRow {
    /// The payment, personal fields masked.
    #[serde(flatten)]
    pub payment: Payment,
    /// The shard that holds it.
    pub shard: ShardId,
    /// Its month in the business zone.
    pub month: Month,
}

/// A shard that did not answer; the page is incomplete without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingShard {
    /// The shard.
    pub shard: ShardId,
    /// Its source.
    pub source: String,
    /// Why it is missing, in words.
    pub reason: String,
}

/// What was read to answer a page: an operator may trust a page only when this covers the question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadScope {
    /// Shards asked.
    pub shards: Vec<ShardId>,
    /// First and last month read, oldest first; `None` when nothing had to be read.
    pub months: Option<(Month, Month)>,
}

/// One page of payments, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentPage {
    /// Which history was read.
    pub history: String,
    /// Business zone of every local time on the page, e.g. `Asia/Seoul`.
    pub zone: String,
    /// When it was read, in the business zone.
    pub read_at: DateTime<FixedOffset>,
    /// The rows, newest first.
    pub payments: Vec<PaymentRow>,
    /// Cursor of the next older page; `None` at the oldest end.
    pub older: Option<Cursor>,
    /// Cursor of the next newer page; `None` at the newest end.
    pub newer: Option<Cursor>,
    /// False when a shard is missing.
    pub complete: bool,
    /// The shards that did not answer.
    pub missing: Vec<MissingShard>,
    /// What was read.
    pub scope: ReadScope,
}

/// Where a row lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The source (server).
    pub source: String,
    /// Schema on that server.
    pub schema: String,
    /// Physical table.
    pub table: String,
    /// Partition, when the catalogue names one that covers the row's time.
    pub partition: Option<String>,
    /// Shard number.
    pub shard: ShardId,
    /// Month in the business zone.
    pub month: Month,
}

/// A legal hold that keeps a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// Its number.
    pub hold: u64,
    /// Its case.
    pub case_number: String,
    /// When it ends by itself; `None`: only by its release.
    pub until: Option<DateTime<FixedOffset>>,
}

/// The page of one payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentDetail {
    /// Which history.
    pub history: String,
    /// Business zone of the local times.
    pub zone: String,
    /// The payment, personal fields masked.
    pub payment: Payment,
    /// Where the row lives.
    pub location: Location,
    /// The holds that are on it.
    #[serde(default)]
    pub held_by: Vec<HeldBy>,
    /// The shards that did not answer; one of an adopted history's might have a payment of the same id.
    #[serde(default)]
    pub missing: Vec<MissingShard>,
    /// Other payments of the same order, newest first, at most 20.
    pub same_order: Vec<PaymentRow>,
    /// The user's payments around this one, newest first, at most 10.
    pub same_user: Vec<PaymentRow>,
}
