//! What the list shows, and independent readers of each format.

use chrono::{DateTime, FixedOffset};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, browse};
use payhist_types::payment::{PAYMENT_COLUMNS, Payment, PaymentQuery};
use serde_json::{Map, Value, json};

/// What the list shows, to its end.
pub(crate) async fn listed(ops: &Ops, query: &PaymentQuery) -> Vec<Payment> {
    let mut query = PaymentQuery { limit: "100".to_owned(), ..query.clone() };
    let mut all = Vec::new();
    loop {
        let page = browse::list(ops, &Permit::for_command(), &query).await.unwrap();
        assert!(page.complete);
        all.extend(page.payments.into_iter().map(|row| row.payment));
        let Some(older) = page.older else { return all };
        query.cursor = older.to_string();
    }
}

pub(crate) fn from_csv(bytes: &[u8]) -> Vec<Payment> {
    let mut reader = csv::Reader::from_reader(bytes);
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), PAYMENT_COLUMNS);
    let payment = |record: csv::StringRecord| {
        let field = |(name, text): (&&str, &str)| {
            let value = match (*name, text) {
                (_, "") => Value::Null,
                ("version", text) => json!(text.parse::<u32>().unwrap()),
                (_, text) => json!(text),
            };
            ((*name).to_owned(), value)
        };
        payment(PAYMENT_COLUMNS.iter().zip(record.iter()).map(field).collect())
    };
    reader.records().map(|record| payment(record.unwrap())).collect()
}

pub(crate) fn from_ndjson(bytes: &[u8]) -> Vec<Payment> {
    serde_json::Deserializer::from_slice(bytes).into_iter().map(Result::unwrap).collect()
}

/// By the record reader of the parquet crate, which payhist does not use.
pub(crate) fn from_parquet(bytes: &[u8]) -> Vec<Payment> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).unwrap();
    let zone: chrono_tz::Tz = crate::support_export::ZONE.parse().unwrap();
    let value = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::ULong(number) => json!(number),
        Field::Str(text) => json!(text),
        Field::Decimal(decimal) => {
            let unscaled = i128::from_be_bytes(decimal.data().try_into().unwrap());
            json!(payhist_types::archive::decimal_text(unscaled, u8::try_from(decimal.scale()).unwrap()))
        }
        Field::TimestampMicros(micros) => {
            let at: DateTime<FixedOffset> =
                DateTime::from_timestamp_micros(*micros).unwrap().with_timezone(&zone).fixed_offset();
            json!(at.to_rfc3339())
        }
        other => panic!("{other:?}"),
    };
    let row = |row: Row| payment(row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect());
    reader.get_row_iter(None).unwrap().map(|read| row(read.unwrap())).collect()
}

fn payment(fields: Map<String, Value>) -> Payment {
    serde_json::from_value(Value::Object(fields)).unwrap()
}
