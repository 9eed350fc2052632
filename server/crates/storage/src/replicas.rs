//! The replicas of a source, and how far they are behind it.
//!
//! Invariant: whatever keeps the lag from being read is an answer of its own, never "no lag".

use crate::error::{During, StorageError};
use crate::pool::Pool;
use crate::{ddl, source};
use payhist_dialect::error_class::ErrorClass;
use payhist_dialect::{Capabilities, replication};
use payhist_types::replicas::ReplicaState;
use sqlx::Row;
use sqlx::mysql::{MySqlConnectOptions, MySqlRow};

/// One connection asks; who else looks at the same time waits for it.
const CONNECTIONS_MAX: u32 = 1;

/// Where a replica is.
#[derive(Debug, Clone)]
pub struct ReplicaConfig {
    /// Its name in pages and logs.
    pub name: String,
    /// Where and as whom to connect.
    pub options: MySqlConnectOptions,
}

/// A replica of a source.
#[derive(Debug)]
pub struct Replica {
    /// Its name.
    pub name: String,
    pool: Pool,
}

impl Replica {
    pub(crate) fn open(config: ReplicaConfig) -> Self {
        let pool = Pool::for_reading(&config.name, config.options, CONNECTIONS_MAX, source::READ_DEADLINE);
        Self { name: config.name, pool }
    }

    /// Closes its connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// How it is now.
    pub async fn state(&self) -> ReplicaState {
        self.read().await.unwrap_or_else(|error| ReplicaState::Unreachable { reason: error.to_string() })
    }

    async fn read(&self) -> Result<ReplicaState, StorageError> {
        let mut connection = self.pool.acquire("replica.lag").await?;
        let version: String =
            sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await.during("replica")?;
        let capabilities =
            Capabilities::detect(&version).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
        let question = capabilities.replication();
        let channels = match ddl::fetch_all(&mut connection, &question.statement).await {
            Err(error) if error.class() == Some(ErrorClass::PrivilegeMissing) => {
                return Ok(ReplicaState::Forbidden { privilege: question.privilege.to_owned() });
            }
            channels => channels?,
        };
        let mut most = None;
        for channel in &channels {
            match of_channel(channel, &question)? {
                ReplicaState::Behind { secs } => most = most.max(Some(secs)),
                unknown => return Ok(unknown),
            }
        }
        Ok(most.map_or(ReplicaState::NoReplica, |secs| ReplicaState::Behind { secs }))
    }
}

/// The error's number alone is told: its words may have values of rows.
fn of_channel(channel: &MySqlRow, question: &replication::Question) -> Result<ReplicaState, StorageError> {
    for thread in &question.threads {
        let runs: String = channel.try_get(thread.runs).during("replica")?;
        let error: u64 = channel.try_get_unchecked(thread.error).during("replica")?;
        if runs != "Yes" {
            let error = if error == 0 { String::new() } else { format!(", error {error}") };
            return Ok(ReplicaState::Stopped { why: format!("{} is {runs}{error}", thread.runs) });
        }
    }
    let lag: Option<u64> = channel.try_get_unchecked(question.lag).during("replica")?;
    Ok(match lag {
        Some(secs) => ReplicaState::Behind { secs },
        None => ReplicaState::Stopped { why: format!("{} is NULL", question.lag) },
    })
}
