//! How each engine is asked how far a replica is behind. MySQL manual, `SHOW REPLICA STATUS`; MariaDB documentation,
//! `SHOW REPLICA STATUS`.

use crate::{Capabilities, Statement};
use payhist_types::EngineKind;

/// The question, and the columns of its answer: a row for each channel.
#[derive(Debug, Clone)]
pub struct Question {
    /// The question.
    pub statement: Statement,
    /// What whoever asks needs on `*.*`.
    pub privilege: &'static str,
    /// The column of the lag in seconds; NULL is unknown.
    pub lag: &'static str,
    /// The thread that fetches, and the one that applies.
    pub threads: [Thread; 2],
}

/// What is said of a thread.
#[derive(Debug, Clone)]
pub struct Thread {
    /// The column that is `Yes` while it runs.
    pub runs: &'static str,
    /// The column with its last error's number, or 0.
    pub error: &'static str,
}

impl Capabilities {
    /// How to ask a server how far it is behind. `MySQL` before 8.0.22 does not know the question, and so has no answer.
    pub fn replication(&self) -> Question {
        let thread = |runs, error| Thread { runs, error };
        match self.kind() {
            EngineKind::MariaDb => Question {
                statement: Statement::new("SHOW ALL REPLICAS STATUS".to_owned()),
                privilege: "REPLICA MONITOR",
                lag: "Seconds_Behind_Master",
                threads: [thread("Slave_IO_Running", "Last_IO_Errno"), thread("Slave_SQL_Running", "Last_SQL_Errno")],
            },
            EngineKind::MySql => Question {
                statement: Statement::new("SHOW REPLICA STATUS".to_owned()),
                privilege: "REPLICATION CLIENT",
                lag: "Seconds_Behind_Source",
                threads: [
                    thread("Replica_IO_Running", "Last_IO_Errno"),
                    thread("Replica_SQL_Running", "Last_SQL_Errno"),
                ],
            },
        }
    }
}
