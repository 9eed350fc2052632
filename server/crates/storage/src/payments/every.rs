//! Reading all payments of a scope, row by row, as fast as the engine sends them: what exports are made of.
//!
//! Invariant: a scope is one statement, so one snapshot of one table's stretch of time, in no order.

use super::{Filter, Layout, PaymentScope, Received, narrowed};
use crate::dynamic;
use crate::error::{During, StorageError};
use futures::{Stream, StreamExt, TryStreamExt};
use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_query::{Alias, SelectStatement};
use sqlx::mysql::MySqlConnection;

const OPERATION: &str = "payments.export";
/// Few enough for memory, enough that handing them to another thread costs nothing.
const ROWS_AT_ONCE: usize = 256;

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
