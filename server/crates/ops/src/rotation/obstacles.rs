//! Who holds locks on a history's tables now, so that people see before they apply a plan what it would wait for.
//!
//! Invariant: a server that cannot tell is named with what would mend it, never passed over as if nothing were locked.

use crate::auth::{Permit, ViewPartitions};
use crate::zone::local;
use crate::{Ops, OpsError, histories, replicas, zone};
use payhist_dialect::deadlock::without_values;
use payhist_dialect::error_class::ErrorClass;
use payhist_storage::blockers::{self, TableHolder};
use payhist_types::database::Unavailable;
use payhist_types::history::HistorySpec;
use payhist_types::obstacles::{LockHolder, Obstacles};
use std::collections::BTreeSet;

/// Asks each of the history's sources.
pub async fn obstacles(ops: &Ops, _permit: &Permit<ViewPartitions>, history: &str) -> Result<Obstacles, OpsError> {
    let history = histories::find(ops, history).await?;
    let zone = zone::parse(&history.spec.policy.zone)?;
    let (mut holders, mut unavailable, mut replicas) = (Vec::new(), Vec::new(), Vec::new());
    for source in history.spec.source.names() {
        match holders_on(ops, &history.spec, source).await {
            Ok(Some(found)) => holders.extend(found),
            Ok(None) => unavailable.push(not_watched(source)),
            Err(error) => unavailable.push(not_read(source, &error)),
        }
        if let Ok(source) = ops.source(source) {
            replicas.extend(replicas::of_source(source).await);
        }
    }
    let replica_lag_max_secs = history.spec.policy.replica_lag_max_secs();
    Ok(Obstacles { read_at: local(ops.now(), zone), holders, unavailable, replicas, replica_lag_max_secs })
}

/// `None`: the server does not watch metadata locks.
async fn holders_on(ops: &Ops, spec: &HistorySpec, source: &str) -> Result<Option<Vec<LockHolder>>, OpsError> {
    let mut connection = ops.source(source)?.pool.acquire("rotation.obstacles").await?;
    if !blockers::are_watched(&mut connection).await? {
        return Ok(None);
    }
    let here = spec.route.shards().filter(|shard| spec.source.of(*shard) == source);
    let tables: BTreeSet<_> = here.map(|shard| spec.table_of(shard)).collect();
    let found = blockers::holders_in(&mut connection, &spec.schema).await?;
    Ok(Some(
        found.into_iter().filter(|found| tables.contains(&found.locked)).map(|found| view(found, source)).collect(),
    ))
}

fn view(found: TableHolder, source: &str) -> LockHolder {
    let TableHolder { locked, holder, statement } = found;
    LockHolder {
        source: source.to_owned(),
        table: locked,
        connection: holder.connection,
        user: holder.user,
        host: holder.host,
        secs: holder.secs.unsigned_abs(),
        statement: statement.map(|statement| without_values(&statement)), // values may be personal data
    }
}

fn not_watched(source: &str) -> Unavailable {
    Unavailable {
        source: source.to_owned(),
        what: "lock holders".to_owned(),
        reason: "the server does not watch metadata locks".to_owned(),
        remedy: Some(
            "performance_schema = ON and performance_schema_instrument = 'wait/lock/metadata/sql/mdl=ON' in its \
             configuration, then restart it"
                .to_owned(),
        ),
    }
}

fn not_read(source: &str, error: &OpsError) -> Unavailable {
    let forbidden = matches!(error, OpsError::Storage(error) if error.class() == Some(ErrorClass::PrivilegeMissing));
    Unavailable {
        source: source.to_owned(),
        what: "lock holders".to_owned(),
        reason: if forbidden { "the database user may not see them".to_owned() } else { error.to_string() },
        remedy: forbidden.then(|| "GRANT SELECT ON performance_schema.* TO the user of this source".to_owned()),
    }
}
