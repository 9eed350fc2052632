//! A source: one database endpoint with its own pool, and what its engine can do.

use crate::error::{During, StorageError};
use crate::pool::Pool;
use crate::replicas::{Replica, ReplicaConfig};
use payhist_dialect::Capabilities;
use sqlx::mysql::MySqlConnectOptions;
use std::str::FromStr;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long one shard may take to answer a page.
pub const READ_DEADLINE: Duration = Duration::from_secs(3);
/// Most connections for imports and DDL per source.
const WORK_CONNECTIONS_MAX: u32 = 4;

/// Where a source is and how much of it payhist may use.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Its name in histories, pages and logs.
    pub name: String,
    /// Where and as whom to connect.
    pub options: MySqlConnectOptions,
    /// Most connections this instance may hold for reading.
    pub pool_max: u32,
    /// Its replicas, whose lag holds work back.
    pub replicas: Vec<ReplicaConfig>,
}

impl SourceConfig {
    /// Reads a `mysql://user:password@host/schema?socket=…` address.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] with the reason; the address itself is left out, since it may hold a password.
    pub fn from_url(name: &str, url: &str, pool_max: u32) -> Result<Self, StorageError> {
        Ok(Self { name: name.to_owned(), options: options(name, url)?, pool_max, replicas: Vec::new() })
    }

    /// Adds a replica by its address, as of [`SourceConfig::from_url`].
    ///
    /// # Errors
    /// As there.
    pub fn add_replica(&mut self, name: &str, url: &str) -> Result<(), StorageError> {
        self.replicas.push(ReplicaConfig { name: name.to_owned(), options: options(name, url)? });
        Ok(())
    }
}

fn options(name: &str, url: &str) -> Result<MySqlConnectOptions, StorageError> {
    MySqlConnectOptions::from_str(url)
        .map_err(|error| StorageError::Inconsistent(format!("the address of {name} cannot be read: {error}")))
}

/// A connected source.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// For reading; the server ends statements that outlast [`READ_DEADLINE`].
    pub pool: Pool,
    /// For changing: imports and DDL, which may take their time and must never starve the readers.
    pub work: Pool,
    /// Its replicas.
    pub replicas: Vec<Replica>,
    capabilities: OnceCell<Capabilities>,
}

impl Source {
    /// Opens the pool; nothing is sent before the first use.
    pub fn open(config: SourceConfig) -> Self {
        Self {
            pool: Pool::for_reading(&config.name, config.options.clone(), config.pool_max, READ_DEADLINE),
            work: Pool::open(&format!("{}, changes", config.name), config.options, WORK_CONNECTIONS_MAX),
            replicas: config.replicas.into_iter().map(Replica::open).collect(),
            name: config.name,
            capabilities: OnceCell::new(),
        }
    }

    /// What the engine can do, asked once.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the engine is unknown: unknown means refuse.
    pub async fn capabilities(&self) -> Result<&Capabilities, StorageError> {
        self.capabilities
            .get_or_try_init(|| async {
                let mut connection = self.pool.acquire("source.version").await?;
                let version: String =
                    sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await.during("version")?;
                Capabilities::detect(&version).map_err(|error| StorageError::Inconsistent(error.to_string()))
            })
            .await
    }
}
