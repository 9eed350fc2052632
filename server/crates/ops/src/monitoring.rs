//! What pools and servers are doing, and the deadlocks that they report.

use crate::auth::{Permit, ViewDatabase};
use crate::browse::NETWORK_GRACE;
use crate::jobs::zone_of_schedules;
use crate::zone::local;
use crate::{Ops, OpsError};
use chrono::TimeDelta;
use chrono_tz::Tz;
use futures::future::{join, join_all};
use payhist_dialect::deadlock;
use payhist_dialect::error_class::ErrorClass;
use payhist_storage::deadlocks::{self, NewDeadlock, StoredDeadlock};
use payhist_storage::source::READ_DEADLINE;
use payhist_storage::{Source, StorageError, engine_stats};
use payhist_types::database::{DatabaseView, Deadlock, DeadlockSummary, Unavailable};
use sha2::{Digest, Sha256};

/// Deadlocks shown in the list.
const DEADLOCKS_IN_LIST: u32 = 20;

/// Pools, servers and the latest deadlocks. A server that does not answer is named in `unavailable`.
pub async fn database(ops: &Ops, _permit: &Permit<ViewDatabase>) -> Result<DatabaseView, OpsError> {
    let zone = zone_of_schedules(ops).await?;
    let now = ops.now();
    let (mut servers, mut unavailable) = (Vec::new(), Vec::new());
    let asked = ops.sources().map(|source| async move { (source, join(server(source), innodb_status(source)).await) });
    for (source, (figures, report)) in join_all(asked).await {
        match figures {
            Ok(stats) => {
                if stats.deadlocks.is_none() {
                    unavailable.push(privilege_missing(source, "the engine's deadlock counter"));
                }
                servers.push(stats);
            }
            Err(error) => unavailable.push(cannot(source, "the server's figures", &error)),
        }
        if let Err(error) = report {
            unavailable.push(cannot(source, "deadlock reports", &error));
        }
    }
    let mut connection = ops.control().acquire("database.deadlocks").await?;
    let newest = deadlocks::newest(&mut connection, DEADLOCKS_IN_LIST).await?;
    let pools = ops.sources().flat_map(|source| [source.pool.stats(), source.work.stats()]);
    Ok(DatabaseView {
        zone: zone.name().to_owned(),
        read_at: local(now, zone),
        pools: pools.chain([ops.control().stats()]).collect(),
        servers,
        deadlocks_24h: deadlocks::count_since(&mut connection, now - TimeDelta::hours(24)).await?,
        deadlocks: newest.iter().map(|stored| summary(stored, zone)).collect(),
        latest: newest.first().map(|stored| full(stored, zone)),
        unavailable,
    })
}

/// One captured deadlock.
pub async fn deadlock(ops: &Ops, _permit: &Permit<ViewDatabase>, id: u64) -> Result<Deadlock, OpsError> {
    let zone = zone_of_schedules(ops).await?;
    let mut connection = ops.control().acquire("database.deadlock").await?;
    let stored = deadlocks::find(&mut connection, id).await?;
    stored.map(|stored| full(&stored, zone)).ok_or_else(|| OpsError::NotFound(format!("The deadlock {id}")))
}

/// What a capture did.
#[derive(Debug, Default)]
pub struct Captured {
    /// Deadlocks kept that were not known.
    pub kept: u32,
    /// Sources that could not be asked, each in words.
    pub failed: Vec<String>,
}

/// Keeps the latest deadlock of every source, unless it is kept already.
pub async fn capture(ops: &Ops) -> Result<Captured, OpsError> {
    let mut captured = Captured::default();
    for source in ops.sources() {
        match capture_one(ops, source).await {
            Ok(new) => captured.kept += u32::from(new),
            Err(error) => captured.failed.push(format!("{}: {error}", source.name)),
        }
    }
    Ok(captured)
}

async fn capture_one(ops: &Ops, source: &Source) -> Result<bool, OpsError> {
    let status = innodb_status(source).await?;
    let Some(text) = deadlock::latest_section(&status) else { return Ok(false) };
    let report = match deadlock::parse(text) {
        Ok(mut report) => {
            deadlock::correct_victim(&mut report, source.capabilities().await?);
            Some(report)
        }
        Err(error) => {
            tracing::warn!(source = source.name, %error, "a deadlock report cannot be parsed; its text is kept");
            None
        }
    };
    let now = ops.now();
    let tables = report.as_ref().map(tables).unwrap_or_default();
    // Long signatures are kept by their hash: it is only ever compared.
    let signature = hex::encode(Sha256::digest(report.as_ref().map_or("unparsed", |report| report.signature.as_str())));
    let json = report
        .as_ref()
        .map(serde_json::to_string)
        .transpose()
        .map_err(|error| OpsError::Internal(error.to_string()))?;
    let kept = NewDeadlock {
        source: &source.name,
        // The report has the server's local time without its zone; servers that payhist starts run in UTC.
        occurred_at: report.as_ref().map_or(now, |report| report.occurred_at.and_utc()),
        signature: &signature,
        tables: &tables.join(", "),
        transactions: report.as_ref().map_or(0, |report| u32::try_from(report.transactions.len()).unwrap_or(u32::MAX)),
        report: json,
        text,
    };
    let mut connection = ops.control().acquire("deadlock.keep").await?;
    Ok(deadlocks::keep(&mut connection, &kept, now).await?)
}

fn tables(report: &payhist_types::deadlock::DeadlockReport) -> Vec<String> {
    let locks =
        report.transactions.iter().flat_map(|transaction| transaction.holds.iter().chain(&transaction.waits_for));
    let mut tables: Vec<_> = locks.map(|lock| format!("{}.{}", lock.schema, lock.table)).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

async fn server(source: &Source) -> Result<payhist_types::database::ServerStats, StorageError> {
    let question = async |connection: &mut _| engine_stats::server(connection, &source.name).await;
    source.pool.ask("database.server", READ_DEADLINE + NETWORK_GRACE, question).await
}

async fn innodb_status(source: &Source) -> Result<String, StorageError> {
    let question = async |connection: &mut _| engine_stats::innodb_status(connection).await;
    source.pool.ask("database.innodb_status", READ_DEADLINE + NETWORK_GRACE, question).await
}

fn cannot(source: &Source, what: &str, error: &StorageError) -> Unavailable {
    if error.class() == Some(ErrorClass::PrivilegeMissing) {
        return privilege_missing(source, what);
    }
    Unavailable { source: source.name.clone(), what: what.to_owned(), reason: error.to_string(), remedy: None }
}

fn privilege_missing(source: &Source, what: &str) -> Unavailable {
    Unavailable {
        source: source.name.clone(),
        what: what.to_owned(),
        reason: "the database user may not see it".to_owned(),
        remedy: Some("GRANT PROCESS ON *.* TO the user of this source".to_owned()),
    }
}

fn summary(stored: &StoredDeadlock, zone: Tz) -> DeadlockSummary {
    DeadlockSummary {
        id: stored.id,
        source: stored.source.clone(),
        occurred_at: local(stored.occurred_at, zone),
        signature: stored.signature.clone(),
        tables: stored.tables_named.split(", ").filter(|table| !table.is_empty()).map(str::to_owned).collect(),
        transactions: stored.transactions,
    }
}

fn full(stored: &StoredDeadlock, zone: Tz) -> Deadlock {
    Deadlock {
        summary: summary(stored, zone),
        report: stored.report.as_deref().and_then(|json| serde_json::from_str(json).ok()),
        text: stored.report_text.clone(),
    }
}
