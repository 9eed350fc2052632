//! Questions that nobody may be waiting for any more: a closed browser, or a deadline that is over.
//!
//! Dropping sqlx's future leaves its statement running on the server (FACTS §2), where it goes on to read what nobody wants
//! to know. A dropped question therefore takes its connection along: the statement is ended on the server, its answer
//! waited for, and the connection closed. Invariant: a connection is never lent while a KILL for it is under way.

use super::{Pool, PooledConnection, is_answered};
use crate::ddl;
use crate::error::{During, StorageError};
use payhist_dialect::ddl as dialect;
use sqlx::mysql::MySqlConnection;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::Instant;

/// How long ending a statement may take before its connection is closed all the same.
const END_TIMEOUT: Duration = Duration::from_secs(5);

impl Pool {
    /// Runs short reads on a connection, for at most that long, the wait for a connection included. They must leave it at
    /// rest: no transaction, no lock.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] after the deadline; those of [`Pool::acquire`] and of the question.
    pub async fn ask<T>(
        &self,
        purpose: &'static str,
        deadline: Duration,
        question: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let until = Instant::now() + deadline;
        let late = |what: &str| StorageError::Unavailable { operation: purpose, reason: format!("no {what} in time") };
        let acquired = tokio::time::timeout_at(until, self.acquire(purpose)).await;
        let mut connection = acquired.map_err(|_| {
            self.meter.timeouts.fetch_add(1, Relaxed);
            late("connection")
        })??;
        let Ok(id) = tokio::time::timeout_at(until, connection.id()).await else {
            connection.close_on_drop();
            return Err(late("answer"));
        };
        let id = id.during(purpose)?;
        let mut asking = Asking { connection: Some(connection), id, pool: self.clone() };
        let Some(connection) = &mut asking.connection else { unreachable!("it is given away when this is over") };
        let answer = tokio::time::timeout_at(until, question(connection)).await.map_err(|_| late("answer"))?;
        if let Some(connection) = asking.connection.take() {
            match &answer {
                Ok(_) => connection.keep(),
                Err(_) => drop(connection),
            }
        }
        answer
    }

    /// Ends a connection's statement, and the connection.
    async fn end(self, mut connection: PooledConnection, id: u64) {
        let ended = async {
            sqlx::raw_sql(ddl::text(&dialect::kill_query(id))).execute(&self.killer).await?;
            Ok::<_, sqlx::Error>(is_answered(&mut connection).await)
        };
        if matches!(tokio::time::timeout(END_TIMEOUT, ended).await, Ok(Ok(_))) {
            self.meter.ended.fetch_add(1, Relaxed);
        } else {
            tracing::warn!(pool = self.meter.name, id, "a statement that nobody waits for could not be ended");
        }
        connection.close_on_drop();
    }
}

/// A question under way.
struct Asking {
    connection: Option<PooledConnection>,
    id: u64,
    pool: Pool,
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let (Some(connection), Ok(runtime)) = (self.connection.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(self.pool.clone().end(connection, self.id));
        }
    }
}
