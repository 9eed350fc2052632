//! Conversions: what is remembered of them, what the catalogue says, and the work on the rows.

mod around;
mod rows;

pub use around::{Transaction, next_number, old_transactions, shapes, surroundings, there, triggers};
pub use rows::{chunk_end, compare, last_key};

use crate::error::{During, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use payhist_dialect::conversion::KeyValue;
use payhist_types::ShardId;
use payhist_types::conversion::ConversionPlan;
use sqlx::mysql::MySqlConnection;

/// How far a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Shadow and triggers may be there in part.
    Pending,
    /// Shadow and triggers are complete; rows up to this key are copied.
    Copying(Option<KeyValue>),
    /// The copy is whole and the exchange was begun: only the catalogue says whether it happened.
    Exchanging,
    /// It is converted.
    Done,
}

/// A conversion that was begun and is neither finished nor given up.
#[derive(Debug, Clone)]
pub struct Unfinished {
    /// Row id.
    pub id: u64,
    /// Its frozen plan.
    pub plan: ConversionPlan,
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Inconsistent(error.to_string()))
}

fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, StorageError> {
    serde_json::from_str(json).map_err(|error| StorageError::Inconsistent(format!("conversion: {error}")))
}

/// How many conversions of a history were begun.
pub async fn count(connection: &mut MySqlConnection, history_id: u64) -> Result<u64, StorageError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM conversion WHERE history_id = ?")
        .bind(history_id)
        .fetch_one(connection)
        .await
        .during("conversion")?;
    Ok(count.unsigned_abs())
}

/// The unfinished conversion of a history, if there is one.
pub async fn unfinished(connection: &mut MySqlConnection, history_id: u64) -> Result<Option<Unfinished>, StorageError> {
    let row: Option<(u64, String)> =
        sqlx::query_as("SELECT id, plan FROM conversion WHERE history_id = ? AND finished_at IS NULL")
            .bind(history_id)
            .fetch_optional(connection)
            .await
            .during("conversion")?;
    row.map(|(id, plan)| Ok(Unfinished { id, plan: parsed(&plan)? })).transpose()
}

/// Remembers that a conversion begins; answers its number.
pub async fn begin(
    connection: &mut MySqlConnection,
    history_id: u64,
    plan: &ConversionPlan,
    by: &str,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let inserted = sqlx::query("INSERT INTO conversion (history_id, plan, started_by, started_at) VALUES (?, ?, ?, ?)")
        .bind(history_id)
        .bind(json(plan)?)
        .bind(by)
        .bind(now)
        .execute(&mut *connection)
        .await
        .during("conversion.begin")?;
    let id = inserted.last_insert_id();
    for table in plan.tables.iter().filter(|table| table.conversion.is_some()) {
        sqlx::query("INSERT INTO conversion_shard (conversion_id, shard, stage) VALUES (?, ?, 'pending')")
            .bind(id)
            .bind(table.shard.0)
            .execute(&mut *connection)
            .await
            .during("conversion.begin")?;
    }
    Ok(id)
}

/// How far a table is.
///
/// # Errors
/// [`StorageError::Inconsistent`] for a stage that cannot be read.
pub async fn stage(connection: &mut MySqlConnection, id: u64, shard: ShardId) -> Result<Stage, StorageError> {
    let (stage, copied_to): (String, Option<String>) =
        sqlx::query_as("SELECT stage, copied_to FROM conversion_shard WHERE conversion_id = ? AND shard = ?")
            .bind(id)
            .bind(shard.0)
            .fetch_one(connection)
            .await
            .during("conversion.stage")?;
    let copied_to = copied_to.as_deref().map(parsed).transpose()?;
    match stage.as_str() {
        "pending" => Ok(Stage::Pending),
        "copying" => Ok(Stage::Copying(copied_to)),
        "exchanging" => Ok(Stage::Exchanging),
        "done" => Ok(Stage::Done),
        other => Err(StorageError::Inconsistent(format!("unknown stage {other:?} of conversion {id}"))),
    }
}

/// Remembers how far a table is.
pub async fn set_stage(
    connection: &mut MySqlConnection,
    id: u64,
    shard: ShardId,
    stage: &Stage,
) -> Result<(), StorageError> {
    let (word, copied_to) = match stage {
        Stage::Pending => ("pending", None),
        Stage::Copying(key) => ("copying", key.as_ref()),
        Stage::Exchanging => ("exchanging", None),
        Stage::Done => ("done", None),
    };
    let set = sqlx::query("UPDATE conversion_shard SET stage = ?, copied_to = ? WHERE conversion_id = ? AND shard = ?")
        .bind(word)
        .bind(copied_to.map(json).transpose()?)
        .bind(id)
        .bind(shard.0)
        .execute(connection)
        .await
        .during("conversion.stage")?;
    expect_rows(&set, 1, "conversion.stage")
}

/// Remembers that it is finished, or given up.
pub async fn finish(connection: &mut MySqlConnection, id: u64, now: DateTime<Utc>) -> Result<(), StorageError> {
    let set = sqlx::query("UPDATE conversion SET finished_at = ? WHERE id = ?")
        .bind(now)
        .bind(id)
        .execute(connection)
        .await
        .during("conversion.finish")?;
    expect_rows(&set, 1, "conversion.finish")
}
