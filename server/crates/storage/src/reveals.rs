//! Who saw a payment's personal data in clear.

use crate::error::{During, StorageError};
use chrono::{DateTime, Utc};
use payhist_types::PaymentId;
use sqlx::mysql::MySqlConnection;

/// Reveals of one payment that are listed.
const LISTED_MAX: u32 = 50;

/// Somebody's leave to see one payment in clear for a while.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Reveal {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// From then on.
    pub at: DateTime<Utc>,
    /// Until then.
    pub until: DateTime<Utc>,
}

/// Records a reveal. Must run in the transaction of its audit entry.
pub async fn add(
    connection: &mut MySqlConnection,
    history_id: u64,
    payment: PaymentId,
    reveal: &Reveal,
) -> Result<(), StorageError> {
    let Reveal { actor, reason, at, until } = reveal;
    sqlx::query("INSERT INTO reveal (history_id, payment_id, actor, reason, at, until) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(history_id)
        .bind(payment.get())
        .bind(actor)
        .bind(reason)
        .bind(at)
        .bind(until)
        .execute(connection)
        .await
        .during("reveal")?;
    Ok(())
}

/// A payment's reveals, newest first, at most [`LISTED_MAX`].
pub async fn of_payment(
    connection: &mut MySqlConnection,
    history_id: u64,
    payment: PaymentId,
) -> Result<Vec<Reveal>, StorageError> {
    sqlx::query_as(
        "SELECT actor, reason, at, until FROM reveal WHERE history_id = ? AND payment_id = ? ORDER BY at DESC, id DESC LIMIT ?",
    )
    .bind(history_id)
    .bind(payment.get())
    .bind(LISTED_MAX)
    .fetch_all(connection)
    .await
    .during("reveals")
}
