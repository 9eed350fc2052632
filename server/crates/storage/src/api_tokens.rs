//! API tokens as rows, found by the hash of their secret.

use crate::error::{During, StorageError, expect_rows};
use crate::operators;
use chrono::{DateTime, Utc};
use payhist_types::operator::{Operator, Permission};
use payhist_types::token::ApiToken;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{FromRow, Row};
use std::collections::BTreeSet;

/// Tokens in a list.
const LISTED_MAX: u32 = 200;

/// A token to be kept.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    /// Whom it acts for.
    pub operator_id: u64,
    /// What it is called.
    pub name: String,
    /// SHA-256 of its secret in hexadecimal.
    pub secret_hash: String,
    /// What it may do at most.
    pub scopes: BTreeSet<Permission>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

struct Stored(ApiToken);

impl FromRow<'_, MySqlRow> for Stored {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let at = |column: &str| row.try_get::<DateTime<Utc>, _>(column).map(|at| at.fixed_offset());
        let maybe =
            |column: &str| row.try_get::<Option<DateTime<Utc>>, _>(column).map(|at| at.map(|at| at.fixed_offset()));
        let scopes: String = row.try_get("scopes")?;
        Ok(Self(ApiToken {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            owner: row.try_get("login")?,
            // A permission that this version does not know grants nothing.
            scopes: scopes.split(',').filter_map(|word| word.parse().ok()).collect(),
            created_at: at("created_at")?,
            expires_at: at("expires_at")?,
            last_used_at: maybe("last_used_at")?,
            revoked_at: maybe("revoked_at")?,
            active: row.try_get("active")?,
        }))
    }
}

/// Keeps a new token; answers its number.
pub async fn create(
    connection: &mut MySqlConnection,
    token: &NewApiToken,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let created = sqlx::query(
        "INSERT INTO api_token (operator_id, name, secret_hash, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(token.operator_id)
    .bind(&token.name)
    .bind(&token.secret_hash)
    .bind(token.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    .bind(now)
    .bind(token.expires_at)
    .execute(connection)
    .await
    .during("api token")?;
    Ok(created.last_insert_id())
}

/// How many tokens of an operator work; the operator stays locked, so that two who count at once wait for each other.
pub async fn lock_and_count_active(
    connection: &mut MySqlConnection,
    operator_id: u64,
    now: DateTime<Utc>,
) -> Result<i64, StorageError> {
    sqlx::query("SELECT id FROM operator WHERE id = ? FOR UPDATE")
        .bind(operator_id)
        .execute(&mut *connection)
        .await
        .during("api tokens")?;
    sqlx::query_scalar("SELECT COUNT(*) FROM api_token WHERE operator_id = ? AND revoked_at IS NULL AND expires_at > ?")
        .bind(operator_id)
        .bind(now)
        .fetch_one(connection)
        .await
        .during("api tokens")
}

/// The latest tokens, newest first: of that operator, or of all.
pub async fn list(
    connection: &mut MySqlConnection,
    operator_id: Option<u64>,
    now: DateTime<Utc>,
) -> Result<Vec<ApiToken>, StorageError> {
    let rows: Vec<Stored> = sqlx::query_as(
        "SELECT t.id, t.name, o.login, t.scopes, t.created_at, t.expires_at, t.last_used_at, t.revoked_at, \
         t.revoked_at IS NULL AND t.expires_at > ? AND o.disabled_at IS NULL AS active \
         FROM api_token t JOIN operator o ON o.id = t.operator_id WHERE ? IS NULL OR t.operator_id = ? \
         ORDER BY t.id DESC LIMIT ?",
    )
    .bind(now)
    .bind(operator_id)
    .bind(operator_id)
    .bind(LISTED_MAX)
    .fetch_all(connection)
    .await
    .during("api tokens")?;
    Ok(rows.into_iter().map(|Stored(token)| token).collect())
}

/// A token that works, as a request needs it.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The token.
    pub token_id: u64,
    /// Whom it acts for, with the present role.
    pub operator: Operator,
    /// What it may do at most.
    pub scopes: BTreeSet<Permission>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Who holds the secret with that hash; nobody when the token has ended or its owner is disabled.
pub async fn holder(
    connection: &mut MySqlConnection,
    secret_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Holder>, StorageError> {
    type Found = (u64, u64, String, String, String, Option<DateTime<Utc>>);
    let row: Option<Found> = sqlx::query_as(
        "SELECT t.id, o.id, o.login, o.role, t.scopes, t.last_used_at FROM api_token t JOIN operator o ON o.id = t.operator_id \
         WHERE t.secret_hash = ? AND t.revoked_at IS NULL AND t.expires_at > ? AND o.disabled_at IS NULL",
    )
    .bind(secret_hash)
    .bind(now)
    .fetch_optional(connection)
    .await
    .during("api token")?;
    row.map(|(token_id, id, login, role, scopes, last_used_at)| {
        let operator = Operator { id, role: operators::role(&login, &role)?, login };
        let scopes = scopes.split(',').filter_map(|word| word.parse().ok()).collect();
        Ok(Holder { token_id, operator, scopes, last_used_at })
    })
    .transpose()
}

/// Notes that a token was used, unless that was noted after `before`.
pub async fn used(
    connection: &mut MySqlConnection,
    token_id: u64,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE api_token SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at <= ?)")
        .bind(now)
        .bind(token_id)
        .bind(before)
        .execute(connection)
        .await
        .during("api token")?;
    Ok(())
}

/// Owner's row id, login name and the token's name, under a lock; nothing when no such token is there or it was revoked.
pub async fn lock(
    connection: &mut MySqlConnection,
    token_id: u64,
) -> Result<Option<(u64, String, String)>, StorageError> {
    sqlx::query_as(
        "SELECT o.id, o.login, t.name FROM api_token t JOIN operator o ON o.id = t.operator_id \
         WHERE t.id = ? AND t.revoked_at IS NULL FOR UPDATE",
    )
    .bind(token_id)
    .fetch_optional(connection)
    .await
    .during("api token")
}

/// Ends a token that was locked.
pub async fn revoke(connection: &mut MySqlConnection, token_id: u64, now: DateTime<Utc>) -> Result<(), StorageError> {
    let revoked = sqlx::query("UPDATE api_token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
        .bind(now)
        .bind(token_id)
        .execute(connection)
        .await
        .during("api token")?;
    expect_rows(&revoked, 1, "api token")
}
