//! The policies that a history has had, each a version with who gave it and when.
//!
//! Invariant: the newest version is the policy in the history's spec: [`crate::histories`] writes both in one
//! transaction, and of two that change the same version the second finds it taken.

use crate::error::{During, StorageError, unless_taken};
use chrono::{DateTime, Utc};
use payhist_types::history::Policy;
use sqlx::mysql::MySqlConnection;

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub version: u64,
    /// The policy.
    pub policy: Policy,
    /// Who gave it.
    pub changed_by: String,
    /// When.
    pub changed_at: DateTime<Utc>,
}

/// Records a version; answers whether the number was free.
pub(crate) async fn record(
    connection: &mut MySqlConnection,
    history_id: u64,
    version: u64,
    policy: &Policy,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let json = serde_json::to_string(policy).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    let insert = sqlx::query(
        "INSERT INTO policy_version (history_id, version, policy, changed_by, changed_at) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(history_id)
    .bind(version)
    .bind(json)
    .bind(by)
    .bind(now)
    .execute(connection)
    .await;
    Ok(unless_taken(insert, "policy version")?.is_some())
}

/// The newest versions, newest first.
pub async fn newest(
    connection: &mut MySqlConnection,
    history_id: u64,
    limit: u32,
) -> Result<Vec<Version>, StorageError> {
    let rows: Vec<(u64, String, String, DateTime<Utc>)> = sqlx::query_as(
        "SELECT version, policy, changed_by, changed_at FROM policy_version WHERE history_id = ? \
         ORDER BY version DESC LIMIT ?",
    )
    .bind(history_id)
    .bind(limit)
    .fetch_all(connection)
    .await
    .during("policy versions")?;
    rows.into_iter()
        .map(|(version, policy, changed_by, changed_at)| {
            let unreadable = |error| {
                StorageError::Inconsistent(format!("policy version {version} of history {history_id}: {error}"))
            };
            let policy = serde_json::from_str(&policy).map_err(unreadable)?;
            Ok(Version { version, policy, changed_by, changed_at })
        })
        .collect()
}
