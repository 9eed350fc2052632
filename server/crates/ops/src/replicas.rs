//! Replicas of a history's sources: what burdens them waits while one is too far behind.
//!
//! Invariant: a replica whose lag is not known counts as too far behind.

use crate::{Ops, OpsError};
use payhist_storage::Source;
use payhist_types::history::Policy;
use payhist_types::replicas::Replica;

/// Each configured replica of a source, all asked at once.
pub(crate) async fn of_source(source: &Source) -> Vec<Replica> {
    let asked = source.replicas.iter().map(async |replica| Replica {
        source: source.name.clone(),
        name: replica.name.clone(),
        state: replica.state().await,
    });
    futures::future::join_all(asked).await
}

/// Which of them hold back what burdens replicas, in words; `None`: it may go on.
///
/// # Errors
/// [`OpsError::Refused`] when no source is called so.
pub(crate) async fn in_the_way(ops: &Ops, source: &str, policy: &Policy) -> Result<Option<String>, OpsError> {
    let most = policy.replica_lag_max_secs();
    let replicas = of_source(ops.source(source)?).await;
    let behind: Vec<_> = replicas.iter().filter(|replica| replica.state.holds_back(most)).map(words).collect();
    Ok((!behind.is_empty()).then(|| format!("{}; the policy allows {most} s", behind.join(", "))))
}

fn words(replica: &Replica) -> String {
    format!("the replica {} of {} is {}", replica.name, replica.source, replica.state)
}
