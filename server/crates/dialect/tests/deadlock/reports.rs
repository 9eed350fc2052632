//! Reports recorded from private servers (`reports/`): each shows what the shared samples do not.

use super::told;
use payhist_dialect::deadlock::{latest_section, parse};

pub(super) const MARIADB_SHARED_LOCK: &str = include_str!("reports/mariadb1011-shared-lock.txt");
pub(super) const MARIADB_TABLE_LOCK: &str = include_str!("reports/mariadb1011-table-lock.txt");
pub(super) const MYSQL_TABLE_LOCK: &str = include_str!("reports/mysql97-table-lock.txt");
const MARIADB_STATUS_FORGED: &str = include_str!("reports/mariadb1011-status-forged.txt");
const MYSQL_STATUS_FORGED: &str = include_str!("reports/mysql97-status-forged.txt");
const MYSQL_LOG_FORGED: &str = include_str!("reports/mysql97-log-forged.txt");

#[test]
fn a_mariadb_report_is_read_whole() {
    insta::assert_debug_snapshot!(parse(MARIADB_TABLE_LOCK).unwrap());
}

#[test]
fn a_mysql_report_is_read_whole() {
    insta::assert_debug_snapshot!(parse(MYSQL_TABLE_LOCK).unwrap());
}

/// A reader has no id in `MariaDB`, and its locks are of transaction 0.
#[test]
fn a_reader_without_id_holds_its_lock() {
    assert_eq!(
        told(MARIADB_SHARED_LOCK),
        [
            "10 holds dl.a.PRIMARY X record, waits for dl.a.PRIMARY X record",
            "9 holds dl.a.PRIMARY S record, waits for dl.a.PRIMARY S record",
            "victim 9"
        ]
    );
}

#[test]
fn locks_of_two_readers_without_id_are_given_to_neither() {
    let text = MARIADB_SHARED_LOCK.replace("TRANSACTION 23,", "TRANSACTION (0x7f95da6f4000),").replace("id 23", "id 0");
    let report = parse(&text).unwrap();
    assert!(!report.truncated);
    assert!(report.transactions.iter().all(|one| one.holds.is_empty() && one.waits_for.is_some()), "{report:#?}");
}

#[test]
fn over_tcp_the_user_is_not_taken_for_the_address() {
    for one in parse(MARIADB_SHARED_LOCK).unwrap().transactions {
        assert_eq!((one.host.as_deref(), one.user.as_deref()), (Some("localhost"), Some("app")));
    }
    let text = MARIADB_SHARED_LOCK.replace("localhost 127.0.0.1 app", "fe80::1 app");
    for one in parse(&text).unwrap().transactions {
        assert_eq!((one.host.as_deref(), one.user.as_deref()), (Some("fe80::1"), Some("app")));
    }
}

/// The victim's statement holds locks, a head, a victim and the heading of the next section.
#[test]
fn a_forged_end_within_a_statement_ends_nothing() {
    for (status, truth) in [
        (MARIADB_STATUS_FORGED, MARIADB_FORGED_TRUTH),
        (MYSQL_STATUS_FORGED, MYSQL_FORGED_TRUTH),
        (MYSQL_LOG_FORGED, MYSQL_FORGED_TRUTH),
    ] {
        let section = if status == MYSQL_LOG_FORGED { status } else { latest_section(status).unwrap() };
        assert_eq!(told(section), truth);
        let report = parse(section).unwrap();
        let forged = report.transactions.iter().filter_map(|one| one.query.as_ref()).find(|sql| sql.contains("/*"));
        assert!(forged.is_some_and(|sql| sql.ends_with("Trx id counter 5\n */")), "{report:#?}");
    }
}

const MARIADB_FORGED_TRUTH: [&str; 3] = [
    "13 holds dl.a.PRIMARY X record, waits for dl.a.PRIMARY X record",
    "12 holds dl.a.PRIMARY X record, waits for dl.a.PRIMARY X record",
    "victim 13",
];
const MYSQL_FORGED_TRUTH: [&str; 3] = [
    "17 holds dl.a.PRIMARY X record, waits for dl.a.PRIMARY X record",
    "18 holds dl.a.PRIMARY X record, waits for dl.a.PRIMARY X record",
    "victim 18",
];

#[test]
fn the_section_ends_where_the_next_begins() {
    for status in [MARIADB_STATUS_FORGED, MYSQL_STATUS_FORGED] {
        let section = latest_section(status).unwrap();
        assert!(section.starts_with("------------------------\nLATEST DETECTED DEADLOCK\n"), "{section}");
        let last = section.trim_end().lines().next_back().unwrap();
        assert!(last.starts_with("*** WE ROLL BACK TRANSACTION ("), "{last}");
    }
}

#[test]
fn a_server_without_a_deadlock_has_no_section() {
    let (before, _) = MYSQL_STATUS_FORGED.split_once("------------------------\nLATEST").unwrap();
    let (_, after) = MYSQL_STATUS_FORGED.rsplit_once("------------\nTRANSACTIONS\n").unwrap();
    assert_eq!(latest_section(&format!("{before}------------\nTRANSACTIONS\n{after}")), None);
}

#[test]
fn the_order_of_transactions_values_and_months_make_no_other_signature() {
    let swapped = |text: &str| {
        let mut report = text.replace("(1) ", "(one) ").replace("(2) ", "(1) ").replace("(one) ", "(2) ");
        let (first, second) =
            (report.find("*** (2) TRANSACTION:").unwrap(), report.find("*** (1) TRANSACTION:").unwrap());
        let end = report.find("*** WE ROLL BACK").unwrap();
        let parts = [&report[..first], &report[second..end], &report[first..second], &report[end..]];
        report = parts.concat();
        report
    };
    for text in [MARIADB_SHARED_LOCK, MARIADB_TABLE_LOCK, MYSQL_TABLE_LOCK] {
        let swapped = swapped(text);
        let (one, other) = (parse(text).unwrap(), parse(&swapped).unwrap());
        assert_ne!(one.transactions[0].connection_id, other.transactions[0].connection_id);
        assert_eq!(one.signature, other.signature);
        let other_values = text.replace("id=1", "id=77").replace("values (1)", "values (-5)");
        let other_month = other_values.replace("`dl`.`a`", "`dl`.`a` /* Partition `p202701` */");
        assert_eq!(one.signature, parse(&other_month).unwrap().signature);
        assert_ne!(one.signature, parse(&text.replace("`dl`.`a`", "`dl`.`a_1`")).unwrap().signature);
    }
}
