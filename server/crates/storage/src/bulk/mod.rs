//! Writing many payments at once, and looking up which of them are there already.
//!
//! Invariants: every look-up carries its table and a bounded time range, one month, so that it touches one partition;
//! statements come in few shapes (powers of two, lists padded), so that each is prepared once per connection
//! and table; a row is inserted plainly, never with IGNORE, which loses rows that no partition takes (FACTS §3).

mod ids;
mod merge;

pub use merge::{Candidate, Difference, Merged};

use crate::dynamic::{self, Shape};
use crate::error::{During, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use payhist_dialect::TableName;
use payhist_types::money::Money;
use payhist_types::payment::PaymentStatus;
use payhist_types::{PaymentId, UserId};
use rust_decimal::Decimal;
use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_query::{Alias, Cond, Expr, ExprTrait, Query, SelectStatement};
use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlRow};
use sqlx::{Arguments, Row};
use std::ops::Range;
use std::sync::OnceLock;

/// The largest shape: values of one IN list. `MariaDB` turns lists of 1,000 and more into subqueries
/// (`in_predicate_conversion_threshold`), which lose the range access.
const SHAPE_ROWS_MAX: usize = 512;
/// Rows of one INSERT: the server's nodes for its placeholders still fit its processor's cache. 512 rows cost `MariaDB` an
/// eighth more per row, 32 as much again in round trips.
const INSERT_ROWS_MAX: usize = 128;
/// Shapes of 1, 2, 4, … [`SHAPE_ROWS_MAX`].
const SHAPES: usize = SHAPE_ROWS_MAX.ilog2() as usize + 1;

const COLUMNS: [&str; 14] = [
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
    "created_at",
    "updated_at",
];

/// A payment to be written, at version 1. Times are UTC with microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayment {
    /// Its id.
    pub payment_id: PaymentId,
    /// Whose payment.
    pub user_id: UserId,
    /// The merchant's order.
    pub order_id: String,
    /// Payment provider.
    pub provider: String,
    /// The provider's reference.
    pub provider_tx_id: Option<String>,
    /// How it was paid.
    pub method: String,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Amount and currency.
    pub money: Money,
    /// Personal: the payer's name.
    pub payer_name: Option<String>,
    /// Personal: the payer's e-mail.
    pub payer_email: Option<String>,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// When it was created: the partition column.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What identifies a row that is there, and its money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayment {
    /// Whose payment.
    pub user_id: UserId,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// The merchant's order.
    pub order_id: String,
    /// Payment provider.
    pub provider: String,
    /// The provider's reference.
    pub provider_tx_id: Option<String>,
    /// The amount.
    pub amount: Decimal,
    /// Currency code, as it is stored.
    pub currency: String,
}

/// The bulk statements of one table.
#[derive(Debug)]
pub struct Bulk {
    table: TableName,
    inserts: [OnceLock<Shape>; SHAPES],
    by_user_time: [OnceLock<Shape>; SHAPES],
    by_id: [OnceLock<Shape>; SHAPES],
    by_id_range: OnceLock<Shape>,
    any: OnceLock<Shape>,
}

impl Bulk {
    /// For that table; nothing is sent.
    pub fn new(table: TableName) -> Self {
        let shapes = || [const { OnceLock::new() }; SHAPES];
        Self {
            table,
            inserts: shapes(),
            by_user_time: shapes(),
            by_id: shapes(),
            by_id_range: OnceLock::new(),
            any: OnceLock::new(),
        }
    }

    /// The rows of these users created at exactly these times, any order.
    pub async fn stored(
        &self,
        connection: &mut MySqlConnection,
        within: &Range<DateTime<Utc>>,
        keys: &[(UserId, DateTime<Utc>)],
    ) -> Result<Vec<StoredPayment>, StorageError> {
        let mut found = Vec::new();
        for chunk in keys.chunks(SHAPE_ROWS_MAX) {
            let size = chunk.len().next_power_of_two();
            let shape = shape_of(&self.by_user_time, size, || Shape::of_select(&self.select_stored(size)));
            let mut values = range_values(within)?;
            for (user, at) in padded(chunk, size) {
                add(&mut values, user.0)?;
                add(&mut values, *at)?;
            }
            let rows = dynamic::fetch_shape(connection, "bulk.stored", shape, values).await?;
            for row in &rows {
                found.push(read_stored(row).during("bulk.stored")?);
            }
        }
        Ok(found)
    }

    /// Those of the ids that a row of the time range has.
    pub async fn taken(
        &self,
        connection: &mut MySqlConnection,
        within: &Range<DateTime<Utc>>,
        ids: &[PaymentId],
    ) -> Result<Vec<PaymentId>, StorageError> {
        let mut taken = Vec::new();
        for chunk in ids.chunks(SHAPE_ROWS_MAX) {
            let size = chunk.len().next_power_of_two();
            let shape = shape_of(&self.by_id, size, || Shape::of_select(&self.select_taken(size)));
            let mut values = range_values(within)?;
            for id in padded(chunk, size) {
                add(&mut values, id.get())?;
            }
            let rows = dynamic::fetch_shape(connection, "bulk.taken", shape, values).await?;
            for row in &rows {
                taken.push(PaymentId::from_raw(row.try_get(0).during("bulk.taken")?));
            }
        }
        Ok(taken)
    }

    /// The ids from `first` to `last`, both included, that rows of the time range have.
    pub async fn taken_between(
        &self,
        connection: &mut MySqlConnection,
        within: &Range<DateTime<Utc>>,
        first: PaymentId,
        last: PaymentId,
    ) -> Result<Vec<PaymentId>, StorageError> {
        let shape = self.by_id_range.get_or_init(|| Shape::of_select(&self.select_between()));
        let mut values = range_values(within)?;
        add(&mut values, first.get())?;
        add(&mut values, last.get())?;
        let rows = dynamic::fetch_shape(connection, "bulk.taken_between", shape, values).await?;
        rows.iter().map(|row| Ok(PaymentId::from_raw(row.try_get(0).during("bulk.taken_between")?))).collect()
    }

    /// Has the time range no row? Without naming a key: a table that is being filled may have none but the primary.
    pub async fn is_empty(
        &self,
        connection: &mut MySqlConnection,
        within: &Range<DateTime<Utc>>,
    ) -> Result<bool, StorageError> {
        let shape = self.any.get_or_init(|| Shape::of_select(self.select(None).column("payment_id").limit(1)));
        let mut values = range_values(within)?;
        add(&mut values, 1_u64)?; // the LIMIT is a placeholder too
        Ok(dynamic::fetch_shape(connection, "bulk.is_empty", shape, values).await?.is_empty())
    }

    /// Inserts the rows, best in the order of the primary key. To be run in a transaction.
    ///
    /// # Errors
    /// [`StorageError::Server`] of class `Duplicate` for an id that is taken, `NoPartition` for a month without one.
    pub async fn insert(&self, connection: &mut MySqlConnection, rows: &[NewPayment]) -> Result<(), StorageError> {
        let mut rest = rows;
        while !rest.is_empty() {
            let size = 1 << std::cmp::min(rest.len(), INSERT_ROWS_MAX).ilog2();
            let (chunk, after) = rest.split_at(size);
            let shape = shape_of(&self.inserts, size, || Shape::of_insert(&self.insert_shape(size)));
            let mut values = MySqlArguments::default();
            for row in chunk {
                bind(&mut values, row)?;
            }
            let inserted = dynamic::execute_shape(connection, "bulk.insert", shape, values).await?;
            expect_rows(&inserted, size as u64, "bulk.insert")?;
            rest = after;
        }
        Ok(())
    }

    fn insert_shape(&self, rows: usize) -> sea_query::InsertStatement {
        let mut insert = Query::insert();
        insert
            .into_table((Alias::new(self.table.schema()), Alias::new(self.table.table())))
            .columns(COLUMNS.map(Alias::new));
        for _ in 0..rows {
            insert.values_panic(COLUMNS.map(|_| Expr::value(0)));
        }
        insert
    }

    /// A SELECT on one month; its first two placeholders are the month's edges.
    fn select(&self, index: Option<&str>) -> SelectStatement {
        let mut select = Query::select();
        select
            .from((Alias::new(self.table.schema()), Alias::new(self.table.table())))
            .and_where(Expr::col("created_at").gte(0))
            .and_where(Expr::col("created_at").lt(0));
        if let Some(index) = index {
            select.force_index(Alias::new(index), IndexHintScope::All);
        }
        select
    }

    /// OR, not `(user_id, created_at) IN (…)`: MySQL 9.7.4 finds nothing by that when a prepared statement is executed for
    /// the first time. Both are ranges of the primary key.
    fn select_stored(&self, keys: usize) -> SelectStatement {
        let mut select = self.select(Some("PRIMARY"));
        let key = || Cond::all().add(Expr::col("user_id").eq(0)).add(Expr::col("created_at").eq(0));
        select
            .columns(["user_id", "created_at", "order_id", "provider", "provider_tx_id", "amount", "currency"])
            .cond_where(std::iter::repeat_with(key).take(keys).fold(Cond::any(), Cond::add));
        select
    }

    fn select_taken(&self, ids: usize) -> SelectStatement {
        let mut select = self.select(Some("by_payment"));
        select.column("payment_id").and_where(Expr::col("payment_id").is_in(std::iter::repeat_n(0, ids)));
        select
    }

    fn select_between(&self) -> SelectStatement {
        let mut select = self.select(Some("by_payment"));
        select.column("payment_id").and_where(Expr::col("payment_id").gte(0)).and_where(Expr::col("payment_id").lte(0));
        select
    }
}

/// The shape for `size` rows or values, a power of two, built on first use.
fn shape_of(shapes: &[OnceLock<Shape>; SHAPES], size: usize, build: impl FnOnce() -> Shape) -> &Shape {
    shapes[size.ilog2() as usize].get_or_init(build)
}

/// The list with its last value repeated up to `size`: in an IN list a repetition changes nothing.
fn padded<T>(list: &[T], size: usize) -> impl Iterator<Item = &T> {
    list.iter().chain(std::iter::repeat_n(&list[list.len() - 1], size - list.len()))
}

fn range_values(within: &Range<DateTime<Utc>>) -> Result<MySqlArguments, StorageError> {
    let mut values = MySqlArguments::default();
    add(&mut values, within.start)?;
    add(&mut values, within.end)?;
    Ok(values)
}

fn add<'q, T>(values: &mut MySqlArguments, value: T) -> Result<(), StorageError>
where
    T: sqlx::Encode<'q, sqlx::MySql> + sqlx::Type<sqlx::MySql> + 'q,
{
    values.add(value).map_err(|error| StorageError::Inconsistent(format!("a value cannot be sent: {error}")))
}

fn bind(values: &mut MySqlArguments, row: &NewPayment) -> Result<(), StorageError> {
    let currency = row.money.currency();
    add(values, row.payment_id.get())?;
    add(values, row.user_id.0)?;
    add(values, row.order_id.as_str())?;
    add(values, row.provider.as_str())?;
    add(values, row.provider_tx_id.as_deref())?;
    add(values, row.method.as_str())?;
    add(values, <&'static str>::from(row.status))?;
    add(values, row.money.amount())?;
    add(values, currency.as_str())?;
    add(values, row.payer_name.as_deref())?;
    add(values, row.payer_email.as_deref())?;
    add(values, row.failure_code.as_deref())?;
    add(values, row.created_at)?;
    add(values, row.updated_at)
}

fn read_stored(row: &MySqlRow) -> Result<StoredPayment, sqlx::Error> {
    Ok(StoredPayment {
        user_id: UserId(row.try_get("user_id")?),
        created_at: row.try_get("created_at")?,
        order_id: row.try_get("order_id")?,
        provider: row.try_get("provider")?,
        provider_tx_id: row.try_get("provider_tx_id")?,
        amount: row.try_get("amount")?,
        currency: row.try_get("currency")?,
    })
}
