//! The server: clock, zones, privileges, replicas.

use payhist_types::doctor::Severity;
use payhist_types::history::HistorySpec;
use payhist_types::inventory::{Boundary, TableState};
use payhist_types::policy::Blockers;
use payhist_types::replicas::{Replica, ReplicaState};

use super::facts::Privileges;
use super::{Ailment, Case, Found, found};

/// Clocks further apart are worth a look: months change at another moment than payhist thinks.
const CLOCK_WARNING_MS: i64 = 2_000;
/// Clocks further apart are an error.
const CLOCK_ERROR_MS: i64 = 60_000;
/// What a conversion needs: PROCESS shows it the foreign keys of other schemas, and who still sees the table as it was.
const CONVERTING: [&str; 8] = ["INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "TRIGGER", "PROCESS"];

/// The privilege to end other users' sessions, as MariaDB spells it.
pub const CONNECTION_ADMIN: &str = "CONNECTION ADMIN";
/// What both engines show the holders of metadata locks to.
pub const LOCK_HOLDERS: &str = "SELECT on performance_schema";

pub(super) fn examine(case: &Case) -> Vec<Found> {
    let server = &case.facts.server;
    let mut ailments = Vec::new();
    let mut add = |severity, ailment| ailments.push(found(case.spec, severity, None, ailment));
    let ahead_ms = server.clock_ahead_ms;
    if ahead_ms.abs() > CLOCK_WARNING_MS {
        let severity = if ahead_ms.abs() > CLOCK_ERROR_MS { Severity::Error } else { Severity::Warning };
        add(severity, Ailment::Clock { ahead_ms });
    }
    if !is_utc(&server.session_zone) {
        add(Severity::Error, Ailment::SessionZone(server.session_zone.clone()));
    }
    if !is_utc(&server.server_zone) {
        add(Severity::Warning, Ailment::ServerZone(server.server_zone.clone()));
    }
    let policy = &case.spec.policy;
    if server.logs_statements && policy.retention_months.is_some() {
        let severity = if may_have_held_rows(case) { Severity::Error } else { Severity::Warning };
        add(severity, Ailment::BinlogByStatement);
    }
    let (taking_out, for_that): (_, &[_]) = match (policy.retention_months, policy.quarantine_days) {
        (None, _) => ("to take expired months out", &[]),
        (Some(_), None) => ("to drop expired months", &["ALTER", "DROP"]),
        (Some(_), Some(_)) => {
            ("to quarantine and restore months", &["ALTER", "CREATE", "INSERT", "DELETE", "DROP", "LOCK TABLES"])
        }
    };
    let for_adding: &[_] = match policy.premake_months {
        None => &[],
        Some(_) if has_max_value(case) => &["ALTER", "LOCK TABLES"], // its rows are counted while nobody writes
        Some(_) => &["ALTER"],
    };
    let for_carving: &[_] = match (policy.retention_months, policy.quarantine_days) {
        (Some(_), None) if may_have_held_rows(case) => &["CREATE", "INSERT", "DELETE", "LOCK TABLES"],
        _ => &[], // whoever may quarantine may do this, too
    };
    let for_converting: &[_] = if is_unpartitioned(case) { &CONVERTING } else { &[] };
    // PROCESS shows the open transactions that a step names when it gives up; whoever kills needs to see the holders.
    let (for_killing, for_naming): (&[_], &[_]) = match policy.blockers {
        Blockers::Kill => (&[CONNECTION_ADMIN, LOCK_HOLDERS], &["PROCESS"]),
        Blockers::Wait if policy.premake_months.or(policy.retention_months).is_some() => {
            (&[], &["PROCESS", LOCK_HOLDERS])
        }
        Blockers::Wait => (&[], &[]),
    };
    let needed: [(_, &'static str, &[&'static str]); 7] = [
        (Severity::Error, "to browse", &["SELECT"]),
        (Severity::Warning, "to add months", for_adding),
        (Severity::Warning, taking_out, for_that),
        (Severity::Warning, "to carve what legal holds keep out of expired months", for_carving),
        (Severity::Warning, "to convert tables without partitions", for_converting),
        (Severity::Warning, "to end the sessions that block a step, as the policy says", for_killing),
        (Severity::Info, "to name the sessions that block a step", for_naming),
    ];
    for (severity, purpose, privileges) in needed {
        let missing = privileges.iter().copied().filter(|privilege| lacks(case, privilege));
        // Of what was tried no role can allow more.
        let (unclear, missing): (Vec<_>, Vec<_>) =
            missing.partition(|privilege| case.facts.privileges.by_role && *privilege != LOCK_HOLDERS);
        if !unclear.is_empty() {
            add(Severity::Info, Ailment::NotChecked(format!("whether a role allows {}", unclear.join(", "))));
        }
        if !missing.is_empty() {
            add(severity, Ailment::Privileges { missing, purpose });
        }
    }
    ailments
}

/// The replicas of a source that hold work back.
pub fn replicas(spec: &HistorySpec, replicas: Vec<Replica>) -> Vec<Found> {
    let lag_max_secs = spec.policy.replica_lag_max_secs();
    let behind = replicas.into_iter().filter(|replica| replica.state.holds_back(lag_max_secs));
    let judged = behind.map(|replica| {
        let severity = match replica.state {
            ReplicaState::Behind { .. } => Severity::Warning,
            _ => Severity::Error,
        };
        found(spec, severity, None, Ailment::Replica(replica))
    });
    judged.collect()
}

fn is_unpartitioned(case: &Case) -> bool {
    case.facts.inventory.shards.iter().any(|entry| matches!(entry.state, TableState::NotPartitioned))
}

/// Are rows held, or may they be? Or are there copies of such that were?
fn may_have_held_rows(case: &Case) -> bool {
    let holds = case.facts.inventory.holds.as_ref();
    holds.is_none_or(|holds| holds.iter().any(|hold| hold.is_active(case.now) && hold.scope.rows().is_some()))
        || case
            .entries()
            .any(|entry| matches!(&entry.state, TableState::Partitioned { carving, .. } if carving.held.is_some()))
}

fn has_max_value(case: &Case) -> bool {
    case.entries().any(|entry| match &entry.state {
        TableState::Partitioned { partitions, .. } => {
            partitions.iter().any(|partition| partition.upper == Boundary::MaxValue)
        }
        TableState::Missing
        | TableState::NotPartitioned
        | TableState::Unreadable { .. }
        | TableState::Misplaced { .. } => false,
    })
}

/// No table can be seen, and no privilege would show one.
pub(super) fn sees_nothing(case: &Case) -> bool {
    lacks(case, "SELECT") && case.entries().all(|entry| matches!(entry.state, TableState::Missing))
}

fn lacks(case: &Case, privilege: &str) -> bool {
    if privilege == LOCK_HOLDERS {
        return !case.facts.privileges.sees_lock_holders;
    }
    !case.entries().all(|entry| case.facts.privileges.allow(privilege, &case.spec.schema, &entry.table))
}

impl Privileges {
    fn allow(&self, privilege: &str, schema: &str, table: &str) -> bool {
        self.grants.iter().any(|grant| {
            // MySQL writes the names of newer ones with underscores.
            grant.privilege.replace('_', " ").eq_ignore_ascii_case(privilege)
                && grant.schema.as_deref().is_none_or(|pattern| matches_like(pattern, schema) || pattern == schema)
                && grant.table.as_deref().is_none_or(|only| only == table)
        })
    }
}

/// LIKE, as GRANT matches schemas: `_` one character, `%` any, `\` takes the next as it is.
fn matches_like(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('%') => {
            text.char_indices().map(|(at, _)| &text[at..]).chain([""]).any(|tail| matches_like(rest.as_str(), tail))
        }
        Some(first) => {
            let wanted = if first == '\\' { rest.next() } else { Some(first).filter(|c| *c != '_') };
            let mut chars = text.chars();
            chars.next().is_some_and(|c| wanted.is_none_or(|wanted| wanted == c))
                && matches_like(rest.as_str(), chars.as_str())
        }
    }
}

fn is_utc(zone: &str) -> bool {
    ["+00:00", "-00:00", "UTC", "GMT", "Etc/UTC"].iter().any(|utc| zone.eq_ignore_ascii_case(utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_on_patterns_of_schemas_count() {
        for (pattern, schema, matches) in [
            ("pay%", "payments", true),
            ("pay\\_a", "pay_a", true),
            ("pay\\_a", "payxa", false),
            ("p_y", "pay", true),
            ("", "x", false),
        ] {
            assert_eq!(matches_like(pattern, schema), matches, "{pattern} {schema}");
        }
    }
}
