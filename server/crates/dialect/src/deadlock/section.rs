//! Finding the report within `SHOW ENGINE INNODB STATUS`.

use super::{parse, sql};
use payhist_types::deadlock::DeadlockTransaction;

/// The section LATEST DETECTED DEADLOCK of `SHOW ENGINE INNODB STATUS`, heading included; `None` if there is none.
///
/// Statements stand raw in the report, and in the sections around it: of the places that look like its end (or its
/// beginning), those count between which a whole report stands, none of its statements cut within a quotation. If
/// there are none, the engine cut a statement or the report, and the first place of each counts.
pub fn latest_section(innodb_status: &str) -> Option<&str> {
    let starts = headings(innodb_status, "LATEST DETECTED DEADLOCK");
    let ends: Vec<_> = headings(innodb_status, "TRANSACTIONS")
        .into_iter()
        // What follows that heading in both engines.
        .filter(|at| innodb_status[*at..].lines().nth(3).is_some_and(|line| line.starts_with("Trx id counter ")))
        .chain([innodb_status.len()])
        .collect();
    let mut sections = starts
        .iter()
        .flat_map(|start| ends.iter().filter(move |end| *end > start).map(|end| &innodb_status[*start..*end]));
    let first = sections.clone().next();
    sections.find(|section| is_whole(section)).or(first)
}

fn is_whole(section: &str) -> bool {
    let is_closed = |one: &DeadlockTransaction| one.query.as_deref().is_none_or(sql::is_closed);
    parse(section).is_ok_and(|report| !report.truncated && report.transactions.iter().all(is_closed))
}

/// Where a heading begins: its name between two rules.
fn headings(text: &str, name: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    let is_rule = |line: &str| line.starts_with("---") && line.trim_end().bytes().all(|byte| byte == b'-');
    let mut before = [("", 0), ("", 0)];
    for line in text.split_inclusive('\n') {
        let [(above, start), (middle, _)] = before;
        if is_rule(above) && middle.trim_end() == name && is_rule(line) {
            starts.push(start);
        }
        before = [before[1], (line, at)];
        at += line.len();
    }
    starts
}
