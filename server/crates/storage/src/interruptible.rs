//! A connection whose statement the server ends when nobody waits for it any more.
//!
//! Dropping a future leaves its statement running (FACTS §2): a server that sends finds out when it writes to a closed
//! socket, one that looks for rows does not.

use crate::blockers::NO_SUCH_THREAD;
use crate::ddl;
use crate::error::{During, StorageError};
use crate::pool::{Pool, PooledConnection};
use crate::source::Source;
use payhist_dialect::ddl as dialect;
use sqlx::mysql::MySqlConnection;
use std::ops::{Deref, DerefMut};

/// A connection of a source's pool for work. Dropped before [`Interruptible::rest`], its session is killed.
#[derive(Debug)]
pub struct Interruptible {
    connection: PooledConnection,
    id: u64,
    /// Which pool the killing connection is of: the one for work may be full of what is to be killed.
    pool: Pool,
    purpose: &'static str,
    at_rest: bool,
}

impl Interruptible {
    /// Takes a connection for `purpose`, as of [`Pool::acquire`].
    pub async fn acquire(source: &Source, purpose: &'static str) -> Result<Self, StorageError> {
        let mut connection = source.work.acquire(purpose).await?;
        let id = sqlx::query_scalar("SELECT CAST(CONNECTION_ID() AS UNSIGNED)")
            .fetch_one(&mut *connection)
            .await
            .during(purpose)?;
        Ok(Self { connection, id, pool: source.pool.clone(), purpose, at_rest: false })
    }

    /// Every statement is answered: gives it back.
    pub fn rest(mut self) {
        self.at_rest = true;
    }
}

impl Deref for Interruptible {
    type Target = MySqlConnection;
    fn deref(&self) -> &MySqlConnection {
        &self.connection
    }
}

impl DerefMut for Interruptible {
    fn deref_mut(&mut self) -> &mut MySqlConnection {
        &mut self.connection
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        if self.at_rest {
            return;
        }
        self.connection.close_on_drop();
        let (pool, session, purpose) = (self.pool.clone(), self.id, self.purpose);
        tokio::spawn(async move {
            match kill(&pool, session, purpose).await {
                // It may have ended by itself.
                Ok(()) | Err(StorageError::Server { code: NO_SUCH_THREAD, .. }) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(session, purpose, error, "a session that nobody waits for was not killed");
                }
            }
        });
    }
}

async fn kill(pool: &Pool, session: u64, purpose: &'static str) -> Result<(), StorageError> {
    let mut connection = pool.acquire(purpose).await?;
    ddl::execute(&mut connection, &dialect::kill(session)).await?;
    connection.keep();
    Ok(())
}
