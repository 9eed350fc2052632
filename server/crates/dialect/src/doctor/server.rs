//! Of servers and of the mapping of columns: what takes no SQL to mend.

use super::Said;
use crate::Statement;
use payhist_plan::doctor::Ailment;
use payhist_plan::doctor::sources::{LOWER_CASE_TABLE_NAMES, SQL_MODE, VERSION};
use payhist_types::replicas::{Replica, ReplicaState};

pub(super) fn of_server(ailment: &Ailment) -> Said {
    match ailment {
        Ailment::Clock { ahead_ms } => Said::new(
            "clock",
            format!("the server's clock is {} ms {} payhist's", ahead_ms.unsigned_abs(), if *ahead_ms > 0 { "ahead of" } else { "behind" }),
            "rows with the server's time fall into another month than payhist thinks is the current one",
        )
        .steps("Let both machines follow NTP."),
        Ailment::SessionZone(zone) => Said::new(
            "session_zone",
            format!("payhist's sessions are in the zone {zone}"),
            "DATETIME and TIMESTAMP values would be read wrongly by the difference",
        )
        .steps("Take `timezone` out of the source's url in the configuration."),
        Ailment::ServerZone(zone) => Said::new(
            "server_zone",
            format!("sessions that set no time zone are in {zone}"),
            "NOW() and CURRENT_TIMESTAMP write that zone's time into DATETIME columns, which payhist reads as UTC: rows near a month's edge are in the wrong partition",
        )
        .steps("Set default-time-zone = '+00:00' for the server, or let every application SET time_zone = '+00:00'."),
        Ailment::BinlogByStatement => Said::new(
            "binlog_by_statement",
            "the server logs statements, not rows (binlog_format = STATEMENT)",
            "held rows are copied in batches out of a month before it goes, and a replica may copy others in their place: payhist \
             copies none then, and a month with held rows stays",
        )
        .sql(Ok(vec![Statement::new("SET GLOBAL binlog_format = 'ROW'".to_owned())]))
        .steps("Set it in the server's configuration, too. Sessions keep what they began with: start payhist again."),
        Ailment::SourceDiffers { setting, here, most } => {
            let (why, steps) = source_differs(setting);
            Said::new("sources_differ", format!("its {setting} is {here}, of most sources of its engine {most}"), why).steps(steps)
        }
        Ailment::BrowsedColumns { missing } => Said::new(
            "columns_missing",
            format!("the tables have no {}", missing.join(", ")),
            "pages and exports of payments read these columns; rotation does not",
        )
        .steps("Rotation works all the same. Say in [history.columns] what the tables call them."),
        Ailment::ColumnType { own, column, wanted } => Said::new(
            "column_type",
            format!("the column {} is {}, and is to be {own}", column.name, column.column_type),
            format!("{own} has to be {wanted}: pages cannot read this shard"),
        )
        .steps("Name another column in [history.columns]; a generated one will do."),
        Ailment::PartitionedByOther { partitioned_by, created_at } => Said::new(
            "partitioned_by_other",
            format!("it is partitioned by {partitioned_by}, and a payment's time is {created_at}"),
            "no page can tell which partitions have the rows of its time: each reads them all",
        )
        .steps(format!("If {partitioned_by} says when a payment was created, name it as created_at in [history.columns].")),
        Ailment::StatusWords(words) => Said::new(
            "status_words",
            format!("words for states that payhist does not know: {}", words.join(", ")),
            "a page with such a payment cannot be shown: payhist guesses no state",
        )
        .steps("Say in [history.columns.status_words] which of payhist's states each word means."),
        Ailment::NotChecked(what) => {
            Said::new("not_checked", format!("could not be examined: {what}"), "what is not known is not sound").steps("Run doctor again in a quiet hour, or look yourself.")
        }
        Ailment::Replica(replica) => of_replica(replica),
        Ailment::Planner(kind) => super::planner::of_planner(kind),
        _ => Said::new("unexplained", format!("{ailment:?}"), "without an answer from the server there is no more to say"),
    }
}

fn of_replica(replica: &Replica) -> Said {
    let (code, steps) = match &replica.state {
        ReplicaState::Behind { .. } => ("replica_behind", "Wait, or look what it is busy with.".to_owned()),
        ReplicaState::Stopped { .. } => {
            ("replica_stopped", "Look at its SHOW REPLICA STATUS and its error log.".to_owned())
        }
        ReplicaState::NoReplica => (
            "no_replica",
            "Make it a replica of the source, or take it out of `replicas` in the configuration.".to_owned(),
        ),
        ReplicaState::Forbidden { privilege } => {
            ("replica_privilege", format!("On the replica: GRANT {privilege} ON *.* TO the user of its address."))
        }
        ReplicaState::Unreachable { .. } => {
            ("replica_unreachable", "Mend it, or its address in the configuration.".to_owned())
        }
    };
    let why = "what drops or copies rows waits until it is known to be in time; months are added all the same";
    Said::new(code, format!("the replica {} of {} is {}", replica.name, replica.source, replica.state), why)
        .steps(steps)
}

/// Why it matters, and what to do.
fn source_differs(setting: &str) -> (&'static str, &'static str) {
    match setting {
        VERSION => (
            "partition DDL, its faults, and how far TIMESTAMP reaches differ by version: what was tried on one server may fail on another",
            "Finish the upgrade, or say in the rota why they differ.",
        ),
        SQL_MODE => (
            "without STRICT_TRANS_TABLES a value that does not fit is cut to size and stored, where the others refuse it",
            "Set the same sql_mode in the configuration of every server.",
        ),
        LOWER_CASE_TABLE_NAMES => (
            "a table's name in another case is the same table on one server, and none on another",
            "It can only be chosen when a server is first set up: see that all names are in lower case.",
        ),
        _ => (
            "after a lock's timeout (1205) one server undoes the whole transaction and another its last statement: an application \
             that goes on commits a half on one of them",
            "Set the same innodb_rollback_on_timeout in the configuration of every server; it takes a restart.",
        ),
    }
}
