//! Transactions as whole units: retried as a whole when the engine rolled them back, never in parts.
//!
//! A MySQL deadlock rolls the whole transaction back, savepoints included, so the closure starts from the beginning
//! and may run more than once: it must not do anything but SQL.

use crate::error::{During, StorageError};
use crate::pool::Pool;
use futures::future::BoxFuture;
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use std::time::Duration;

/// How often a transaction is tried at most.
pub const TRANSACTION_ATTEMPTS_MAX: u32 = 5;
/// Upper edge of the first pause between attempts; doubled each time, with full jitter.
const BACKOFF_FIRST: Duration = Duration::from_millis(20);

/// Runs `work` in a transaction called `name`, commits, and answers its result.
///
/// # Errors
/// What `work` answered, rolled back; [`StorageError::Retryable`] when the last attempt was a victim as well.
pub async fn run<T, F>(pool: &Pool, name: &'static str, mut work: F) -> Result<T, StorageError>
where
    F: for<'c> FnMut(&'c mut MySqlConnection) -> BoxFuture<'c, Result<T, StorageError>>,
{
    let mut attempt = 1;
    loop {
        let outcome = once(pool, name, &mut work).await;
        match outcome {
            Err(StorageError::Retryable { class, .. }) if attempt < TRANSACTION_ATTEMPTS_MAX => {
                tracing::warn!(transaction = name, ?class, attempt, "rolled back by the engine, trying again");
                tokio::time::sleep(BACKOFF_FIRST.mul_f64(rand::random::<f64>() * f64::from(1 << attempt))).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

async fn once<T, F>(pool: &Pool, name: &'static str, work: &mut F) -> Result<T, StorageError>
where
    F: for<'c> FnMut(&'c mut MySqlConnection) -> BoxFuture<'c, Result<T, StorageError>>,
{
    let mut connection = pool.acquire(name).await?;
    let mut transaction = connection.begin().await.during(name)?;
    let value = work(&mut transaction).await?; // on an error the transaction is dropped, and so rolled back
    transaction.commit().await.during(name)?;
    Ok(value)
}
