//! The formats that a file may have, and the reader of each: a line becomes a record, nothing, or a reason.

use super::lines::Line;
use super::record::{COLUMNS, Fields, REQUIRED, Reason, Record, check_reach, text_of};
use crate::zone::day_start;
use chrono::NaiveDate;
use chrono_tz::Tz;
use payhist_storage::bulk::{Candidate, NewPayment};
use payhist_types::money::{Currency, Money};
use payhist_types::payment::PaymentStatus;
use payhist_types::{PaymentId, UserId};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// A file format; docs/import.md describes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The CDNOW purchase history: customer, date, number of CDs, amount, blank-separated.
    Cdnow,
    /// Comma-separated with a header.
    Csv,
    /// One JSON object on each line.
    Ndjson,
}

/// What a line turned out to be.
#[expect(clippy::large_enum_variant, reason = "nearly every line is a record, and boxing each would cost more")]
pub(super) enum Content {
    /// A payment.
    Record(Record),
    /// The header of a CSV file.
    Header,
    /// Blank, or a comment.
    Nothing,
}

/// Reads the lines of one file, from the first to the last, in one go.
pub(super) enum Parser {
    Cdnow(Cdnow),
    Csv(Box<Csv>),
    Ndjson(Tz),
}

impl Parser {
    /// A parser for a new file. `zone` is the business zone of times without an offset.
    pub(super) fn new(format: Format, zone: Tz) -> Self {
        match format {
            Format::Cdnow => Self::Cdnow(Cdnow { zone, seen: HashMap::new() }),
            Format::Csv => Self::Csv(Box::new(Csv {
                zone,
                columns: None,
                reader: csv_core::Reader::new(),
                fields: Vec::new(),
                ends: Vec::new(),
            })),
            Format::Ndjson => Self::Ndjson(zone),
        }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// Why it is not taken. The header of a CSV file is the one line without which nothing after it can be read:
    /// [`Parser::is_lost`] tells.
    pub(super) fn read(&mut self, line: Line<'_>) -> Result<Content, Reason> {
        if line.too_long {
            return Err(format!("it is longer than {} bytes", super::lines::LINE_BYTES_MAX));
        }
        let text = text_of(line.bytes)?;
        let text = if line.number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        if text.trim().is_empty() || text.starts_with("# ") {
            return Ok(Content::Nothing);
        }
        match self {
            Self::Cdnow(cdnow) => cdnow.read(line, text).map(Content::Record),
            Self::Csv(csv) => csv.read(line, text),
            Self::Ndjson(zone) => ndjson(line, text, *zone).map(Content::Record),
        }
    }

    /// The header cannot be read, so that no other line can.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Csv(csv) if csv.columns.is_none())
    }
}

/// A last line without its end may have lost a part that nobody would miss: `12.5` of `12.50` still reads as a number.
fn require_end(line: Line<'_>) -> Result<(), Reason> {
    if line.ended {
        Ok(())
    } else {
        Err("the last line has no line end: it may be cut off; if it is complete, add one".to_owned())
    }
}

/// The CDNOW data set. It names no orders: a row is known as the n-th of its customer on its day.
pub(super) struct Cdnow {
    zone: Tz,
    /// Rows so far by customer and day. Grows with the file, which is one known data set of 69,659 rows.
    seen: HashMap<(u64, NaiveDate), u32>,
}

impl Cdnow {
    fn read(&mut self, line: Line<'_>, text: &str) -> Result<Record, Reason> {
        require_end(line)?;
        let mut fields = text.split_ascii_whitespace();
        let mut next = |name| fields.next().ok_or_else(|| format!("it is too short: the {name} is missing"));
        let (customer, date, cds, amount) = (next("customer")?, next("date")?, next("number of CDs")?, next("amount")?);
        if fields.next().is_some() {
            return Err("it has more than the four fields customer, date, number of CDs and amount".to_owned());
        }
        let user_id: UserId = customer.parse().map_err(|error| format!("customer: {error}"))?;
        let day = (date.len() == 8).then(|| NaiveDate::parse_from_str(date, "%Y%m%d").ok()).flatten();
        let day = day.ok_or_else(|| format!("{date:?} is no date of the form YYYYMMDD"))?;
        cds.parse::<u32>().map_err(|_| format!("{cds:?} is no number of CDs"))?;
        let money = Money::parse_non_negative(amount, Currency::USD).map_err(|error| format!("amount: {error}"))?;
        let created_at = day_start(day, self.zone);
        check_reach(created_at).map_err(|reason| format!("{date:?} {reason}"))?;
        let ordinal = self.seen.entry((user_id.0, day)).or_default();
        *ordinal += 1;
        let payment = NewPayment {
            payment_id: PaymentId::from_raw(0),
            user_id,
            order_id: format!("CDNOW-{user_id}-{date}-{ordinal}"),
            provider: "cdnow".to_owned(),
            provider_tx_id: None,
            method: "card".to_owned(),
            status: PaymentStatus::Paid,
            money,
            payer_name: None,
            payer_email: None,
            failure_code: None,
            created_at,
            updated_at: created_at,
        };
        Ok(Record { line: line.number, row: Candidate { payment, id_given: false } })
    }
}

/// CSV after RFC 4180, except that a record is one line.
pub(super) struct Csv {
    zone: Tz,
    /// The columns of the header, in the file's order.
    columns: Option<Vec<&'static str>>,
    reader: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl Csv {
    fn read(&mut self, line: Line<'_>, text: &str) -> Result<Content, Reason> {
        require_end(line)?;
        if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
            return Err("a quote is opened and not closed: a record is one line".to_owned());
        }
        let count = self.split(text);
        let Some(columns) = &self.columns else {
            let header = (0..count).map(|index| field(&self.fields, &self.ends, index)).collect::<Vec<_>>();
            self.columns = Some(read_header(&header)?);
            return Ok(Content::Header);
        };
        if count != columns.len() {
            return Err(format!("it has {count} fields, the header has {}", columns.len()));
        }
        let value = |name| {
            columns.iter().position(|column| *column == name).map(|index| field(&self.fields, &self.ends, index))
        };
        Fields(value).read(line.number, self.zone).map(Content::Record)
    }

    /// Splits a line into fields and answers how many they are.
    fn split(&mut self, text: &str) -> usize {
        self.reader.reset();
        self.fields.resize(text.len() + 1, 0);
        self.ends.resize(text.len() + 1, 0); // no line has more fields than bytes, and one
        let (_, _, written, fields) = self.reader.read_record(text.as_bytes(), &mut self.fields, &mut self.ends);
        // The second, empty read tells the reader that the input is at its end.
        let (_, _, _, last) = self.reader.read_record(&[], &mut self.fields[written..], &mut self.ends[fields..]);
        fields + last
    }
}

fn field<'a>(fields: &'a [u8], ends: &[usize], index: usize) -> &'a str {
    let start = if index == 0 { 0 } else { ends[index - 1] };
    std::str::from_utf8(&fields[start..ends[index]]).unwrap_or_default() // whole fields of a UTF-8 line
}

fn read_header(header: &[&str]) -> Result<Vec<&'static str>, Reason> {
    let known = |name: &str| COLUMNS.into_iter().find(|column| *column == name);
    let mut columns = Vec::with_capacity(header.len());
    for name in header {
        let column = known(name)
            .ok_or_else(|| format!("the header has the unknown column {name:?}; known are {}", COLUMNS.join(", ")))?;
        if columns.contains(&column) {
            return Err(format!("the header has {column} twice"));
        }
        columns.push(column);
    }
    match REQUIRED.into_iter().find(|required| !columns.contains(required)) {
        Some(missing) => Err(format!("the header lacks the column {missing}")),
        None => Ok(columns),
    }
}

/// A JSON object with the columns as keys. Numbers are read as they are spelled, never through a float. The last line
/// may lack its end: an object that is cut off does not parse.
fn ndjson(line: Line<'_>, text: &str, zone: Tz) -> Result<Record, Reason> {
    let Members(members) = serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))?;
    let mut values: HashMap<&'static str, Cow<'_, str>> = HashMap::with_capacity(members.len());
    for (key, raw) in members {
        let column = COLUMNS
            .into_iter()
            .find(|column| *column == key)
            .ok_or_else(|| format!("unknown key {key:?}; known are {}", COLUMNS.join(", ")))?;
        if values.insert(column, spelled(column, raw.get())?).is_some() {
            return Err(format!("the key {column} comes twice"));
        }
    }
    Fields(|name| values.get(name).map(AsRef::as_ref)).read(line.number, zone)
}

/// A string's content or a number's digits; nothing for null.
fn spelled<'a>(column: &str, raw: &'a str) -> Result<Cow<'a, str>, Reason> {
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(raw).map(Cow::Owned).map_err(|error| format!("{column}: {error}")),
        Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(raw)),
        _ if raw == "null" => Ok(Cow::Borrowed("")),
        _ => Err(format!("{column} is neither a string nor a number")),
    }
}

/// The members of an object in their order: a map would let the second of two equal keys win in silence.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(COLUMNS.len());
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
