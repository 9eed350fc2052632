//! The order of a report: head, statement, locks, next head, … and at last the victim.
//!
//! A statement is the users' raw SQL and may hold any line of a report. So no line is trusted by its looks. A
//! statement ends where locks of that very transaction begin outside quotations and comments, for nowhere else can
//! they be forged. If the engine cut a statement within one, it ends where known lines alone lead from such locks to
//! the head with the next number or to the victim at the report's end; and of the ways to read the text, one that
//! reaches the victim is taken. A text without any was cut, or is of an engine that we do not know yet: its unknown
//! lines are passed over.

use super::head::{Head, head, time, unprefixed};
use super::lock::{LockLine, lock_line};
use super::sql;
use std::collections::HashSet;

/// More than `MySQL` ever searched (200): a bound for texts that are no reports.
const TRANSACTIONS_MAX: u32 = 256;

/// The owner of a lock whose transaction has no id.
pub(super) const NO_ID: &str = "0";

/// One transaction as it stands in the report.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) head: Head<'a>,
    pub(super) query: Option<String>,
    pub(super) waits_for: Option<LockLine<'a>>,
    /// Locks shown with this transaction that are held: by it, or in `MariaDB`'s reports by any of them.
    pub(super) held: Vec<LockLine<'a>>,
}

/// The transactions of a report, last one first, and the number of its victim.
#[derive(Debug, Default)]
pub(super) struct Chain<'a> {
    pub(super) steps: Vec<Step<'a>>,
    pub(super) victim: Option<u32>,
}

/// Reads a report from its first head.
pub(super) fn read<'a>(lines: &[&'a str], first: &Head<'a>) -> Chain<'a> {
    let strict = Search { lines, strict: true, dead_ends: HashSet::new() }.follow(first);
    strict.unwrap_or_else(|| {
        let lenient = Search { lines, strict: false, dead_ends: HashSet::new() }.follow(first);
        lenient.unwrap_or_default()
    })
}

struct Search<'l, 'a> {
    lines: &'l [&'a str],
    /// Read only whole reports of known lines.
    strict: bool,
    /// Heads, by their end, from which the victim cannot be reached.
    dead_ends: HashSet<usize>,
}

/// The locks that end a transaction's statement.
struct Locks<'a> {
    start: usize,
    end: usize,
    waits_for: Option<LockLine<'a>>,
    held: Vec<LockLine<'a>>,
    then: Then<'a>,
}

enum Then<'a> {
    Next(Head<'a>),
    Victim(u32),
    Cut,
}

impl<'a> Search<'_, 'a> {
    /// The report from a head to its end.
    fn follow(&mut self, head: &Head<'a>) -> Option<Chain<'a>> {
        if head.number > TRANSACTIONS_MAX || self.dead_ends.contains(&head.end) {
            return None;
        }
        for locks in self.candidates(head) {
            let rest = match &locks.then {
                Then::Next(next) => self.follow(next),
                Then::Victim(number) => Some(Chain { steps: Vec::new(), victim: Some(*number) }),
                Then::Cut => (!self.strict).then(Chain::default),
            };
            if let Some(mut chain) = rest {
                let query = self.statement(head, locks.start);
                chain.steps.push(Step { head: head.clone(), query, waits_for: locks.waits_for, held: locks.held });
                return Some(chain);
            }
        }
        if !self.strict {
            let query = self.statement(head, self.lines.len());
            let step = Step { head: head.clone(), query, waits_for: None, held: Vec::new() };
            return Some(Chain { steps: vec![step], victim: None });
        }
        self.dead_ends.insert(head.end);
        None
    }

    fn statement(&self, head: &Head, end: usize) -> Option<String> {
        let text = self.lines.get(head.end..end)?.join("\n");
        (head.session.is_some() && !text.trim().is_empty()).then(|| text.trim().to_owned())
    }

    /// The places where the statement of `head` may end, likely ones first: the first that is in no quotation and no
    /// comment, then backwards those before it, one of which is the end if the engine cut the statement within one.
    fn candidates(&self, head: &Head<'a>) -> Vec<Locks<'a>> {
        let mut candidates = Vec::new();
        let mut at = head.end;
        while at < self.lines.len() {
            let section = self.first_section(head, at);
            let locks = self.locks(head, at, section);
            let after = locks.as_ref().map_or(at + 1, |locks| locks.end);
            candidates.extend(locks);
            if section.is_some() && self.statement(head, at).is_none_or(|text| sql::is_closed(&text)) {
                break;
            }
            at = after;
        }
        candidates.reverse();
        candidates
    }

    /// The heading of locks of `head`, if one is at this line and such a lock below it.
    fn first_section(&self, head: &Head, at: usize) -> Option<Section> {
        let section = heading(unprefixed(self.lines[at]), head.number)?;
        let first = self.lines[at + 1..].iter().find(|line| !line.trim().is_empty())?;
        // MariaDB lists conflicts below what its transaction waits for.
        let begins = !matches!(section, Section::Conflicts) && is_of(&lock_line(first.trim_end())?, head);
        begins.then_some(section)
    }

    /// The locks of `head` that begin at a line, up to what follows them.
    fn locks(&self, head: &Head<'a>, start: usize, first: Option<Section>) -> Option<Locks<'a>> {
        let mut section = first?;
        let mut locks = Locks { start, end: self.lines.len(), waits_for: None, held: Vec::new(), then: Then::Cut };
        for at in start + 1..self.lines.len() {
            let line = unprefixed(self.lines[at]);
            if let Some(next) = heading(line, head.number) {
                section = next;
            } else if let Some(lock) = lock_line(line) {
                match section {
                    Section::Waits if lock.waiting && is_of(&lock, head) => locks.waits_for = Some(lock),
                    Section::Holds if is_of(&lock, head) => locks.held.push(lock),
                    Section::Conflicts => locks.held.push(lock),
                    _ if self.strict => return None,
                    _ => {}
                }
            } else if let Some(then) = self.then(head, at) {
                // In a deadlock each transaction waits.
                let whole = !self.strict || locks.waits_for.is_some();
                return whole.then_some(Locks { end: at, then, ..locks });
            } else if self.strict && !is_record(line) {
                return None;
            }
        }
        Some(locks)
    }

    /// What follows the locks of `head`, if it begins at this line.
    fn then(&self, before: &Head, at: usize) -> Option<Then<'a>> {
        if let Some(next) = head(self.lines, at).filter(|next| next.number == before.number + 1) {
            return Some(Then::Next(next));
        }
        let victim = unprefixed(self.lines[at]).strip_prefix("*** WE ROLL BACK TRANSACTION (")?.strip_suffix(')')?;
        let victim = victim.parse().ok().filter(|number| before.number > 1 && (1..=before.number).contains(number))?;
        let after = self.lines[at + 1..].iter().find(|line| !line.trim().is_empty());
        let ends = after.is_none_or(|line| line.starts_with("----") || time(line).is_some());
        ends.then_some(Then::Victim(victim))
    }
}

#[derive(Clone, Copy)]
enum Section {
    Waits,
    Holds,
    Conflicts,
}

/// The heading of locks: `MySQL` numbers them by their transaction, `MariaDB` does not.
fn heading(line: &str, number: u32) -> Option<Section> {
    let line = line.strip_prefix("*** ")?;
    let line = line.strip_prefix(&format!("({number}) ")).unwrap_or(line);
    match line {
        "WAITING FOR THIS LOCK TO BE GRANTED:" => Some(Section::Waits),
        "HOLDS THE LOCK(S):" => Some(Section::Holds),
        "CONFLICTING WITH:" => Some(Section::Conflicts),
        _ => None,
    }
}

/// A line of a locked record: nothing, its place, or one of its fields (` 0: len 8; hex …` or ` 3: SQL NULL;`).
fn is_record(line: &str) -> bool {
    let field = || line.strip_prefix(' ')?.split_once(": ").filter(|(_, field)| field.starts_with(['l', 'S']));
    line.is_empty()
        || line.starts_with("Record lock, heap no ")
        || field().is_some_and(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Is the lock this transaction's? `MariaDB` names a transaction that has not yet written, and so has no id, by its
/// address, and the owner of its locks by 0.
pub(super) fn is_of(lock: &LockLine, head: &Head) -> bool {
    lock.trx_id == head.trx_id || (lock.trx_id == NO_ID && head.has_no_id())
}
