//! What the engine says of a read, before it is done.

use super::{Filter, Keyset, PaymentScope, select};
use crate::dynamic;
use crate::error::{During, StorageError};
use payhist_dialect::Capabilities;
use payhist_types::payment::Explained;
use sea_query::MysqlQueryBuilder;
use sqlx::Row;
use sqlx::mysql::MySqlConnection;

/// The engine's EXPLAIN of [`select`].
pub async fn explain(
    connection: &mut MySqlConnection,
    capabilities: &Capabilities,
    scope: &PaymentScope,
    filter: &Filter,
    keyset: Keyset,
    limit: u64,
) -> Result<Explained, StorageError> {
    let sql = select(scope, filter, keyset, limit).to_string(MysqlQueryBuilder);
    let row = dynamic::explain(connection, capabilities.explain_partitions(), &sql).await?;
    let text =
        |column| row.try_get::<Option<String>, _>(column).map(Option::unwrap_or_default).during("payments.explain");
    let rows = row.try_get_unchecked::<Option<i64>, _>("rows").during("payments.explain")?;
    Ok(Explained {
        partitions: text("partitions")?,
        key: text("key")?,
        access: text("type")?,
        rows: rows.unwrap_or_default().unsigned_abs(),
        extra: text("Extra")?,
        sql,
    })
}
