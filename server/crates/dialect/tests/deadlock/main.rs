//! The deadlock reports of both engines: real ones, forged ones and broken ones.

mod hostile;
mod reports;
mod samples;

use payhist_dialect::deadlock::parse;
use payhist_types::deadlock::{DeadlockTransaction, RecordLock};

/// Who held what and waited for what, a line for each transaction, then the victim: short enough to state as a truth.
fn told(text: &str) -> Vec<String> {
    let report = parse(text).expect("a report");
    let transaction = |one: &DeadlockTransaction| {
        let holds: Vec<_> = one.holds.iter().map(lock).collect();
        let waits_for = one.waits_for.as_ref().map(lock).unwrap_or_default();
        format!("{} holds {}, waits for {waits_for}", one.connection_id.expect("a session"), holds.join(" and "))
    };
    let victim = report.victim.and_then(|victim| report.transactions[victim].connection_id);
    let victim = victim.map_or_else(|| "nobody".to_owned(), |id| id.to_string());
    report.transactions.iter().map(transaction).chain([format!("victim {victim}")]).collect()
}

fn lock(lock: &RecordLock) -> String {
    let partition = lock.partition.as_ref().map(|name| format!("({name})")).unwrap_or_default();
    let index = lock.index.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
    format!("{}.{}{partition}{index} {} {}", lock.schema, lock.table, lock.mode, lock.span)
}
