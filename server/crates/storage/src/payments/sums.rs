//! Adding up: the payments of a scope by day, status, provider, method and currency, in one statement and so at one moment.

use super::PaymentScope;
use crate::dynamic;
use crate::error::{During, StorageError};
use crate::summaries::{MonthKey, Sum, Tally};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sea_query::{Alias, CaseStatement, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use sqlx::FromRow;
use sqlx::mysql::{MySqlConnection, MySqlRow};

/// Most groups of one scope. A column that has another value in each row is no provider and no method.
const GROUPS_MAX: usize = 100_000;
/// What `TO_DAYS` counts more than chrono's days of the common era.
const TO_DAYS_OF_DAY_ZERO: i32 = 365;
const DAY: &str = "payhist_day";

/// How many seconds a zone's clock is ahead of UTC, from each moment on; the first from the scope's start.
pub type Offsets = Vec<(DateTime<Utc>, i32)>;

/// The SELECT behind [`sums`].
pub fn select_sums(scope: &PaymentScope, offsets: &Offsets) -> SelectStatement {
    let names = scope.layout.names();
    let column = |name: &str| Expr::col(Alias::new(name));
    let created_at = || column(names.created_at);
    let mut query = Query::select();
    // Grouped by its name: by the expression again, MySQL would find other parameters and refuse (1055).
    query.expr_as(
        Expr::cust_with_exprs("TO_DAYS(DATE_ADD(?, INTERVAL ? SECOND))", [created_at(), ahead(&created_at(), offsets)]),
        Alias::new(DAY),
    );
    query.add_group_by([column(DAY)]);
    let status = || column(names.status);
    query.expr(status().cast_as("CHAR"));
    query.add_group_by([status()]);
    for own in ["provider", "method", "currency"] {
        query.expr(scope.layout.place(own).cast_as("CHAR"));
        query.add_group_by(scope.layout.column(own));
    }
    query
        .expr(Expr::cust("COUNT(*)"))
        .expr(Expr::cust_with_expr("SUM(?)", column(names.amount)))
        .from((Alias::new(scope.table.schema()), Alias::new(scope.table.table())))
        .and_where(created_at().gte(scope.from.naive_utc()))
        .and_where(created_at().lt(scope.until.naive_utc()))
        .limit(GROUPS_MAX as u64 + 1);
    query
}

/// Seconds that the zone's clock is ahead at a row's time.
fn ahead(created_at: &SimpleExpr, offsets: &Offsets) -> SimpleExpr {
    let last = offsets.last().map_or(0, |(_, seconds)| *seconds);
    let changes = offsets.iter().zip(offsets.iter().skip(1));
    let mut case: Option<CaseStatement> = None;
    for ((_, seconds), (until, _)) in changes {
        let before = created_at.clone().lt(until.naive_utc());
        case = Some(case.unwrap_or_default().case(before, *seconds));
    }
    case.map_or_else(|| Expr::value(last), |case| case.finally(last).into())
}

/// Adds the payments of a scope up. `offsets` say what day it is; a moment outside of the scope's days counts to the nearest.
///
/// # Errors
/// [`StorageError::Inconsistent`]: a status without a meaning, more than a hundred thousand groups, or too large a sum.
pub async fn sums(
    connection: &mut MySqlConnection,
    scope: &PaymentScope,
    offsets: &Offsets,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Tally, StorageError> {
    let rows = dynamic::fetch_all(connection, "payments.sums", &select_sums(scope, offsets)).await?;
    let table = scope.table.table();
    if rows.len() > GROUPS_MAX {
        let why = format!("{table} has more than {GROUPS_MAX} groups of provider, method and currency in one month");
        return Err(StorageError::Inconsistent(why));
    }
    let mut tally = Tally::default();
    for row in &rows {
        let (day, key, sum) = read(row, scope)?;
        tally.add(day.clamp(first, last), key, sum)?;
    }
    Ok(tally)
}

type SumColumns = (i64, String, Option<String>, Option<String>, String, i64, Decimal);

fn read(row: &MySqlRow, scope: &PaymentScope) -> Result<(NaiveDate, MonthKey, Sum), StorageError> {
    let (day, word, provider, method, currency, count, amount): SumColumns =
        FromRow::from_row(row).during("payments.sums")?;
    let unknown = |what: String| StorageError::Inconsistent(format!("{what} in {}", scope.table.table()));
    let day = i32::try_from(day).ok().map(|day| day - TO_DAYS_OF_DAY_ZERO);
    let day =
        day.and_then(NaiveDate::from_num_days_from_ce_opt).ok_or_else(|| unknown("a day outside of time".into()))?;
    let status =
        scope.layout.status_of(&word).ok_or_else(|| unknown(format!("the unknown payment status {word:?}")))?;
    Ok((day, MonthKey { status, provider, method, currency }, Sum { count: count.unsigned_abs(), amount }))
}
