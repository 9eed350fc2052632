//! What a server can do, told from its version. All differences between the engines are answered here.

use crate::Statement;
use chrono::{DateTime, Utc};
use payhist_types::EngineKind;
use std::time::Duration;

/// Oldest `MariaDB` that payhist was written for.
const MARIADB_MIN: Version = (10, 6, 0);
/// Oldest `MySQL` that payhist was written for.
const MYSQL_MIN: Version = (8, 0, 0);
/// From this version on, `MariaDB`'s TIMESTAMP reaches 2106 (before: 2038-01-19, error 1566).
const MARIADB_LONG_TIMESTAMP: Version = (11, 5, 0);
/// The series in which `MariaDB` began to add partitions by `INTERVAL`.
const MARIADB_INTERVAL_PARTITIONS: Version = (13, 0, 0);
/// From this version on, `MySQL` lists its sessions in `performance_schema`, too.
const MYSQL_PROCESSLIST: Version = (8, 0, 22);
/// The last second of a signed 32-bit clock.
const EPOCH_2038_SECS: i64 = i32::MAX as i64;

/// Major, minor, patch.
pub type Version = (u16, u16, u16);

/// An engine and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    kind: EngineKind,
    version: Version,
}

/// The server is none that payhist knows: unknown means refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server calls itself {0:?}, which payhist does not know: it needs MariaDB 10.6 or MySQL 8.0, or later")]
pub struct UnknownEngine(pub String);

impl Capabilities {
    /// Reads `SELECT VERSION()`, e.g. `10.11.19-MariaDB-0+deb12u1` or `9.7.4`.
    ///
    /// # Errors
    /// [`UnknownEngine`] for anything else, relatives such as `TiDB` included, whose partition DDL was never measured.
    pub fn detect(version: &str) -> Result<Self, UnknownEngine> {
        let unknown = || UnknownEngine(version.to_owned());
        let (numbers, suffix) = version.split_once('-').unwrap_or((version, ""));
        let mut numbers = numbers.split('.').map(str::parse::<u16>);
        let mut next = || numbers.next().and_then(Result::ok).ok_or_else(unknown);
        let number = (next()?, next()?, next()?);
        let suffix = suffix.to_ascii_lowercase();
        let (kind, oldest) = if suffix.contains("mariadb") {
            (EngineKind::MariaDb, MARIADB_MIN)
        } else if ["tidb", "vitess", "singlestore", "oceanbase"].iter().any(|relative| suffix.contains(relative)) {
            return Err(unknown());
        } else {
            (EngineKind::MySql, MYSQL_MIN)
        };
        if number < oldest { Err(unknown()) } else { Ok(Self { kind, version: number }) }
    }

    /// Engine family.
    pub const fn kind(&self) -> EngineKind {
        self.kind
    }

    /// Version numbers.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Makes the server end each of this session's statements after that long: every statement on `MariaDB`
    /// (`max_statement_time`), SELECT on `MySQL` (`max_execution_time`), where catalogue statistics are also read
    /// afresh and not from a cache of a day.
    pub fn limit_session_statements(&self, deadline: Duration) -> Statement {
        Statement::new(match self.kind {
            EngineKind::MariaDb => format!("SET SESSION max_statement_time = {:.3}", deadline.as_secs_f64()),
            EngineKind::MySql => {
                format!(
                    "SET SESSION max_execution_time = {}, information_schema_stats_expiry = 0",
                    deadline.as_millis()
                )
            }
        })
    }

    /// How much older than its commit a change may look by `information_schema.PARTITIONS.UPDATE_TIME`. `MySQL` sets it at the
    /// commit; `MariaDB` when the statement runs, and a transaction that lasts longer than this is not foreseen.
    pub const fn update_time_lag(&self) -> Duration {
        match self.kind {
            EngineKind::MariaDb => Duration::from_mins(10),
            EngineKind::MySql => Duration::ZERO,
        }
    }

    /// Makes the server end one SELECT after that long, whatever its session allows.
    pub fn limit_select(&self, select: &Statement, most: Duration) -> Statement {
        let select = select.as_str();
        Statement::new(match self.kind {
            EngineKind::MariaDb => {
                format!("SET STATEMENT max_statement_time = {:.3} FOR {select}", most.as_secs_f64())
            }
            EngineKind::MySql => {
                let columns = select.strip_prefix("SELECT ").unwrap_or(select);
                format!("SELECT /*+ MAX_EXECUTION_TIME({}) */ {columns}", most.as_millis())
            }
        })
    }

    /// Survives REORGANIZE PARTITION a kill -9 of the server at every point when a new partition takes the old one's name?
    /// On `MariaDB` one point damages the table: between the old file's end and the new one's renaming (FACTS §3).
    pub const fn reorganize_is_crash_safe(&self) -> bool {
        matches!(self.kind, EngineKind::MySql)
    }

    /// Can `RANGE COLUMNS` have an `INTERVAL`, by which the server adds partitions itself? Since `MariaDB` 13.1, as its
    /// documentation says: the catalogue may not tell.
    pub fn has_interval_partitions(&self) -> bool {
        self.kind == EngineKind::MariaDb && self.version >= MARIADB_INTERVAL_PARTITIONS
    }

    /// The table of the server's sessions. `MySQL`'s in `information_schema` fails as a whole (3854) while any session runs a
    /// statement with bytes that are no text; that of `performance_schema` does not, and needs no privilege more.
    pub fn process_list(&self) -> &'static str {
        match self.kind {
            EngineKind::MySql if self.version >= MYSQL_PROCESSLIST => "performance_schema.processlist",
            _ => "information_schema.PROCESSLIST",
        }
    }

    /// The oldest open transactions but the asking session's: session, user, host, seconds that it is open, what it runs.
    pub fn open_transactions(&self, most: u32) -> Statement {
        let sessions = self.process_list();
        Statement::new(format!(
            "SELECT CAST(trx_mysql_thread_id AS UNSIGNED), p.USER, p.HOST, \
             CAST(TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS SIGNED), LEFT(trx_query, 200) \
             FROM information_schema.INNODB_TRX t LEFT JOIN {sessions} p ON p.ID = t.trx_mysql_thread_id \
             WHERE trx_mysql_thread_id <> CONNECTION_ID() ORDER BY trx_started LIMIT {most}"
        ))
    }

    /// The privilege to end other users' sessions.
    pub const fn connection_admin(&self) -> &'static str {
        match self.kind {
            EngineKind::MariaDb => "CONNECTION ADMIN",
            EngineKind::MySql => "CONNECTION_ADMIN",
        }
    }

    /// Can a TIMESTAMP column, and so `UNIX_TIMESTAMP(column)`, reach that instant?
    pub fn timestamp_reaches(&self, at: DateTime<Utc>) -> bool {
        at.timestamp() <= EPOCH_2038_SECS
            || (self.kind == EngineKind::MariaDb && self.version >= MARIADB_LONG_TIMESTAMP)
    }

    /// Does the engine's deadlock report name the victim by a number one too high? MDEV-37977: `MariaDB` counts the
    /// transactions from one place when it picks the victim and from the next when it prints them (of three, 1 means
    /// 3, 2 means 1). Mended after February 2026. Measured: 10.11.14 counts wrongly; 10.11.19 and 11.8.9 do not.
    pub const fn miscounts_deadlock_victim(&self) -> bool {
        let (major, minor, patch) = self.version;
        matches!(self.kind, EngineKind::MariaDb)
            && match (major, minor) {
                (10, 6) => patch < 26,
                (10, 11) => patch < 17,
                (11, 4) => patch < 11,
                (11, 8) => patch < 7,
                _ => major < 12 || (major == 12 && minor < 3), // these series had ended
            }
    }

    /// EXPLAIN with the partitions it touches, of a SELECT that storage built.
    pub const fn explain_partitions(&self) -> &'static str {
        match self.kind {
            EngineKind::MariaDb => "EXPLAIN PARTITIONS ",
            EngineKind::MySql => "EXPLAIN FORMAT=TRADITIONAL ",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_seen_in_the_field_are_told_apart() {
        let kind = |version| Capabilities::detect(version).unwrap().kind();
        assert_eq!(kind("10.11.19-MariaDB-0+deb12u1"), EngineKind::MariaDb);
        assert_eq!(kind("11.8.6-MariaDB-log"), EngineKind::MariaDb);
        assert_eq!(kind("9.7.4"), EngineKind::MySql);
        assert_eq!(kind("8.4.5-0ubuntu0.24.04.1"), EngineKind::MySql);
        assert_eq!(kind("8.0.36-28"), EngineKind::MySql, "Percona Server");
    }

    #[test]
    fn versions_that_miscount_the_deadlock_victim_are_known() {
        let miscounts = |version| Capabilities::detect(version).unwrap().miscounts_deadlock_victim();
        for wrong in ["10.6.25-MariaDB", "10.11.14-MariaDB", "11.2.1-MariaDB", "11.8.6-MariaDB", "12.2.2-MariaDB"] {
            assert!(miscounts(wrong), "{wrong}");
        }
        for right in ["10.11.19-MariaDB", "11.8.9-MariaDB", "12.3.1-MariaDB", "13.0.1-MariaDB", "9.7.4"] {
            assert!(!miscounts(right), "{right}");
        }
    }

    #[test]
    fn interval_partitions_are_expected_where_they_may_be() {
        let has = |version| Capabilities::detect(version).unwrap().has_interval_partitions();
        assert!(has("13.0.1-MariaDB") && has("13.1.0-MariaDB-log"));
        assert!(!has("12.3.2-MariaDB") && !has("11.8.9-MariaDB-0+deb13u1") && !has("9.7.4"));
    }

    #[test]
    fn sessions_are_listed_where_no_statement_spoils_the_list() {
        let list = |version| Capabilities::detect(version).unwrap().process_list();
        assert_eq!([list("8.0.22"), list("9.7.4")], ["performance_schema.processlist"; 2]);
        assert_eq!([list("8.0.21"), list("10.11.19-MariaDB")], ["information_schema.PROCESSLIST"; 2]);
    }

    #[test]
    fn one_select_has_its_own_bound() {
        let select = Statement::new("SELECT COUNT(*) FROM `t`".to_owned());
        let limited = |version| {
            Capabilities::detect(version).unwrap().limit_select(&select, Duration::from_millis(1_500)).to_string()
        };
        assert_eq!(
            limited("10.11.19-MariaDB"),
            "SET STATEMENT max_statement_time = 1.500 FOR SELECT COUNT(*) FROM `t`"
        );
        assert_eq!(limited("9.7.4"), "SELECT /*+ MAX_EXECUTION_TIME(1500) */ COUNT(*) FROM `t`");
    }

    #[test]
    fn an_unknown_engine_is_refused() {
        for version in ["", "9", "x.y.z", "5.7.44", "10.1.48-MariaDB", "8.0.11-TiDB-v8.5.0", "8.0.30-Vitess"] {
            assert!(Capabilities::detect(version).is_err(), "{version}");
        }
    }
}
