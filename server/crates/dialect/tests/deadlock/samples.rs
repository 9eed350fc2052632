//! The samples that were recorded for the project lie outside this repository: they are read when they are there.

use super::told;
use payhist_dialect::deadlock::{DeadlockParseError, latest_section, parse};
use payhist_types::EngineKind;
use std::fs;
use std::path::{Path, PathBuf};

/// The text of a sample; `None`, and a word of it, on a machine that has none.
pub(super) fn sample(name: &str) -> Option<String> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/deadlocks");
    if !folder.is_dir() {
        eprintln!("{name} is not checked: no folder {}", folder.display());
        return None;
    }
    Some(fs::read_to_string(folder.join(name)).expect("a readable sample"))
}

/// Two updates of the months 10 and 11 in opposite orders.
struct TwoMonths {
    name: &'static str,
    engine: EngineKind,
    connections: [u64; 2],
    victim: u64,
    /// What each holds, and the other waits for.
    holds: [&'static str; 2],
}

const TWO_MONTHS: [TwoMonths; 5] = [
    mariadb("deadlock-mariadb1011.txt", [13, 12], 13),
    mariadb("deadlock-errorlog-mdb1011.txt", [13, 12], 13),
    mariadb("deadlock-mariadb118.txt", [12, 11], 11),
    mariadb("deadlock-errorlog-mdb118.txt", [12, 11], 11),
    TwoMonths {
        name: "deadlock-mysql97.txt",
        engine: EngineKind::MySql,
        connections: [21, 22],
        victim: 22,
        holds: ["p202610", "p202611"],
    },
];

const fn mariadb(name: &'static str, connections: [u64; 2], victim: u64) -> TwoMonths {
    TwoMonths { name, engine: EngineKind::MariaDb, connections, victim, holds: ["p202611", "p202610"] }
}

#[test]
fn two_months_are_told_apart() {
    for TwoMonths { name, engine, connections, victim, holds } in TWO_MONTHS {
        let Some(text) = sample(name) else { return };
        let lock = |partition| format!("dl.payment_history_shard_3({partition}).PRIMARY X record");
        let line =
            |of: usize| format!("{} holds {}, waits for {}", connections[of], lock(holds[of]), lock(holds[1 - of]));
        assert_eq!(told(&text), [line(0), line(1), format!("victim {victim}")], "{name}");
        let report = parse(&text).unwrap();
        assert_eq!((report.engine, report.truncated), (engine, false), "{name}");
        for one in &report.transactions {
            assert_eq!((one.user.as_deref(), one.host.as_deref()), (Some("root"), Some("localhost")), "{name}");
            assert!(one.active_secs.is_some_and(|secs| secs <= 1), "{name}");
        }
    }
}

#[test]
fn the_statement_is_the_one_that_waited() {
    for TwoMonths { name, holds, .. } in TWO_MONTHS {
        let Some(text) = sample(name) else { return };
        for (one, held) in parse(&text).unwrap().transactions.iter().zip(holds) {
            let row =
                if held == "p202610" { "id=2 AND created_at='2026-11-06'" } else { "id=1 AND created_at='2026-10-05'" };
            let statement = format!("UPDATE payment_history_shard_3 SET amount=amount+2 WHERE {row}");
            assert_eq!(one.query.as_deref(), Some(statement.as_str()), "{name}");
        }
    }
}

#[test]
fn the_servers_own_time_is_kept() {
    for (name, at) in [
        ("deadlock-mariadb1011.txt", "2026-11-22 12:51:39"),
        ("deadlock-errorlog-mdb118.txt", "2026-11-22 12:52:16"),
        ("deadlock-mysql97.txt", "2026-11-22 12:52:31"),
    ] {
        let Some(text) = sample(name) else { return };
        assert_eq!(parse(&text).unwrap().occurred_at.to_string(), at, "{name}");
    }
}

#[test]
fn three_transactions_are_three() {
    for (name, connections, victim) in [
        ("deadlock-mariadb1011-3way.txt", [19, 20, 21], 21),
        ("deadlock-mariadb118-3way.txt", [17, 18, 19], 17),
        ("deadlock-mysql97-3way.txt", [27, 28, 26], 28),
    ] {
        let Some(text) = sample(name) else { return };
        let lock = "dl.pay_q.PRIMARY X record";
        let line = |id| format!("{id} holds {lock}, waits for {lock}");
        let lines = connections.map(line).into_iter().chain([format!("victim {victim}")]);
        assert_eq!(told(&text), lines.collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn gaps_and_a_forged_marker_within_a_statement_are_understood() {
    const FORGING: &str =
        "INSERT INTO pay_q(user_id,ref,note)\nVALUES (25, 'gap-1',\n  'multi\nline ; *** (2) TRANSACTION: spoof')";
    for (name, connections, victim, forger) in [
        ("deadlock-mariadb1011-gap.txt", [23, 22], 23, 1),
        ("deadlock-mariadb118-gap.txt", [21, 20], 20, 1),
        ("deadlock-mysql97-gap.txt", [29, 30], 30, 0),
    ] {
        let Some(text) = sample(name) else { return };
        let line = |id| format!("{id} holds dl.pay_q.k_user X gap, waits for dl.pay_q.k_user X insert_intention");
        let lines = connections.map(line).into_iter().chain([format!("victim {victim}")]);
        assert_eq!(told(&text), lines.collect::<Vec<_>>(), "{name}");
        let report = parse(&text).unwrap();
        assert_eq!(report.transactions[forger].query.as_deref(), Some(FORGING), "{name}");
        assert!(report.transactions[1 - forger].query.as_ref().unwrap().ends_with("zzz')"), "{name}");
    }
}

#[test]
fn the_same_deadlock_has_one_signature_on_each_engine_and_in_each_form() {
    let signatures = |names: &[&str]| {
        let texts: Option<Vec<_>> = names.iter().map(|name| sample(name)).collect();
        texts.map(|texts| texts.iter().map(|text| parse(text).unwrap().signature).collect::<Vec<_>>())
    };
    for names in [
        &TWO_MONTHS.map(|one| one.name)[..],
        &["deadlock-mariadb1011-gap.txt", "deadlock-mariadb118-gap.txt", "deadlock-mysql97-gap.txt"],
        &["deadlock-mariadb1011-3way.txt", "deadlock-mariadb118-3way.txt", "deadlock-mysql97-3way.txt"],
    ] {
        let Some(signatures) = signatures(names) else { return };
        assert!(signatures.iter().all(|one| *one == signatures[0]), "{names:?}: {signatures:#?}");
    }
}

#[test]
fn a_sample_is_its_own_section() {
    for TwoMonths { name, .. } in TWO_MONTHS.iter().filter(|one| !one.name.contains("errorlog")) {
        let Some(text) = sample(name) else { return };
        assert_eq!(latest_section(&text), Some(text.as_str()), "{name}");
    }
}

/// Below `log_error_verbosity = 3` `MySQL` logs neither headings nor time nor victim: nothing to make a report of.
#[test]
fn a_log_without_headings_is_refused() {
    let Some(text) = sample("deadlock-errorlog-mysql97.txt") else { return };
    assert_eq!(parse(&text), Err(DeadlockParseError::NoTransaction));
}
