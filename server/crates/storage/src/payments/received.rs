//! Payments as they were received.
//!
//! Invariants: a payment is borrowed from what the driver received and nothing is allocated for it; a value that no payment can have
//! is refused, never replaced.

use super::{Key, Layout, Sort};
use crate::error::{During, StorageError};
use chrono::{DateTime, Utc};
use payhist_types::money::{AMOUNT_DECIMALS_MAX, Currency, Money};
use payhist_types::payment::{Payment, PaymentStatus};
use payhist_types::{PaymentId, UserId};
use rust_decimal::Decimal;
use sqlx::mysql::MySqlRow;
use sqlx::{Column, Row, TypeInfo};
use std::fmt::Display;

const OPERATION: &str = "payments.read";
/// Most digits before the point of DECIMAL(19,4).
const AMOUNT_DIGITS_MAX: usize = 15;
/// Where the amount stands in a row.
const AMOUNT: usize = 7;

/// A [`Payment`] as it was received, with the very same fields.
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
    pub currency: Currency,
    /// In clear.
    pub payer_name: Option<&'r str>,
    /// In clear.
    pub payer_email: Option<&'r str>,
    pub failure_code: Option<&'r str>,
    pub version: Option<u32>,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
}

impl PaymentRef<'_> {
    /// The same, owned.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] for an amount that a payment cannot have.
    pub fn to_payment(&self) -> Result<Payment, StorageError> {
        let money = Money::new(decimal(self.payment_id, self.amount)?, self.currency)
            .map_err(|error| inconsistent(self.payment_id, "impossible amount", &error))?;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(Payment {
            payment_id: self.payment_id,
            user_id: self.user_id,
            order_id: self.order_id.to_owned(),
            provider: self.provider.to_owned(),
            provider_tx_id: owned(self.provider_tx_id),
            method: self.method.to_owned(),
            status: self.status,
            money,
            payer_name: owned(self.payer_name),
            payer_email: owned(self.payer_email),
            failure_code: owned(self.failure_code),
            version: self.version,
            created_at: self.created_at.fixed_offset(),
            updated_at: self.updated_at.map(|at| at.fixed_offset()),
        })
    }
}

/// Rows as they were received. Decoding them is left to another thread: the sooner they are received, the less the server
/// waits in mid-statement.
#[derive(Debug)]
pub struct Received {
    pub(super) rows: Vec<MySqlRow>,
    pub(super) layout: Layout,
}

impl Received {
    /// The payments in them.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] for a row that cannot be read: none is passed over.
    pub fn payments(&self) -> impl Iterator<Item = Result<PaymentRef<'_>, StorageError>> {
        let mut types = Types::Unknown;
        self.rows.iter().map(move |row| {
            let payment = read(row, &self.layout, types)?;
            types = Types::Fit;
            Ok(payment)
        })
    }

    /// Each row with its place in a list. A row that cannot be read is refused now, not when it is shown.
    pub(super) fn listed(self, sort: Sort) -> Result<Vec<Listed>, StorageError> {
        if matches!(self.layout, Layout::Adopted(_)) {
            self.payments().try_for_each(|payment| payment.map(drop))?;
        }
        let Self { rows, layout } = self;
        let mut listed = Vec::with_capacity(rows.len());
        for row in rows {
            let key = Checked::read(&row, &layout, Types::Unknown)?.key(sort)?;
            listed.push(Listed { key, row, layout: layout.clone() });
        }
        Ok(listed)
    }
}

/// A payment of a list, and its place in it.
#[derive(Debug)]
pub struct Listed {
    /// By what the list was asked to go by.
    pub key: Key,
    row: MySqlRow,
    layout: Layout,
}

impl Listed {
    /// The payment.
    ///
    /// # Errors
    /// None: what can be wrong with a row was looked at when it was received.
    pub fn payment(&self) -> Result<PaymentRef<'_>, StorageError> {
        read(&self.row, &self.layout, Types::Fit)
    }
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

/// A value of a row, whose type is checked unless it fits.
macro_rules! get {
    ($row:expr, $place:expr, $types:expr) => {
        match $types {
            Types::Unknown => $row.try_get($place),
            Types::Fit => $row.try_get_unchecked($place),
        }
        .during(OPERATION)?
    };
}

/// What decides a row's place, and what payhist's own tables may hold that no payment can have.
struct Checked<'r> {
    payment_id: PaymentId,
    created_at: DateTime<Utc>,
    status: PaymentStatus,
    amount: &'r str,
    currency: Currency,
}

impl<'r> Checked<'r> {
    fn read(row: &'r MySqlRow, layout: &Layout, types: Types) -> Result<Self, StorageError> {
        if types == Types::Unknown {
            check(row)?;
        }
        let payment_id = PaymentId::from_raw(get!(row, 0, types));
        let (status, currency): (&str, &str) = (get!(row, 6, types), get!(row, 8, types));
        let text = row.try_get_unchecked(AMOUNT).during(OPERATION)?;
        let wrong = |what, text: &str| inconsistent(payment_id, what, &format_args!("{text:?}"));
        Ok(Self {
            payment_id,
            created_at: get!(row, 13, types),
            status: layout.status_of(status).ok_or_else(|| wrong("unknown status", status))?,
            amount: amount(text).ok_or_else(|| wrong("impossible amount", text))?,
            currency: currency.parse().map_err(|_| wrong("unknown currency", currency))?,
        })
    }

    fn key(&self, sort: Sort) -> Result<Key, StorageError> {
        let Self { payment_id, created_at, amount, .. } = *self;
        let amount = match sort {
            Sort::Newest => None,
            Sort::Largest | Sort::Smallest => Some(decimal(payment_id, amount)?),
        };
        Ok(Key { amount, created_at, payment_id })
    }
}

fn read<'r>(row: &'r MySqlRow, layout: &Layout, types: Types) -> Result<PaymentRef<'r>, StorageError> {
    let Checked { payment_id, created_at, status, amount, currency } = Checked::read(row, layout, types)?;
    Ok(PaymentRef {
        payment_id,
        user_id: UserId(get!(row, 1, types)),
        order_id: get!(row, 2, types),
        provider: get!(row, 3, types),
        provider_tx_id: get!(row, 4, types),
        method: get!(row, 5, types),
        status,
        amount,
        currency,
        payer_name: get!(row, 9, types),
        payer_email: get!(row, 10, types),
        failure_code: get!(row, 11, types),
        version: get!(row, 12, types),
        created_at,
        updated_at: get!(row, 14, types),
    })
}

fn decimal(id: PaymentId, amount: &str) -> Result<Decimal, StorageError> {
    Decimal::from_str_exact(amount).map_err(|error| inconsistent(id, "impossible amount", &error))
}

fn inconsistent(id: PaymentId, what: &str, it: &dyn Display) -> StorageError {
    StorageError::Inconsistent(format!("payment {id} has the {what} {it}"))
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
