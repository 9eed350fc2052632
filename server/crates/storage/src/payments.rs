//! Reading payments.
//!
//! Invariants: every query carries its [`PaymentScope`] (one table and a bounded time range, which the engine prunes
//! to the partitions of its months); pages are keysets, never OFFSET; nothing is counted.

use crate::dynamic;
use crate::error::{During, StorageError};
use chrono::{DateTime, Utc};
use payhist_dialect::TableName;
use payhist_types::money::{Currency, Money};
use payhist_types::payment::{PAYMENT_COLUMNS, Payment, PaymentStatus};
use payhist_types::{PaymentId, UserId};
use rust_decimal::Decimal;
use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{FromRow, Row};

/// Where a query may look: one shard's table, and rows created in `[from, until)`. It has no default on purpose.
#[derive(Debug, Clone)]
pub struct PaymentScope {
    /// The shard's table.
    pub table: TableName,
    /// Inclusive.
    pub from: DateTime<Utc>,
    /// Exclusive.
    pub until: DateTime<Utc>,
}

/// Which payments are asked for; empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this user.
    pub user: Option<UserId>,
    /// In one of these states.
    pub statuses: Vec<PaymentStatus>,
    /// Of this order.
    pub order: Option<String>,
    /// With this id.
    pub payment: Option<PaymentId>,
}

/// A place in the order `(created_at, payment_id)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// First.
    pub created_at: DateTime<Utc>,
    /// Then.
    pub payment_id: PaymentId,
}

/// Where a page begins, and which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyset {
    /// Newest first from the scope's end.
    Newest,
    /// Newest first, older than this.
    OlderThan(Key),
    /// Oldest first, newer than this.
    NewerThan(Key),
}

/// The SELECT behind [`list`]; tests EXPLAIN it, and the benchmark runs it bare.
pub fn select(scope: &PaymentScope, filter: &Filter, keyset: Keyset, limit: u64) -> SelectStatement {
    let mut query = Query::select();
    let created_at = || Expr::col(Alias::new("created_at"));
    query
        .columns(PAYMENT_COLUMNS.map(Alias::new))
        .from((Alias::new(scope.table.schema()), Alias::new(scope.table.table())))
        // Named, since MariaDB may take `ref` on status alone and read the whole partition (FACTS §5).
        .force_index(Alias::new(index_for(filter)), IndexHintScope::All)
        .and_where(created_at().gte(scope.from.naive_utc()))
        .and_where(created_at().lt(scope.until.naive_utc()));
    if let Some(user) = filter.user {
        query.and_where(Expr::col(Alias::new("user_id")).eq(user.0));
    }
    match filter.statuses.as_slice() {
        [] => {}
        // `=`, not `IN` of one: only equality walks the index in page order.
        [status] => _ = query.and_where(Expr::col(Alias::new("status")).eq(<&str>::from(status))),
        several => _ = query.and_where(Expr::col(Alias::new("status")).is_in(several.iter().map(<&str>::from))),
    }
    if let Some(order) = &filter.order {
        query.and_where(Expr::col(Alias::new("order_id")).eq(order));
    }
    if let Some(payment) = filter.payment {
        query.and_where(Expr::col(Alias::new("payment_id")).eq(payment.get()));
    }
    let tuple = || Expr::tuple([created_at(), Expr::col(Alias::new("payment_id"))]);
    let place = |key: Key| Expr::tuple([Expr::value(key.created_at.naive_utc()), Expr::value(key.payment_id.get())]);
    let order = match keyset {
        Keyset::Newest => Order::Desc,
        // The plain bound beside the tuple is what prunes: a tuple alone never does (FACTS §5).
        Keyset::OlderThan(key) => {
            query.and_where(created_at().lte(key.created_at.naive_utc())).and_where(tuple().lt(place(key)));
            Order::Desc
        }
        Keyset::NewerThan(key) => {
            query.and_where(created_at().gte(key.created_at.naive_utc())).and_where(tuple().gt(place(key)));
            Order::Asc
        }
    };
    query.order_by(Alias::new("created_at"), order.clone()).order_by(Alias::new("payment_id"), order).limit(limit);
    query
}

/// The index that serves a filter in page order.
fn index_for(filter: &Filter) -> &'static str {
    if filter.payment.is_some() {
        "by_payment"
    } else if filter.order.is_some() {
        "by_order"
    } else if filter.user.is_some() {
        "PRIMARY"
    } else if let [_] = filter.statuses.as_slice() {
        "by_status"
    } else {
        "by_time"
    }
}

/// One shard's rows of a page, in the keyset's order.
pub async fn list(
    connection: &mut MySqlConnection,
    scope: &PaymentScope,
    filter: &Filter,
    keyset: Keyset,
    limit: u64,
) -> Result<Vec<Payment>, StorageError> {
    let rows = dynamic::fetch_all(connection, "payments.list", &select(scope, filter, keyset, limit)).await?;
    rows.iter().map(read).collect()
}

/// [`PAYMENT_COLUMNS`], decoded by position: by name each value would cost a look-up.
type PaymentColumns<'r> = (
    u64,
    u64,
    String,
    String,
    Option<String>,
    String,
    &'r str,
    Decimal,
    &'r str,
    Option<String>,
    Option<String>,
    Option<String>,
    u32,
    DateTime<Utc>,
    DateTime<Utc>,
);

fn read(row: &MySqlRow) -> Result<Payment, StorageError> {
    let (
        id,
        user_id,
        order_id,
        provider,
        provider_tx_id,
        method,
        status,
        amount,
        currency,
        payer_name,
        payer_email,
        failure_code,
        version,
        created_at,
        updated_at,
    ) = PaymentColumns::from_row(row).during("payments.read")?;
    let unknown = |what: &str| StorageError::Inconsistent(format!("payment {id} has {what}"));
    let status = status.parse().map_err(|_| unknown(&format!("the unknown status {status:?}")))?;
    let currency: Currency = currency.parse().map_err(|_| unknown(&format!("the unknown currency {currency:?}")))?;
    let money = Money::new(amount, currency).map_err(|error| unknown(&format!("an impossible amount: {error}")))?;
    Ok(Payment {
        payment_id: PaymentId::from_raw(id),
        user_id: UserId(user_id),
        order_id,
        provider,
        provider_tx_id,
        method,
        status,
        money,
        payer_name,
        payer_email,
        failure_code,
        version,
        created_at: created_at.fixed_offset(),
        updated_at: updated_at.fixed_offset(),
    })
}

/// Payments of one quarter of an hour, status and currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarterTotal {
    /// Its start.
    pub start: DateTime<Utc>,
    /// The status.
    pub status: PaymentStatus,
    /// Currency code.
    pub currency: String,
    /// Payments.
    pub count: u64,
    /// Sum of their amounts.
    pub amount: Decimal,
}

/// Seconds of a [`QuarterTotal`]: every zone's days begin on such a boundary, so that the caller can cut days in any
/// business zone from UTC rows.
const QUARTER_SECS: i64 = 900;

/// Totals of a scope by quarter of an hour, status and currency.
pub async fn totals(connection: &mut MySqlConnection, scope: &PaymentScope) -> Result<Vec<QuarterTotal>, StorageError> {
    let mut query = Query::select();
    let quarter = Expr::cust("UNIX_TIMESTAMP(created_at) DIV 900");
    query
        .expr_as(Expr::cust("CAST(UNIX_TIMESTAMP(created_at) DIV 900 AS SIGNED)"), Alias::new("quarter"))
        .columns(["status", "currency"].map(Alias::new))
        .expr_as(Expr::cust("COUNT(*)"), Alias::new("payments"))
        .expr_as(Expr::cust("SUM(amount)"), Alias::new("total"))
        .from((Alias::new(scope.table.schema()), Alias::new(scope.table.table())))
        .and_where(Expr::col(Alias::new("created_at")).gte(scope.from.naive_utc()))
        .and_where(Expr::col(Alias::new("created_at")).lt(scope.until.naive_utc()))
        .add_group_by([quarter, Expr::col(Alias::new("status")), Expr::col(Alias::new("currency"))]);
    let rows = dynamic::fetch_all(connection, "payments.totals", &query).await?;
    rows.iter()
        .map(|row| {
            let quarter: i64 = row.try_get("quarter").during("payments.totals")?;
            let status: String = row.try_get("status").during("payments.totals")?;
            let count: i64 = row.try_get("payments").during("payments.totals")?;
            Ok(QuarterTotal {
                start: DateTime::from_timestamp(quarter * QUARTER_SECS, 0).unwrap_or_default(),
                status: status.parse().map_err(|_| {
                    StorageError::Inconsistent(format!("unknown payment status {status:?} in {}", scope.table.table()))
                })?,
                currency: row.try_get("currency").during("payments.totals")?,
                count: count.unsigned_abs(),
                amount: row.try_get("total").during("payments.totals")?,
            })
        })
        .collect()
}
