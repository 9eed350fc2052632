//! Payments as they are stored, asked for and shown.

use crate::timeline::TimelineEntry;
use crate::{Cursor, Money, Month, PaymentId, ShardId, UserId};
use chrono::{DateTime, FixedOffset};
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

fn rfc3339<S: Serializer>(at: &DateTime<FixedOffset>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = String::new();
    crate::rfc3339::push(&mut text, at);
    serializer.serialize_str(&text)
}

#[expect(clippy::ref_option, reason = "serde hands the field on by reference")]
fn rfc3339_if_any<S: Serializer>(at: &Option<DateTime<FixedOffset>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// The page state of `/payments`, exactly as the URL carries it; every field is what the operator typed, and empty where
/// nothing was asked. `ops::browse` parses it and answers wrong fields by name. The command line takes the same by the
/// same names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct PaymentQuery {
    /// Of this user.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(feature = "openapi", param(value_type = UserId))]
    pub user: String,
    /// In these states, comma-separated.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(feature = "openapi", param(value_type = Vec<PaymentStatus>, style = Form, explode = false, min_items = 1))]
    pub status: String,
    /// Of this order.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(
        feature = "openapi",
        param(min_length = 1, max_length = 64, pattern = r"^\S([\s\S]*\S)?$", example = "ORD-7")
    )]
    pub order: String,
    /// With this payment id.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(feature = "openapi", param(value_type = PaymentId))]
    pub id: String,
    /// That the provider calls this.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 64, pattern = r"^\S([\s\S]*\S)?$"))]
    pub reference: String,
    /// By this provider.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(
        feature = "openapi",
        param(min_length = 1, max_length = 32, pattern = r"^\S([\s\S]*\S)?$", example = "stripe")
    )]
    pub provider: String,
    /// By this method.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(
        feature = "openapi",
        param(min_length = 1, max_length = 32, pattern = r"^\S([\s\S]*\S)?$", example = "card")
    )]
    pub method: String,
    /// In this currency.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true, value_name = "EUR"))]
    #[cfg_attr(feature = "openapi", param(pattern = "^[A-Za-z]{3}$", example = "EUR"))]
    pub currency: String,
    /// Of this amount at least.
    #[cfg_attr(
        feature = "clap",
        arg(long, default_value = "", hide_default_value = true, value_name = "12.50", allow_hyphen_values = true)
    )]
    #[cfg_attr(feature = "openapi", param(pattern = r"^-?0*[0-9]{1,15}(\.[0-9]{1,4}0*)?$", example = "12.50"))]
    pub min: String,
    /// Of this amount at most.
    #[cfg_attr(
        feature = "clap",
        arg(long, default_value = "", hide_default_value = true, value_name = "99.99", allow_hyphen_values = true)
    )]
    #[cfg_attr(feature = "openapi", param(pattern = r"^-?0*[0-9]{1,15}(\.[0-9]{1,4}0*)?$", example = "100"))]
    pub max: String,
    /// Created from then on, in the business zone: a day, a minute (`2026-11-01T09:30`), or `today`, `today-6`, `month`,
    /// `month-1`.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true, value_name = "2026-11-01"))]
    #[cfg_attr(
        feature = "openapi",
        param(
            pattern = "^([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)?|(today|month)(-[0-9]{1,4})?)$",
            example = "2026-11-01"
        )
    )]
    pub from: String,
    /// Created up to that day or month, all of it, or before that minute.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true, value_name = "2026-11-30"))]
    #[cfg_attr(
        feature = "openapi",
        param(
            pattern = "^([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)?|(today|month)(-[0-9]{1,4})?)$",
            example = "2026-11-30T12:00"
        )
    )]
    pub to: String,
    /// `newest` first, or within a bounded range and one currency `largest` or `smallest`.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true, value_name = "largest"))]
    #[cfg_attr(feature = "openapi", param(pattern = "^(newest|largest|smallest)$", example = "newest"))]
    pub sort: String,
    /// Go on from the `older` or `newer` cursor of another page.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(feature = "openapi", param(value_type = Cursor))]
    pub cursor: String,
    /// Rows of the page, 1 to 500; 50 unless something else is asked.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(feature = "openapi", param(value_type = u16, minimum = 1, maximum = 500, example = 50))]
    pub limit: String,
    /// Which history; the oldest one by default.
    #[cfg_attr(feature = "clap", arg(long, default_value = "", hide_default_value = true))]
    #[cfg_attr(feature = "openapi", param(pattern = "^[a-z][a-z0-9_]{0,31}$", example = "payments"))]
    pub history: String,
}

/// Rows of a page when nothing else is asked.
pub const PAGE_ROWS_DEFAULT: usize = 50;
/// Most rows a page may have.
pub const PAGE_ROWS_MAX: usize = 500;

/// A row of the list: the payment and where it lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadScope {
    /// Shards asked.
    pub shards: Vec<ShardId>,
    /// First and last month read, oldest first; `None` when nothing had to be read.
    pub months: Option<(Month, Month)>,
}

/// One page of payments, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentPage<Rows = Vec<PaymentRow>> {
    /// Which history was read.
    pub history: String,
    /// Business zone of every local time on the page, e.g. `Asia/Seoul`.
    pub zone: String,
    /// When it was read, in the business zone.
    pub read_at: DateTime<FixedOffset>,
    /// The rows, newest first.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<PaymentRow>))]
    pub payments: Rows,
    /// Cursor of the next older page; `None` at the oldest end.
    pub older: Option<Cursor>,
    /// Cursor of the next newer page; `None` at the newest end.
    pub newer: Option<Cursor>,
    /// False when a shard is missing.
    pub complete: bool,
    /// The shards that did not answer.
    pub missing: Vec<MissingShard>,
    /// True when the page took too long to fill, so that it ends before its time: `older` (or `newer`) goes on where it
    /// stopped.
    pub unfinished: bool,
    /// What was read.
    pub scope: ReadScope,
}

impl PaymentPage<()> {
    /// The page with these rows.
    pub fn with<Rows>(self, payments: Rows) -> PaymentPage<Rows> {
        let Self { history, zone, read_at, payments: (), older, newer, complete, missing, unfinished, scope } = self;
        PaymentPage { history, zone, read_at, payments, older, newer, complete, missing, unfinished, scope }
    }
}

/// Where a row lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldBy {
    /// Its number.
    pub hold: u64,
    /// Its case.
    pub case_number: String,
    /// When it ends by itself; `None`: only by its release.
    pub until: Option<DateTime<FixedOffset>>,
}

/// How the engine finds a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explained {
    /// The statement.
    pub sql: String,
    /// The partitions it reads, as the engine names them.
    pub partitions: String,
    /// The key that it goes by.
    pub key: String,
    /// How it goes by it: `ref`, `range`, `ALL`, …
    pub access: String,
    /// Rows that the engine expects to read.
    pub rows: u64,
    /// What else the engine says.
    pub extra: String,
}

/// The page of one payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentDetail {
    /// Which history.
    pub history: String,
    /// Business zone of the local times.
    pub zone: String,
    /// The payment, personal fields masked unless `revealed_until` says otherwise.
    pub payment: Payment,
    /// Until when whoever asks sees the personal fields in clear; `None`: they are masked.
    #[serde(default)]
    pub revealed_until: Option<DateTime<FixedOffset>>,
    /// What happened to it and what will, newest first.
    #[serde(default)]
    pub timeline: Vec<TimelineEntry>,
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
