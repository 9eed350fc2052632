//! The audit log: append-only and hash-chained.
//!
//! Invariant: an entry is written in the transaction of the change that it tells of, and each writer locks the
//! chain's head first, so that the chain never forks. Entries name persons by id only.

use crate::error::{During, StorageError, expect_rows};
use chrono::{DateTime, SubsecRound, Utc};
use sha2::{Digest, Sha256};
use sqlx::mysql::MySqlConnection;

/// Something that somebody did.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// Who: `operator NAME`, `job NAME` or `command`.
    pub actor: &'a str,
    /// What, as a stable word: `switch.turn`, `rotation.apply`, …
    pub action: &'a str,
    /// To what, e.g. `payments`.
    pub target: &'a str,
    /// Details as JSON.
    pub detail: serde_json::Value,
}

/// Appends an entry. Must run inside the transaction of the change.
pub async fn append(connection: &mut MySqlConnection, entry: &Entry<'_>) -> Result<(), StorageError> {
    let (last, previous): (u64, String) =
        sqlx::query_as("SELECT sequence, hash FROM audit_head WHERE singleton = 1 FOR UPDATE")
            .fetch_one(&mut *connection)
            .await
            .during("audit")?;
    let sequence = last + 1;
    let at = entry.at.trunc_subsecs(6); // as the column keeps it, or the hash could never be verified
    let detail = entry.detail.to_string();
    let hash = link(&previous, sequence, at, [entry.actor, entry.action, entry.target, &detail]);
    sqlx::query("INSERT INTO audit (sequence, at, actor, action, target, detail, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(sequence)
        .bind(at)
        .bind(entry.actor)
        .bind(entry.action)
        .bind(entry.target)
        .bind(&detail)
        .bind(&previous)
        .bind(&hash)
        .execute(&mut *connection)
        .await
        .during("audit")?;
    let moved = sqlx::query("UPDATE audit_head SET sequence = ?, hash = ? WHERE singleton = 1 AND sequence = ?")
        .bind(sequence)
        .bind(&hash)
        .bind(last)
        .execute(connection)
        .await
        .during("audit")?;
    expect_rows(&moved, 1, "audit")
}

/// SHA-256 over the previous hash and the entry; every part is preceded by its length, so that no two entries
/// have the same bytes.
fn link(previous: &str, sequence: u64, at: DateTime<Utc>, parts: [&str; 4]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(sequence.to_be_bytes());
    hasher.update(at.timestamp_micros().to_be_bytes());
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

type StoredEntry = (u64, DateTime<Utc>, String, String, String, String, String, String);

/// Walks the chain and answers its length.
///
/// # Errors
/// [`StorageError::Inconsistent`] naming the first entry that does not follow from the one before it, or a missing
/// tail.
pub async fn verify(connection: &mut MySqlConnection) -> Result<u64, StorageError> {
    let mut previous = "0".repeat(64);
    let mut sequence = 0;
    loop {
        let page: Vec<StoredEntry> = sqlx::query_as(
            "SELECT sequence, at, actor, action, target, detail, previous, hash FROM audit WHERE sequence > ? ORDER BY sequence LIMIT 1000",
        )
        .bind(sequence)
        .fetch_all(&mut *connection)
        .await
        .during("audit verify")?;
        if page.is_empty() {
            break;
        }
        for (number, at, actor, action, target, detail, stored_previous, hash) in page {
            let expected = link(&previous, sequence + 1, at, [&actor, &action, &target, &detail]);
            if number != sequence + 1 || stored_previous != previous || hash != expected {
                return Err(StorageError::Inconsistent(format!(
                    "audit entry {number} does not follow from entry {sequence}"
                )));
            }
            (previous, sequence) = (hash, number);
        }
    }
    let head: (u64, String) = sqlx::query_as("SELECT sequence, hash FROM audit_head WHERE singleton = 1")
        .fetch_one(connection)
        .await
        .during("audit verify")?;
    if head == (sequence, previous) {
        Ok(sequence)
    } else {
        Err(StorageError::Inconsistent(format!("the audit log ends at entry {sequence}, its head says {}", head.0)))
    }
}
