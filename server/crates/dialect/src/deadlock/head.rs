//! What stands above a transaction's statement: its number, its id, since when it is open, and its session.

use chrono::{DateTime, NaiveDateTime};
use payhist_types::EngineKind;
use std::net::IpAddr;

/// Lines between a transaction's `TRANSACTION …` and its session's line.
const LINES_TO_SESSION_MAX: usize = 5;

/// The head of a transaction.
#[derive(Debug, Clone)]
pub(super) struct Head<'a> {
    /// `n` of `*** (n) TRANSACTION:`.
    pub(super) number: u32,
    pub(super) trx_id: &'a str,
    pub(super) active_secs: Option<u64>,
    /// `None` for a transaction of the engine's own.
    pub(super) session: Option<Session<'a>>,
    /// The line after the head, where the statement begins.
    pub(super) end: usize,
}

impl Head<'_> {
    /// Is it named by its address instead?
    pub(super) fn has_no_id(&self) -> bool {
        self.trx_id.starts_with("(0x")
    }
}

/// The session that a transaction belongs to.
#[derive(Debug, Clone)]
pub(super) struct Session<'a> {
    pub(super) engine: EngineKind,
    pub(super) connection_id: Option<u64>,
    pub(super) user: Option<&'a str>,
    pub(super) host: Option<&'a str>,
}

/// The head that begins at a line, if one does.
pub(super) fn head<'a>(lines: &[&'a str], at: usize) -> Option<Head<'a>> {
    let number = unprefixed(lines.get(at)?).strip_prefix("*** (")?.strip_suffix(") TRANSACTION:")?.parse().ok()?;
    let first = (at + 1..lines.len()).find(|line| !lines[*line].trim().is_empty())?;
    let (trx_id, state) = lines[first].strip_prefix("TRANSACTION ")?.split_once(", ")?;
    let active_secs = state.split_once(" sec").and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok());
    let session = lines[first + 1..]
        .iter()
        .take(LINES_TO_SESSION_MAX)
        .take_while(|line| !unprefixed(line).starts_with("*** "))
        .enumerate()
        .find_map(|(offset, line)| Some((first + 1 + offset, session(line)?)));
    let end = session.as_ref().map_or(first, |(line, _)| *line) + 1;
    Some(Head { number, trx_id, active_secs, session: session.map(|(_, session)| session), end })
}

/// `MariaDB thread id 13, OS thread handle 140…, query id 122 [host] [address] [user] [state]`
fn session(line: &str) -> Option<Session<'_>> {
    let (engine, rest) = [(EngineKind::MariaDb, "MariaDB thread id "), (EngineKind::MySql, "MySQL thread id ")]
        .into_iter()
        .find_map(|(engine, start)| Some((engine, line.strip_prefix(start)?)))?;
    let (id, rest) = rest.split_once(", ")?;
    let who = rest.split_once("query id ").and_then(|(_, rest)| rest.split_once(' ')).map_or("", |(_, who)| who);
    let (host, user) = if who.starts_with("system user") { (None, Some("system user")) } else { host_and_user(who) };
    Some(Session { engine, connection_id: id.parse().ok(), user, host })
}

/// A host's name, its address or both stand before the user: one word alone could be any of them.
fn host_and_user(who: &str) -> (Option<&str>, Option<&str>) {
    let mut words = who.split_whitespace().peekable();
    let host = words.next();
    words.next_if(|word| word.parse::<IpAddr>().is_ok());
    let user = words.next();
    (host.filter(|_| user.is_some()), user)
}

/// A line without its end and without the error log's prefix (`2026-11-22 12:51:39 13 [Note] InnoDB: `).
pub(super) fn unprefixed(line: &str) -> &str {
    let line = line.trim_end();
    if time(line).is_none() {
        return line;
    }
    // MariaDB's tag, then MySQL's.
    let text = ["[Note] InnoDB:", "[InnoDB]"].iter().find_map(|tag| line.split_once(tag));
    text.map_or(line, |(_, text)| text.trim_start())
}

/// The local time that a line begins with: `2026-11-22 12:51:39` or, in `MySQL`'s error log, RFC 3339.
pub(super) fn time(line: &str) -> Option<NaiveDateTime> {
    if !line.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut words = line.split_whitespace();
    let date = words.next()?;
    if date.contains('T') {
        return Some(DateTime::parse_from_rfc3339(date).ok()?.naive_local());
    }
    NaiveDateTime::parse_from_str(&format!("{date} {}", words.next()?), "%Y-%m-%d %H:%M:%S").ok()
}
