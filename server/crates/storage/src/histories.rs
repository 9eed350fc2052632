//! The histories that this deployment manages, and their stop switches.

use crate::error::{During, StorageError, expect_rows, unless_taken};
use crate::policies;
use chrono::{DateTime, Utc};
use payhist_types::history::{HistoryName, HistorySpec, Switch, Switches};
use sqlx::mysql::MySqlConnection;

/// A history as registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Row id in the control database.
    pub id: u64,
    /// What it is made of.
    pub spec: HistorySpec,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// The version of its policy, from 1.
    pub policy_version: u64,
}

type Row = (u64, String, DateTime<Utc>, u64);

fn read((id, spec, created_at, policy_version): Row) -> Result<History, StorageError> {
    let spec = serde_json::from_str(&spec)
        .map_err(|error| StorageError::Inconsistent(format!("history {id} cannot be read: {error}")))?;
    Ok(History { id, spec, created_at, policy_version })
}

/// All histories, the oldest first: the first is the default of pages and commands.
pub async fn all(connection: &mut MySqlConnection) -> Result<Vec<History>, StorageError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, spec, created_at, (SELECT CAST(COALESCE(MAX(version), 0) AS UNSIGNED) FROM policy_version WHERE history_id = history.id) \
         FROM history ORDER BY id",
    )
    .fetch_all(connection)
    .await
    .during("histories")?;
    rows.into_iter().map(read).collect()
}

/// One history by name.
pub async fn find(connection: &mut MySqlConnection, name: &HistoryName) -> Result<Option<History>, StorageError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, spec, created_at, (SELECT CAST(COALESCE(MAX(version), 0) AS UNSIGNED) FROM policy_version WHERE history_id = history.id) \
         FROM history WHERE name = ?",
    )
    .bind(name.as_str())
    .fetch_optional(connection)
    .await
    .during("histories")?;
    row.map(read).transpose()
}

/// The name of a history.
pub async fn name_of(connection: &mut MySqlConnection, id: u64) -> Result<String, StorageError> {
    sqlx::query_scalar("SELECT name FROM history WHERE id = ?").bind(id).fetch_one(connection).await.during("histories")
}

/// Registers a history with its switches, unless the name is taken; answers whether it was new.
pub async fn register(
    connection: &mut MySqlConnection,
    spec: &HistorySpec,
    switches: Switches,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let json = serde_json::to_string(spec).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    let insert = sqlx::query("INSERT INTO history (name, spec, created_at) VALUES (?, ?, ?)")
        .bind(spec.name.as_str())
        .bind(json)
        .bind(now)
        .execute(&mut *connection)
        .await;
    let Some(inserted) = unless_taken(insert, "register history")? else { return Ok(false) };
    let id = inserted.last_insert_id();
    policies::record(connection, id, 1, &spec.policy, by, now).await?;
    for switch in [Switch::Create, Switch::Drop, Switch::Erase] {
        turn(connection, id, switch, switches.is_on(switch), by, now).await?;
    }
    Ok(true)
}

/// Gives a registered history another spec, and its policy, if that is another, the next version. Answers whether nobody
/// else has changed the policy `before`.
pub async fn change(
    connection: &mut MySqlConnection,
    before: &History,
    spec: &HistorySpec,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let (id, next) = (before.id, before.policy_version + 1);
    if spec.policy != before.spec.policy && !policies::record(connection, id, next, &spec.policy, by, now).await? {
        return Ok(false);
    }
    let json = serde_json::to_string(spec).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    let changed = sqlx::query("UPDATE history SET spec = ? WHERE id = ?")
        .bind(json)
        .bind(id)
        .execute(connection)
        .await
        .during("change history")?;
    expect_rows(&changed, 1, "change history")?;
    Ok(true)
}

/// The stop switches of a history. A switch without a row is off: unknown means refuse.
pub async fn switches(connection: &mut MySqlConnection, history_id: u64) -> Result<Switches, StorageError> {
    let rows: Vec<(String, bool)> = sqlx::query_as("SELECT action, enabled FROM history_switch WHERE history_id = ?")
        .bind(history_id)
        .fetch_all(connection)
        .await
        .during("switches")?;
    let off = Switches { create: false, drop: false, erase: false };
    rows.into_iter().try_fold(off, |switches, (action, on)| match action.parse::<Switch>() {
        Ok(switch) => Ok(switches.with(switch, on)),
        Err(_) => Err(StorageError::Inconsistent(format!("unknown switch {action:?} of history {history_id}"))),
    })
}

/// Turns one switch.
pub async fn turn(
    connection: &mut MySqlConnection,
    history_id: u64,
    switch: Switch,
    on: bool,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO history_switch (history_id, action, enabled, changed_by, changed_at) VALUES (?, ?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE enabled = VALUES(enabled), changed_by = VALUES(changed_by), changed_at = VALUES(changed_at)",
    )
    .bind(history_id)
    .bind(switch.to_string())
    .bind(on)
    .bind(by)
    .bind(now)
    .execute(connection)
    .await
    .during("turn switch")?;
    Ok(())
}
