//! Reading all payments of a scope, row by row, as fast as the engine sends them: what exports are made of.
//!
//! Invariants: a scope is one statement, so one snapshot of one table's stretch of time, in no order; a payment is borrowed
//! from what the driver received and nothing is allocated for it; a value that [`super::list`] would refuse is refused here.

use super::{Filter, Layout, PaymentScope, narrowed};
use crate::dynamic;
use crate::error::{During, StorageError};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, TryStreamExt};
use payhist_types::money::AMOUNT_DECIMALS_MAX;
use payhist_types::payment::PaymentStatus;
use payhist_types::{PaymentId, UserId};
use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_query::{Alias, SelectStatement};
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{Column, Row, TypeInfo};

const OPERATION: &str = "payments.export";
/// Few enough for memory, enough that handing them to another thread costs nothing.
const ROWS_AT_ONCE: usize = 256;
/// Most digits before the point of DECIMAL(19,4).
const AMOUNT_DIGITS_MAX: usize = 15;
/// Where the amount stands in a row.
const AMOUNT: usize = 7;

/// A [`payhist_types::payment::Payment`] as it was received, with the very same fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of a payment")]
pub struct PaymentRef<'r> {
    pub payment_id: PaymentId,
    pub user_id: UserId,
    pub order_id: &'r str,
    pub provider: &'r str,
    pub provider_tx_id: Option<&'r str>,
    pub method: &'r str,
    pub status: PaymentStatus,
    /// Exact, without needless zeros: `12.5`, at most four decimals.
    pub amount: &'r str,
    /// Three capital letters.
    pub currency: &'r str,
    /// In clear.
    pub payer_name: Option<&'r str>,
    /// In clear.
    pub payer_email: Option<&'r str>,
    pub failure_code: Option<&'r str>,
    pub version: Option<u32>,
    /// Microseconds since 1970 in UTC.
    pub created_at: i64,
    /// Likewise.
    pub updated_at: Option<i64>,
}

/// The SELECT behind [`receive_every`]. `whole`: the scope is one whole partition, or all of a table.
pub fn every(scope: &PaymentScope, filter: &Filter, whole: bool) -> SelectStatement {
    let mut query = narrowed(scope, filter);
    if filter.is_narrow() {
        if let Some(key) = scope.layout.key_for(filter) {
            query.force_index(Alias::new(key), IndexHintScope::All);
        }
    } else if whole && matches!(scope.layout, Layout::Own) {
        // A key in time's order leads to rows all over the clustered one; read in its own order they come from page to page.
        query.force_index(Alias::new("PRIMARY"), IndexHintScope::All);
    }
    query
}

/// Rows as they were received. Decoding them is left to another thread: the sooner they are received, the less the server
/// waits in mid-statement.
#[derive(Debug)]
pub struct Received {
    rows: Vec<MySqlRow>,
    layout: Layout,
}

impl Received {
    /// The payments in them.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] for a row that cannot be read: none is passed over.
    pub fn payments(&self) -> impl Iterator<Item = Result<PaymentRef<'_>, StorageError>> {
        let mut types = Types::Unknown;
        self.rows.iter().map(move |row| {
            if types == Types::Unknown {
                check(row)?;
            }
            let payment = read(row, &self.layout, types)?;
            types = Types::Fit;
            Ok(payment)
        })
    }
}

/// All payments of a scope, as they are received. Dropped before its end, it leaves a connection in mid-answer, which is
/// never lent again: [`crate::Pool::ask`] ends the statement then.
pub fn receive_every<'c>(
    connection: &'c mut MySqlConnection,
    scope: &PaymentScope,
    filter: &Filter,
    whole: bool,
) -> Result<impl Stream<Item = Result<Received, StorageError>> + Send + use<'c>, StorageError> {
    let layout = scope.layout.clone();
    let rows = dynamic::fetch(connection, OPERATION, &every(scope, filter, whole))?;
    Ok(rows.try_chunks(ROWS_AT_ONCE).map(move |chunk| {
        let rows = chunk.map_err(|broken| broken.1).during(OPERATION)?;
        Ok(Received { rows, layout: layout.clone() })
    }))
}

/// The amount is read as the text that it is sent as; a FLOAT is sent otherwise, and would be no exact amount.
fn check(row: &MySqlRow) -> Result<(), StorageError> {
    match row.columns().get(AMOUNT) {
        Some(column) if column.type_info().name() == "DECIMAL" => Ok(()),
        column => Err(StorageError::Inconsistent(format!(
            "the amounts are no exact decimals: {:?}",
            column.map(|column| column.type_info().name())
        ))),
    }
}

/// Are the columns of what was received of the types that are read? They are the same for all of its rows, so that one tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Types {
    Unknown,
    Fit,
}

fn read<'r>(row: &'r MySqlRow, layout: &Layout, types: Types) -> Result<PaymentRef<'r>, StorageError> {
    let micros = |at: DateTime<Utc>| at.timestamp_micros();
    macro_rules! fields {
        ($get:ident) => {
            || -> Result<_, sqlx::Error> {
                Ok(PaymentRef {
                    payment_id: PaymentId::from_raw(row.$get(0)?),
                    user_id: UserId(row.$get(1)?),
                    order_id: row.$get(2)?,
                    provider: row.$get(3)?,
                    provider_tx_id: row.$get(4)?,
                    method: row.$get(5)?,
                    status: PaymentStatus::Requested,
                    amount: row.try_get_unchecked(AMOUNT)?,
                    currency: row.$get(8)?,
                    payer_name: row.$get(9)?,
                    payer_email: row.$get(10)?,
                    failure_code: row.$get(11)?,
                    version: row.$get(12)?,
                    created_at: micros(row.$get(13)?),
                    updated_at: row.$get::<Option<DateTime<Utc>>, _>(14)?.map(micros),
                })
            }
        };
    }
    let fields = match types {
        Types::Unknown => fields!(try_get)(),
        Types::Fit => fields!(try_get_unchecked)(),
    };
    let mut payment = fields.during(OPERATION)?;
    let id = payment.payment_id;
    let unknown = |what: String| StorageError::Inconsistent(format!("payment {id} has {what}"));
    let status: &str = match types {
        Types::Unknown => row.try_get(6),
        Types::Fit => row.try_get_unchecked(6),
    }
    .during(OPERATION)?;
    payment.status = layout.status_of(status).ok_or_else(|| unknown(format!("the unknown status {status:?}")))?;
    if payment.currency.len() != 3 || !payment.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(unknown(format!("the unknown currency {:?}", payment.currency)));
    }
    payment.amount =
        amount(payment.amount).ok_or_else(|| unknown(format!("the impossible amount {:?}", payment.amount)))?;
    Ok(payment)
}

/// A decimal without needless zeros, if DECIMAL(19,4) holds it.
fn amount(text: &str) -> Option<&str> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let kept = decimals.trim_end_matches('0').len();
    let all_digits = digits.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit());
    let fits = !digits.is_empty() && digits.len() <= AMOUNT_DIGITS_MAX && kept <= AMOUNT_DECIMALS_MAX as usize;
    let end = if kept == 0 { whole.len() } else { whole.len() + 1 + kept };
    (all_digits && fits).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_exact_and_as_short_as_lists_write_it() {
        for (text, short) in
            [("12.3400", "12.34"), ("5.0000", "5"), ("-0.0001", "-0.0001"), ("100", "100"), ("0.10000", "0.1")]
        {
            assert_eq!(amount(text), Some(short), "{text}");
        }
        for wrong in ["", "-", ".5", "1e3", "1.00001", "1234567890123456", "1.2.3", "NaN"] {
            assert_eq!(amount(wrong), None, "{wrong}");
        }
    }
}
