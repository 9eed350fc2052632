//! How far replicas are behind their sources: volatile, and so no part of a plan or its hash.
//!
//! Invariant: what is not known is never taken for no lag.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Seconds that a replica may be behind where the policy does not say.
pub const REPLICA_LAG_MAX_SECS: u32 = 10;

/// A configured replica as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// The source that it is configured for.
    pub source: String,
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: ReplicaState,
}

/// What is known of a replica's lag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReplicaState {
    /// It replicates.
    Behind {
        /// The most that one of its channels is behind, as the server says.
        secs: u64,
    },
    /// A thread does not run, or the server does not know the lag.
    Stopped {
        /// Which, and the error's number.
        why: String,
    },
    /// The server replicates from nobody.
    NoReplica,
    /// The user may not ask.
    Forbidden {
        /// What it lacks.
        privilege: String,
    },
    /// It does not answer, or what it answers cannot be read.
    Unreachable {
        /// The driver's or the server's words.
        reason: String,
    },
}

impl ReplicaState {
    /// Must what burdens replicas wait for it?
    pub const fn holds_back(&self, lag_max_secs: u32) -> bool {
        !matches!(self, Self::Behind { secs } if *secs <= lag_max_secs as u64)
    }
}

impl fmt::Display for ReplicaState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind { secs } => write!(formatter, "{secs} s behind"),
            Self::Stopped { why } => write!(formatter, "stopped, so that its lag is unknown: {why}"),
            Self::NoReplica => formatter.write_str("no replica: the server replicates from nobody"),
            Self::Forbidden { privilege } => write!(formatter, "not to be asked: its user lacks {privilege}"),
            Self::Unreachable { reason } => write!(formatter, "not answering: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lag_that_is_known_and_small_lets_work_go_on() {
        assert!(!ReplicaState::Behind { secs: 0 }.holds_back(0));
        assert!(!ReplicaState::Behind { secs: 10 }.holds_back(10));
        assert!(ReplicaState::Behind { secs: 11 }.holds_back(10));
        for unknown in [
            ReplicaState::NoReplica,
            ReplicaState::Stopped { why: String::new() },
            ReplicaState::Forbidden { privilege: String::new() },
            ReplicaState::Unreachable { reason: String::new() },
        ] {
            assert!(unknown.holds_back(u32::MAX), "{unknown}");
        }
    }
}
