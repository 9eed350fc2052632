//! `payhist monitor`

use super::output::{Outcome, say, table};
use clap::Subcommand;
use payhist_ops::auth::Permit;
use payhist_ops::{Ops, monitoring};
use payhist_types::database::{DatabaseView, PoolStats};

#[derive(Debug, Subcommand)]
pub(super) enum MonitorCommand {
    /// This command's own pools, to see that the sources answer.
    #[command(after_help = "Example: payhist monitor pools")]
    Pools,
    /// Capture what the servers report now, and list the deadlocks that were captured.
    #[command(after_help = "Example: payhist monitor deadlocks --json")]
    Deadlocks,
}

pub(super) async fn run(command: MonitorCommand, ops: &Ops, json: bool) -> anyhow::Result<Outcome> {
    if let MonitorCommand::Deadlocks = command {
        monitoring::capture(ops).await?;
    }
    let view = monitoring::database(ops, &Permit::for_command()).await?;
    Ok(match command {
        MonitorCommand::Pools => say(json, &view.pools, || pools_words(&view.pools)),
        MonitorCommand::Deadlocks => say(json, &view.deadlocks, || deadlocks_words(&view)),
    })
}

fn pools_words(pools: &[PoolStats]) -> String {
    let rows: Vec<_> = pools
        .iter()
        .map(|pool| [pool.in_use, pool.idle, pool.size, pool.max, pool.waiters].map(|n| n.to_string()))
        .zip(pools)
        .map(|(figures, pool)| std::iter::once(pool.name.clone()).chain(figures).collect())
        .collect();
    table(&["POOL", "IN USE", "IDLE", "SIZE", "MAX", "WAITERS"], &rows)
}

fn deadlocks_words(view: &DatabaseView) -> String {
    if view.deadlocks.is_empty() {
        return "No deadlock has been captured.".to_owned();
    }
    let rows: Vec<_> = view
        .deadlocks
        .iter()
        .map(|deadlock| {
            let at = deadlock.occurred_at.format("%Y-%m-%d %H:%M:%S").to_string();
            vec![
                deadlock.id.to_string(),
                at,
                deadlock.source.clone(),
                deadlock.transactions.to_string(),
                deadlock.tables.join(", "),
            ]
        })
        .collect();
    table(&["DEADLOCK", "AT", "SOURCE", "TRANSACTIONS", "TABLES"], &rows)
}
