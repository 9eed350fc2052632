//! The engines' deadlock reports, read: who held what, who waited for what, and who was rolled back.
//!
//! Sources: `SHOW ENGINE INNODB STATUS` of both engines, and their error logs with `innodb_print_all_deadlocks`
//! (in `MySQL`'s only with `log_error_verbosity = 3`: below that it leaves out headings, time and victim).
//! Invariants: what a report does not say is `None`, never guessed; no text makes this panic; what users write into
//! their statements changes neither the transactions nor the victim of a whole report (see [`chain`] for how).

mod chain;
mod head;
mod lock;
mod section;
mod signature;
mod sql;

use crate::Capabilities;
use head::Head;
use payhist_types::deadlock::{DeadlockReport, DeadlockTransaction, RecordLock};

pub use section::latest_section;
pub use sql::without_values;

/// Why a text is no deadlock report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeadlockParseError {
    /// Nothing like `*** (1) TRANSACTION:` with its transaction below.
    #[error("the text has no first transaction")]
    NoTransaction,
    /// No line above the first transaction begins with a date and a time.
    #[error("the report does not say when the deadlock was")]
    NoTime,
    /// No transaction has its session's line (`MariaDB thread id …`, `MySQL thread id …`).
    #[error("the report does not say which engine wrote it")]
    NoEngine,
}

/// Reads one report: a section as [`latest_section`] gives it, or one report of an error log. The victim is the one
/// that the text names; [`correct_victim`] knows which servers miscount.
///
/// A report that was cut gives what it still says, with `truncated` set and no victim.
///
/// # Errors
/// [`DeadlockParseError`] if the text ends, or is another, before the first transaction is known.
pub fn parse(text: &str) -> Result<DeadlockReport, DeadlockParseError> {
    let lines = whole_lines(text);
    let first = (0..lines.len()).find_map(|at| Some((at, head::head(&lines, at).filter(|head| head.number == 1)?)));
    let (at, first) = first.ok_or(DeadlockParseError::NoTransaction)?;
    let occurred_at = lines[..at].iter().rev().find_map(|line| head::time(line)).ok_or(DeadlockParseError::NoTime)?;
    let chain = chain::read(&lines, &first);
    let engine = chain.steps.iter().find_map(|step| Some(step.head.session.as_ref()?.engine));
    let engine = engine.ok_or(DeadlockParseError::NoEngine)?;
    let transactions: Vec<_> = chain.steps.iter().rev().map(|step| transaction(step, &chain)).collect();
    let victim = chain.victim.and_then(|number| transactions.iter().position(|one| one.number == number));
    let signature = signature::signature(&transactions);
    Ok(DeadlockReport { occurred_at, engine, transactions, victim, truncated: victim.is_none(), signature })
}

/// Makes the victim the transaction that was really rolled back, where the server that wrote the report miscounts it
/// ([`Capabilities::miscounts_deadlock_victim`]): the one before the one named, the last one for the first.
pub fn correct_victim(report: &mut DeadlockReport, server: &Capabilities) {
    let count = report.transactions.len();
    if server.miscounts_deadlock_victim() {
        report.victim = report.victim.map(|named| (named + count - 1) % count);
    }
}

/// The lines of a text. A last line without its end may be cut within a word or a number: only the victim's, which
/// closes with a parenthesis, is kept.
fn whole_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    if !text.ends_with(['\n', ')']) {
        lines.pop();
    }
    lines
}

fn transaction(step: &chain::Step, chain: &chain::Chain) -> DeadlockTransaction {
    let Head { number, trx_id, active_secs, session, .. } = &step.head;
    DeadlockTransaction {
        number: *number,
        trx_id: (*trx_id).to_owned(),
        connection_id: session.as_ref().and_then(|session| session.connection_id),
        active_secs: *active_secs,
        user: session.as_ref().and_then(|session| session.user).map(str::to_owned),
        host: session.as_ref().and_then(|session| session.host).map(str::to_owned),
        query: step.query.clone(),
        holds: held_by(&step.head, chain),
        waits_for: step.waits_for.as_ref().map(|line| line.lock.clone()),
    }
}

/// `MariaDB` lists a lock with those who wait for it, so perhaps more than once. If several transactions have no id,
/// the report does not say whose a lock without one is.
fn held_by(head: &Head, chain: &chain::Chain) -> Vec<RecordLock> {
    let ambiguous = chain.steps.iter().filter(|step| step.head.has_no_id()).count() > 1;
    let lines = chain.steps.iter().rev().flat_map(|step| &step.held);
    let mut holds: Vec<RecordLock> = Vec::new();
    for line in lines.filter(|line| chain::is_of(line, head) && !(ambiguous && line.trx_id == chain::NO_ID)) {
        if !holds.contains(&line.lock) {
            holds.push(line.lock.clone());
        }
    }
    holds
}
