//! "The same deadlock again": what stays when values, connections, months and the order of transactions change.

use super::sql::without_values;
use payhist_types::deadlock::{DeadlockTransaction, RecordLock};

/// One line for each transaction, sorted: its statement without values, what it holds and what it waits for.
/// Partitions are values here (the same code deadlocks in every month); tables, shards included, are not.
pub(super) fn signature(transactions: &[DeadlockTransaction]) -> String {
    let mut lines: Vec<_> = transactions.iter().map(transaction).collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn transaction(transaction: &DeadlockTransaction) -> String {
    let statement = transaction.query.as_deref().map(without_values).unwrap_or_default();
    let mut holds: Vec<_> = transaction.holds.iter().map(lock).collect();
    holds.sort_unstable();
    holds.dedup();
    let waits_for = transaction.waits_for.as_ref().map(lock).unwrap_or_default();
    format!("{statement} | holds {} | waits for {waits_for}", holds.join(", "))
}

fn lock(lock: &RecordLock) -> String {
    let RecordLock { schema, table, partition: _, index, mode, span } = lock;
    let index = index.as_ref().map(|index| format!(".{index}")).unwrap_or_default();
    format!("{schema}.{table}{index} {mode} {span}")
}
