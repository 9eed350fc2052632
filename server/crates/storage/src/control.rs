//! The control database: payhist's own schema, created and upgraded by embedded migrations.

use crate::error::{During, StorageError};
use crate::pool::Pool;
use crate::source::SourceConfig;
use sqlx::ConnectOptions;
use sqlx::migrate::Migrator;
use sqlx::mysql::MySqlConnection;

static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/control");

/// How long to wait for another instance that migrates at the same time.
const MIGRATION_LOCK_WAIT_SECS: u32 = 60;

/// Creates the control schema when it is absent, and brings it up to date. Safe to run from several instances at
/// once, to run again, and to be killed at any point.
///
/// # Errors
/// [`StorageError::Unavailable`] when another instance still migrates after a minute.
pub async fn migrate(config: &SourceConfig) -> Result<(), StorageError> {
    let schema = config.options.get_database().unwrap_or_default();
    if schema.is_empty() {
        return Err(StorageError::Inconsistent("the control database's address names no schema".to_owned()));
    }
    let mut connection = config.options.clone().database("").connect().await.during("migrate")?;
    crate::shards::create_schema(&mut connection, schema).await?;
    drop(connection);

    let mut connection = config.options.connect().await.during("migrate")?;
    take_lock(&mut connection, schema).await?;
    forget_half_applied(&mut connection).await?;
    let mut migrator = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
    migrator.set_locking(false); // its own lock waits for ever (FACTS §2); ours has an end
    migrator
        .run_direct(None, &mut connection, false)
        .await
        .map_err(|error| StorageError::Inconsistent(format!("migrate: {error}")))
}

async fn take_lock(connection: &mut MySqlConnection, schema: &str) -> Result<(), StorageError> {
    let taken: Option<i64> = sqlx::query_scalar("SELECT GET_LOCK(CONCAT('payhist.migrate.', ?), ?)")
        .bind(schema)
        .bind(MIGRATION_LOCK_WAIT_SECS)
        .fetch_one(connection)
        .await
        .during("migrate")?;
    if taken == Some(1) {
        return Ok(());
    }
    let reason = "another instance is migrating the control database".to_owned();
    Err(StorageError::Unavailable { operation: "migrate", reason })
}

/// A migration that was killed half way is recorded as not successful and would stop all later ones. Ours are
/// written to be repeated, so it is simply run again.
async fn forget_half_applied(connection: &mut MySqlConnection) -> Result<(), StorageError> {
    let known: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '_sqlx_migrations'",
    )
    .fetch_one(&mut *connection)
    .await
    .during("migrate")?;
    if known == 1 {
        sqlx::query("DELETE FROM _sqlx_migrations WHERE success = FALSE")
            .execute(connection)
            .await
            .during("migrate")?;
    }
    Ok(())
}

/// Opens the control database's pool.
pub fn open(config: &SourceConfig) -> Pool {
    Pool::open(&config.name, config.options.clone(), config.pool_max)
}
