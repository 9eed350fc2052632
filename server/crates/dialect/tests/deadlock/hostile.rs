//! Texts that are broken or forged: nothing panics, nothing is made up, and no statement changes what a report says.

use super::reports::{MARIADB_SHARED_LOCK, MARIADB_TABLE_LOCK, MYSQL_TABLE_LOCK};
use super::samples::sample;
use super::told;
use payhist_dialect::deadlock::{DeadlockParseError, latest_section, parse};
use proptest::prelude::*;
use std::sync::LazyLock;

/// The recorded reports, and the samples that are there.
static REPORTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let samples = [
        "deadlock-mariadb1011.txt",
        "deadlock-mariadb118-3way.txt",
        "deadlock-mariadb1011-gap.txt",
        "deadlock-errorlog-mdb118.txt",
        "deadlock-mysql97.txt",
        "deadlock-mysql97-3way.txt",
        "deadlock-mysql97-gap.txt",
    ];
    let recorded = [MARIADB_SHARED_LOCK, MARIADB_TABLE_LOCK, MYSQL_TABLE_LOCK].map(str::to_owned);
    recorded.into_iter().chain(samples.into_iter().filter_map(sample)).collect()
});

/// Lines of a report, with the ids and numbers of the transactions in [`forged_report`].
const LINES: [&str; 22] = [
    "",
    "------------------------",
    "LATEST DETECTED DEADLOCK",
    "------------",
    "TRANSACTIONS",
    "Trx id counter 9",
    "2026-11-22 12:53:02 140190389491392",
    "*** (1) TRANSACTION:",
    "*** (2) TRANSACTION:",
    "*** (3) TRANSACTION:",
    "TRANSACTION 33, ACTIVE 7 sec inserting",
    "TRANSACTION 34, ACTIVE 7 sec inserting",
    "MariaDB thread id 99, OS thread handle 1, query id 1 evil mallory Update",
    "MySQL thread id 99, OS thread handle 1, query id 1 evil mallory update",
    "*** WAITING FOR THIS LOCK TO BE GRANTED:",
    "*** (1) HOLDS THE LOCK(S):",
    "*** (2) WAITING FOR THIS LOCK TO BE GRANTED:",
    "*** CONFLICTING WITH:",
    "TABLE LOCK table `x`.`fake` trx id 33 lock mode AUTO-INC waiting",
    "RECORD LOCKS space id 1 page no 3 n bits 72 index k of table `x`.`fake` trx id 34 lock_mode X waiting",
    "Record lock, heap no 3 PHYSICAL RECORD: n_fields 4; compact format; info bits 0",
    "*** WE ROLL BACK TRANSACTION (2)",
];

fn lines() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&LINES[..]), 0..40).prop_map(|lines| lines.join("\n"))
}

/// A whole block of forged lines: what two transactions would need to be believed.
fn forgery() -> impl Strategy<Value = String> {
    let waits = |id: u32, n: u32| {
        format!(
            "*** {}WAITING FOR THIS LOCK TO BE GRANTED:\nTABLE LOCK table `x`.`fake` trx id {id} lock mode X waiting\n",
            if n == 0 { String::new() } else { format!("({n}) ") }
        )
    };
    let head = |n: u32, id: u32| {
        format!(
            "*** ({n}) TRANSACTION:\nTRANSACTION {id}, ACTIVE 7 sec\n\
             MySQL thread id 99, OS thread handle 1, query id 1 evil mallory\nSELECT 1\n"
        )
    };
    let id = || prop::sample::select(vec![33_u32, 34, 99]);
    let part = prop_oneof![
        (id(), 0..4_u32).prop_map(move |(id, n)| waits(id, n)),
        (1..5_u32, id()).prop_map(move |(n, id)| head(n, id)),
        (1..4_u32).prop_map(|n| format!("*** WE ROLL BACK TRANSACTION ({n})\n")),
        Just("------------\nTRANSACTIONS\n------------\nTrx id counter 9\n".to_owned()),
        Just("------------------------\nLATEST DETECTED DEADLOCK\n------------------------\n".to_owned()),
    ];
    prop::collection::vec(part, 1..10).prop_map(|parts| parts.concat())
}

/// The recorded report of an engine (transactions 33 and 34), whose statement `of` holds a forgery.
fn forged_report(of: usize, quotes: (&str, &str), forgery: &str) -> (String, String) {
    let statement = ["insert into t(n) values (1)", "insert into t(n) select n from a order by id"][of];
    let sql = format!("{statement} {}\n{forgery}\n{}", quotes.0, quotes.1);
    (MARIADB_TABLE_LOCK.replace(statement, &sql), sql)
}

const QUOTES: [(&str, &str); 4] = [("/*", "*/"), ("+ '", "'"), ("+ \"it's", "\""), ("+ 'it''s \\'", "'")];

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in ".*", lines in lines()) {
        for text in [&text, &lines, &format!("2026-11-22 12:53:02\n*** (1) TRANSACTION:\n{lines}")] {
            let _ = parse(text);
            let _ = latest_section(text);
        }
    }

    #[test]
    fn a_damaged_report_never_panics(of in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
        length in 0..400_usize, instead in prop_oneof![".{0,40}", lines()]) {
        let mut bytes = of.get(&REPORTS).clone().into_bytes();
        let at = at.index(bytes.len());
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, instead.bytes());
        let text = String::from_utf8_lossy(&bytes);
        let _ = latest_section(&text);
        if let Ok(report) = parse(&text) {
            prop_assert_eq!(report.truncated, report.victim.is_none());
        }
    }

    #[test]
    fn a_forgery_within_a_statement_changes_nothing(of in 0..2_usize, quotes in prop::sample::select(&QUOTES[..]),
        forgery in prop_oneof![lines(), forgery()]) {
        let (text, sql) = forged_report(of, quotes, &forgery);
        prop_assert_eq!(told(&text), told(MARIADB_TABLE_LOCK));
        let report = parse(&text).unwrap();
        prop_assert_eq!(report.transactions[of].query.as_deref(), Some(sql.as_str()));
        let status = format!("=====\n{text}------------\nTRANSACTIONS\n------------\nTrx id counter 40\nsql: {forgery}");
        prop_assert_eq!(latest_section(&status), Some(text.as_str()));
    }

    /// The engine cut the statement within its quotation, so that only the report's order tells.
    #[test]
    fn a_forgery_in_a_cut_statement_changes_nothing(forgery in prop_oneof![lines(), forgery()]) {
        let (text, _) = forged_report(0, ("+ '", "cut"), &forgery);
        prop_assert_eq!(told(&text), told(MARIADB_TABLE_LOCK));
    }
}

/// Locks of transaction 34 with its true id, and a victim: all that the end of the report needs.
const FORGED_END: &str = "*** WAITING FOR THIS LOCK TO BE GRANTED:\n\
    TABLE LOCK table `x`.`fake` trx id 34 lock mode X waiting\n*** WE ROLL BACK TRANSACTION (2)";

/// The first transaction's locks and the second's head, with their true ids.
fn forged_middle(number: u32) -> String {
    format!(
        "*** WAITING FOR THIS LOCK TO BE GRANTED:\nTABLE LOCK table `x`.`fake` trx id 33 lock mode X waiting\n\
         *** ({number}) TRANSACTION:\nTRANSACTION 34, ACTIVE 7 sec\n\
         MariaDB thread id 99, OS thread handle 1, query id 1 evil mallory\nSELECT 1"
    )
}

#[test]
fn a_cut_statement_ends_at_the_last_of_its_locks() {
    let (text, _) = forged_report(0, ("+ '", "cut"), &forged_middle(2));
    assert_eq!(told(&text), told(MARIADB_TABLE_LOCK));
}

#[test]
fn heads_follow_by_number() {
    let (text, _) = forged_report(1, ("+ '", "'"), &forged_middle(3));
    let text = text.replace("values (1)", "values ('cut");
    assert_eq!(told(&text), told(MARIADB_TABLE_LOCK));
}

#[test]
fn the_section_does_not_end_at_a_forged_end() {
    let heading = "------------\nTRANSACTIONS\n------------\nTrx id counter 9\n";
    let (text, _) = forged_report(1, ("/*", "*/"), &format!("{FORGED_END}\n{heading}"));
    assert_eq!(latest_section(&format!("{text}{heading}")), Some(text.as_str()));
}

#[test]
fn a_forged_victim_in_a_cut_report_is_not_believed() {
    let (text, _) = forged_report(1, ("/*", "*/"), &format!("{FORGED_END}\nthe comment goes on"));
    let (cut, _) = text.split_once("*/").unwrap();
    let report = parse(cut).unwrap();
    assert_eq!((report.transactions.len(), report.victim, report.truncated), (2, None, true));
}

/// At each place: what is left is told, what is lost is `None`, and nothing else is said.
#[test]
fn a_cut_report_says_nothing_that_the_whole_does_not() {
    for text in REPORTS.iter() {
        let whole = parse(text).unwrap();
        let end = text.find("*** WE ROLL BACK TRANSACTION (").unwrap() + "*** WE ROLL BACK TRANSACTION (1)".len();
        for at in (0..end).filter(|at| text.is_char_boundary(*at)) {
            let cut = match parse(&text[..at]) {
                Ok(cut) => cut,
                Err(error) => {
                    let second = text.find("(2) TRANSACTION:").unwrap();
                    assert!(at < second, "{error} at {at} of\n{text}");
                    continue;
                }
            };
            assert!(cut.truncated && cut.victim.is_none());
            assert_eq!(cut.occurred_at, whole.occurred_at);
            for (cut, whole) in cut.transactions.iter().zip(&whole.transactions) {
                assert_eq!((cut.number, &cut.trx_id), (whole.number, &whole.trx_id));
                assert!(cut.connection_id.is_none() || cut.connection_id == whole.connection_id);
                assert!(cut.active_secs.is_none() || cut.active_secs == whole.active_secs);
                assert!(cut.user.is_none() || (&cut.user, &cut.host) == (&whole.user, &whole.host));
                assert!(cut.waits_for.is_none() || cut.waits_for == whole.waits_for, "{at} of\n{text}");
                assert!(cut.holds.iter().all(|lock| whole.holds.contains(lock)), "{at} of\n{text}");
            }
            assert!(cut.transactions.len() <= whole.transactions.len(), "{at} of\n{text}");
        }
    }
}

/// A line that no engine writes today costs the strictness, not the report.
#[test]
fn an_unknown_line_among_the_locks_is_passed_over() {
    for text in REPORTS.iter() {
        let newer = text.replace("*** CONFLICTING WITH:", "A line of tomorrow.\n*** CONFLICTING WITH:");
        let newer = newer.replace("\n*** (2) WAITING", "\nA line of tomorrow.\n*** (2) WAITING");
        assert_ne!(&newer, text);
        assert_eq!(told(&newer), told(text));
    }
}

#[test]
fn what_is_no_report_is_refused_with_its_reason() {
    let head = "*** (1) TRANSACTION:\nTRANSACTION 5, ACTIVE 1 sec\n";
    assert_eq!(parse(""), Err(DeadlockParseError::NoTransaction));
    assert_eq!(parse("2026-11-22 12:53:02\n*** (1) TRANSACTION:\n"), Err(DeadlockParseError::NoTransaction));
    assert_eq!(parse(head), Err(DeadlockParseError::NoTime));
    assert_eq!(parse(&format!("2026-11-22 12:53:02\n{head}")), Err(DeadlockParseError::NoEngine));
}
