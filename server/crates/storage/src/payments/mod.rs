//! Reading payments.
//!
//! Invariants: every query carries its [`PaymentScope`] (one table and a bounded time range, which the engine prunes
//! to the partitions of its months); pages are keysets, never OFFSET; nothing is counted.

mod every;
mod explain;
mod keyset;
mod layout;
mod people;
mod received;
mod sums;

pub use every::{every, receive_every};
pub use explain::explain;
pub use keyset::{Key, Keyset, Sort};
pub use layout::Layout;
pub use people::users_of_email;
pub use received::{Listed, PaymentRef, Received};
pub use sums::{Offsets, select_sums, sums};

use crate::dynamic;
use crate::error::StorageError;
use chrono::{DateTime, Utc};
use payhist_dialect::TableName;
use payhist_types::money::Currency;
use payhist_types::payment::PaymentStatus;
use payhist_types::{PaymentId, UserId};
use rust_decimal::Decimal;
use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};
use sqlx::mysql::MySqlConnection;

/// Where a query may look: one shard's table, and rows created in `[from, until)`. It has no default on purpose.
#[derive(Debug, Clone)]
pub struct PaymentScope {
    /// The shard's table.
    pub table: TableName,
    /// What its columns and keys are called.
    pub layout: Layout,
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
    /// That the provider calls this.
    pub reference: Option<String>,
    /// By this provider.
    pub provider: Option<String>,
    /// By this method.
    pub method: Option<String>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Of this amount at least.
    pub min: Option<Decimal>,
    /// Of this amount at most.
    pub max: Option<Decimal>,
}

impl Filter {
    /// Are there few such payments, wherever they are? A key leads to them.
    pub const fn is_narrow(&self) -> bool {
        self.user.is_some() || self.is_of_one_payment()
    }

    /// Are there but a few such payments, mostly one?
    pub const fn is_of_one_payment(&self) -> bool {
        self.order.is_some() || self.payment.is_some() || self.reference.is_some()
    }
}

/// The SELECT behind [`list`]; tests EXPLAIN it, and the benchmark runs it bare.
pub fn select(scope: &PaymentScope, filter: &Filter, keyset: Keyset, limit: u64) -> SelectStatement {
    let mut query = narrowed(scope, filter);
    let names = scope.layout.names();
    let column = |name: &str| Expr::col(Alias::new(name));
    let created_at = || column(names.created_at);
    if let Some(key) = scope.layout.key_for(filter).filter(|_| keyset.sort() == Sort::Newest || filter.is_narrow()) {
        // Named, since MariaDB may take `ref` on status alone and read the whole partition (FACTS §5).
        query.force_index(Alias::new(key), IndexHintScope::All);
    }
    let order = if keyset.ascends() { Order::Asc } else { Order::Desc };
    let by: Vec<_> = match keyset.sort() {
        Sort::Newest => vec![names.created_at, names.payment_id],
        Sort::Largest | Sort::Smallest => vec![names.amount, names.created_at, names.payment_id],
    };
    if let Some(key) = keyset.key() {
        let (created_at_key, id) = (Expr::value(key.created_at.naive_utc()), Expr::value(key.payment_id.get()));
        let place = key.amount.map(Expr::value).into_iter().chain([created_at_key, id]);
        let (tuple, place) = (Expr::tuple(by.iter().map(|name| column(name))), Expr::tuple(place));
        query.and_where(if keyset.ascends() { tuple.gt(place) } else { tuple.lt(place) });
        // The plain bound beside the tuple is what prunes: a tuple alone never does (FACTS §5).
        match (keyset.sort(), keyset.ascends()) {
            (Sort::Newest, false) => _ = query.and_where(created_at().lte(key.created_at.naive_utc())),
            (Sort::Newest, true) => _ = query.and_where(created_at().gte(key.created_at.naive_utc())),
            _ => {}
        }
    }
    for name in by {
        query.order_by_expr(column(name), order.clone());
    }
    query.limit(limit);
    query
}

/// All of a scope's payments that a filter lets through, in no order.
fn narrowed(scope: &PaymentScope, filter: &Filter) -> SelectStatement {
    let mut query = Query::select();
    let names = scope.layout.names();
    let column = |name: &str| Expr::col(Alias::new(name));
    let created_at = || column(names.created_at);
    scope.layout.select(&mut query);
    query.from((Alias::new(scope.table.schema()), Alias::new(scope.table.table())));
    query.and_where(created_at().gte(scope.from.naive_utc())).and_where(created_at().lt(scope.until.naive_utc()));
    if let Some(user) = filter.user {
        query.and_where(column(names.user_id).eq(user.0));
    }
    if !filter.statuses.is_empty() {
        match scope.layout.words_of(&filter.statuses).as_slice() {
            // `=`, not `IN` of one: only equality walks the index in page order.
            [word] => query.and_where(column(names.status).eq(*word)),
            words => query.and_where(column(names.status).is_in(words.iter().copied())),
        };
    }
    if let Some(order) = &filter.order {
        query.and_where(column(names.order_id).eq(order));
        if scope.layout.compares_as_text() {
            query.and_where(column(names.order_id).cast_as("CHAR").eq(order));
        }
    }
    let currency = filter.currency.as_ref().map(Currency::as_str);
    for (own, wanted) in [
        ("provider_tx_id", filter.reference.as_deref()),
        ("provider", filter.provider.as_deref()),
        ("method", filter.method.as_deref()),
        ("currency", currency),
    ] {
        let Some(wanted) = wanted else { continue };
        query.and_where(scope.layout.place(own).eq(wanted));
        if scope.layout.compares_as_text() {
            query.and_where(scope.layout.place(own).cast_as("CHAR").eq(wanted));
        }
    }
    if let Some(min) = filter.min {
        query.and_where(column(names.amount).gte(min));
    }
    if let Some(max) = filter.max {
        query.and_where(column(names.amount).lte(max));
    }
    if let Some(payment) = filter.payment {
        query.and_where(column(names.payment_id).eq(payment.get()));
    }
    query
}

/// One shard's rows of a page, in the keyset's order.
pub async fn list(
    connection: &mut MySqlConnection,
    scope: &PaymentScope,
    filter: &Filter,
    keyset: Keyset,
    limit: u64,
) -> Result<Vec<Listed>, StorageError> {
    let rows = dynamic::fetch_all(connection, "payments.list", &select(scope, filter, keyset, limit)).await?;
    Received { rows, layout: scope.layout.clone() }.listed(keyset.sort())
}
