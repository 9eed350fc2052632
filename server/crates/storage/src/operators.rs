//! Operators and their failed logins.

use crate::error::{During, StorageError, unless_taken};
use chrono::{DateTime, Utc};
use payhist_types::operator::{Operator, Role};
use sqlx::mysql::MySqlConnection;

/// An operator with what a login needs.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who.
    pub operator: Operator,
    /// Argon2 hash in PHC form.
    pub password_hash: String,
    /// No login before this.
    pub locked_until: Option<DateTime<Utc>>,
}

pub(crate) fn role(login: &str, text: &str) -> Result<Role, StorageError> {
    text.parse().map_err(|_| StorageError::Inconsistent(format!("operator {login} has the unknown role {text:?}")))
}

/// The active operator of that login name.
pub async fn credentials(connection: &mut MySqlConnection, login: &str) -> Result<Option<Credentials>, StorageError> {
    type Row = (u64, String, String, String, Option<DateTime<Utc>>);
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, login, role, password_hash, locked_until FROM operator WHERE login = ? AND disabled_at IS NULL",
    )
    .bind(login)
    .fetch_optional(connection)
    .await
    .during("operator")?;
    row.map(|(id, login, text, password_hash, locked_until)| {
        let role = role(&login, &text)?;
        Ok(Credentials { operator: Operator { id, login, role }, password_hash, locked_until })
    })
    .transpose()
}

/// The active operator of that id: a disabled one is gone at once, sessions or not.
pub async fn active(connection: &mut MySqlConnection, id: u64) -> Result<Option<Operator>, StorageError> {
    let row: Option<(String, String)> =
        sqlx::query_as("SELECT login, role FROM operator WHERE id = ? AND disabled_at IS NULL")
            .bind(id)
            .fetch_optional(connection)
            .await
            .during("operator")?;
    row.map(|(login, text)| Ok(Operator { id, role: role(&login, &text)?, login })).transpose()
}

/// Adds an operator; false when the login name is taken.
pub async fn add(
    connection: &mut MySqlConnection,
    login: &str,
    role: Role,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let insert = sqlx::query("INSERT INTO operator (login, role, password_hash, created_at) VALUES (?, ?, ?, ?)")
        .bind(login)
        .bind(role.to_string())
        .bind(password_hash)
        .bind(now)
        .execute(connection)
        .await;
    Ok(unless_taken(insert, "add operator")?.is_some())
}

/// Replaces a password; false when there is no such operator.
pub async fn set_password(
    connection: &mut MySqlConnection,
    login: &str,
    password_hash: &str,
) -> Result<bool, StorageError> {
    let result =
        sqlx::query("UPDATE operator SET password_hash = ?, failed_logins = 0, locked_until = NULL WHERE login = ?")
            .bind(password_hash)
            .bind(login)
            .execute(connection)
            .await
            .during("set password")?;
    Ok(result.rows_affected() == 1)
}

/// Counts a failed login; answers how many there were in a row.
pub async fn count_failure(connection: &mut MySqlConnection, id: u64) -> Result<u32, StorageError> {
    sqlx::query("UPDATE operator SET failed_logins = failed_logins + 1 WHERE id = ?")
        .bind(id)
        .execute(&mut *connection)
        .await
        .during("failed login")?;
    sqlx::query_scalar("SELECT failed_logins FROM operator WHERE id = ?")
        .bind(id)
        .fetch_one(connection)
        .await
        .during("failed login")
}

/// Locks an operator out until then.
pub async fn lock(connection: &mut MySqlConnection, id: u64, until: DateTime<Utc>) -> Result<(), StorageError> {
    sqlx::query("UPDATE operator SET locked_until = ?, failed_logins = 0 WHERE id = ?")
        .bind(until)
        .bind(id)
        .execute(connection)
        .await
        .during("lock operator")?;
    Ok(())
}

/// Forgets the failures after a login that succeeded.
pub async fn clear_failures(connection: &mut MySqlConnection, id: u64) -> Result<(), StorageError> {
    sqlx::query("UPDATE operator SET failed_logins = 0, locked_until = NULL WHERE id = ? AND (failed_logins > 0 OR locked_until IS NOT NULL)")
        .bind(id)
        .execute(connection)
        .await
        .during("login")?;
    Ok(())
}

/// How many active operators there are.
pub async fn count(connection: &mut MySqlConnection) -> Result<i64, StorageError> {
    sqlx::query_scalar("SELECT COUNT(*) FROM operator WHERE disabled_at IS NULL")
        .fetch_one(connection)
        .await
        .during("operators")
}
