//! What tells apart servers that should be alike.
//!
//! Few settings are compared: those by which the same statement ends differently on one shard than on the next.

use payhist_types::EngineKind;
use payhist_types::doctor::Severity;

use super::differences::odd;
use super::facts::Server;
use super::{Ailment, Found};

/// Partition DDL, and its faults, are those of a version.
pub const VERSION: &str = "version";
/// Strict or not: what does not fit is refused, or stored cut to size.
pub const SQL_MODE: &str = "sql_mode";
/// Is `T` the table `t`?
pub const LOWER_CASE_TABLE_NAMES: &str = "lower_case_table_names";
/// Does a lock's timeout undo the transaction, or its last statement alone?
pub const ROLLBACK_ON_TIMEOUT: &str = "innodb_rollback_on_timeout";

/// All of them.
pub const SETTINGS: [&str; 4] = [VERSION, SQL_MODE, LOWER_CASE_TABLE_NAMES, ROLLBACK_ON_TIMEOUT];

/// Of servers of the same engine, by source: those that differ from most.
pub fn differing<'a>(servers: &[(&'a str, EngineKind, &Server)]) -> Vec<(&'a str, Found)> {
    let mut found = Vec::new();
    for engine in [EngineKind::MariaDb, EngineKind::MySql] {
        let alike = servers.iter().filter(|(_, kind, _)| *kind == engine);
        let alike: Vec<_> = alike.map(|(source, _, server)| (*source, *server)).collect();
        for setting in SETTINGS {
            for (source, here, most) in odd(&alike, |server| server.settings.get(setting).cloned().unwrap_or_default())
            {
                let ailment = Ailment::SourceDiffers { setting, here, most };
                found.push((source, Found { severity: Severity::Warning, shard: None, table: None, ailment }));
            }
        }
    }
    found
}
