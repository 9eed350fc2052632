//! A page of payments as JSON, its rows written from what was received.
//!
//! Invariants: the very JSON of [`PaymentPage`]; personal fields are masked.

use super::Reader;
use super::mask::Masks;
use crate::OpsError;
use crate::payment_json::PaymentJson;
use crate::zone::local;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use payhist_plan::{months, routing};
use payhist_storage::payments::Listed;
use payhist_types::payment::PaymentPage;
use payhist_types::{ShardId, rfc3339};
use serde::ser::{Error, SerializeSeq};
use serde::{Serialize, Serializer};
use std::ops::Range;

/// What a page of fifty payments takes.
const PAGE_BYTES: usize = 32 << 10;

impl Reader<'_> {
    /// The page with its rows.
    pub(super) fn json(&self, page: PaymentPage<()>, rows: &[Listed]) -> Result<Vec<u8>, OpsError> {
        let mut json = Vec::with_capacity(PAGE_BYTES);
        let page = page.with(Rows { reader: self, rows });
        serde_json::to_writer(&mut json, &page).map_err(|error| OpsError::Internal(error.to_string()))?;
        Ok(json)
    }
}

struct Rows<'a> {
    reader: &'a Reader<'a>,
    rows: &'a [Listed],
}

/// [`payhist_types::payment::PaymentRow`], borrowed.
#[derive(Serialize)]
struct Row<'r> {
    #[serde(flatten)]
    payment: PaymentJson<'r>,
    shard: ShardId,
    month: &'r str,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Reader { history, zone, .. } = self.reader;
        let (mut masks, mut created_at, mut updated_at) = (Masks::default(), String::new(), String::new());
        let text = |text: &mut String, at: DateTime<Utc>| {
            text.clear();
            rfc3339::push(text, &local(at, *zone));
        };
        let mut month = Named::default();
        let mut array = serializer.serialize_seq(Some(self.rows.len()))?;
        for listed in self.rows {
            let payment = masks.masked(listed.payment().map_err(S::Error::custom)?);
            text(&mut created_at, payment.created_at);
            if let Some(at) = payment.updated_at {
                text(&mut updated_at, at);
            }
            let updated_at = payment.updated_at.map(|_| updated_at.as_str());
            array.serialize_element(&Row {
                shard: routing::shard_of(&history.spec.route, payment.user_id),
                month: month.of(payment.created_at, *zone),
                payment: PaymentJson::new(payment, &created_at, updated_at),
            })?;
        }
        array.end()
    }
}

/// The month of the row before: mostly this one's, too.
#[derive(Default)]
struct Named {
    name: String,
    bounds: Range<DateTime<Utc>>,
}

impl Named {
    fn of(&mut self, at: DateTime<Utc>, zone: Tz) -> &str {
        if !self.bounds.contains(&at) {
            let (start, end) = months::bounds_of(at, zone);
            *self = Self { name: months::month_of(at, zone).to_string(), bounds: start..end };
        }
        &self.name
    }
}
