//! Finding a person.

use super::PaymentScope;
use crate::dynamic;
use crate::error::{During, StorageError};
use payhist_types::UserId;
use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_query::{Alias, Expr, ExprTrait, Order, Query};
use sqlx::Row;
use sqlx::mysql::MySqlConnection;

/// The users whose payments have exactly this e-mail address, at most so many, the least ids first.
pub async fn users_of_email(
    connection: &mut MySqlConnection,
    scope: &PaymentScope,
    email: &str,
    limit: u64,
) -> Result<Vec<UserId>, StorageError> {
    let names = scope.layout.names();
    let column = |name: &str| Expr::col(Alias::new(name));
    let mut query = Query::select();
    query
        .expr(column(names.user_id).cast_as("UNSIGNED"))
        .from((Alias::new(scope.table.schema()), Alias::new(scope.table.table())))
        .and_where(scope.layout.place("payer_email").eq(email))
        .and_where(column(names.created_at).gte(scope.from.naive_utc()))
        .and_where(column(names.created_at).lt(scope.until.naive_utc()))
        .add_group_by([column(names.user_id)])
        .order_by_expr(column(names.user_id), Order::Asc)
        .limit(limit);
    if let Some(key) = scope.layout.key_for_email() {
        query.force_index(Alias::new(key), IndexHintScope::All);
    }
    let rows = dynamic::fetch_all(connection, "payments.users_of_email", &query).await?;
    rows.iter().map(|row| row.try_get(0).map(UserId).during("payments.users_of_email")).collect()
}
