//! Scripted sessions: statements of several connections in a fixed order, blocking ones included.
//!
//! Whether a statement blocks is read from the server, never guessed from a time: a step is over when its statement
//! has ended or when the server says that it waits for a lock.

use crate::processes;
use std::collections::HashMap;
use std::time::Duration;

use futures::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, Either, Row};
use tokio::task::JoinHandle;

/// How often the server is asked whether a statement waits.
const POLL: Duration = Duration::from_millis(5);

/// A statement that neither ends nor waits for a lock in this time is a fault of the test.
const STEP_WAIT: Duration = Duration::from_secs(30);

/// What a statement answered.
#[derive(Debug, Default)]
pub struct Answer {
    /// Rows changed.
    pub rows_affected: u64,
    /// Rows read.
    pub rows: Vec<MySqlRow>,
}

/// How a step ended.
#[derive(Debug)]
pub enum Step {
    /// The statement succeeded.
    Done(Answer),
    /// The statement failed.
    Failed(sqlx::Error),
    /// The statement waits for a lock (or did at some instant: the last statement of a deadlock may, before it or
    /// the other one is chosen as victim). [`Sessions::finish`] gives its answer.
    Blocked,
}

/// Named sessions on one server, driven step by step.
#[derive(Debug)]
pub struct Sessions {
    observer: MySqlConnection,
    sessions: HashMap<String, Session>,
}

type Finished = (MySqlConnection, Result<Answer, sqlx::Error>);

#[derive(Debug)]
struct Session {
    connection_id: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle(MySqlConnection),
    Running(JoinHandle<Finished>),
    /// Between two of the others; a session stays in it only when its statement panicked.
    Gone,
}

impl Sessions {
    /// Connects one session for each of `names`.
    pub async fn new(options: &MySqlConnectOptions, names: &[&str]) -> Self {
        let mut sessions = HashMap::new();
        for name in names {
            let mut connection = connect(options).await;
            let id = sqlx::query_as("SELECT CAST(CONNECTION_ID() AS UNSIGNED)").fetch_one(&mut connection).await;
            let (connection_id,): (u64,) = id.unwrap_or_else(|e| panic!("{e}"));
            sessions.insert((*name).to_owned(), Session { connection_id, state: State::Idle(connection) });
        }
        Self { observer: connect(options).await, sessions }
    }

    /// The server's id of a session, as in its process list.
    pub fn connection_id(&self, session: &str) -> u64 {
        self.sessions.get(session).unwrap_or_else(|| panic!("no session {session:?}")).connection_id
    }

    /// Runs `sql` in `session` until it has ended or waits for a lock. Panics when the session is still blocked.
    pub async fn step(&mut self, session: &str, sql: &str) -> Step {
        let current = self.sessions.get_mut(session).unwrap_or_else(|| panic!("no session {session:?}"));
        let connection_id = current.connection_id;
        let State::Idle(connection) = std::mem::replace(&mut current.state, State::Gone) else {
            panic!("session {session:?} is still blocked: finish it before {sql:?}");
        };
        let task = tokio::spawn(run(connection, sql.to_owned()));
        let deadline = tokio::time::Instant::now() + STEP_WAIT;
        let waits = loop {
            if task.is_finished() {
                break false;
            }
            if is_waiting(&mut self.observer, connection_id).await && !task.is_finished() {
                break true;
            }
            assert!(tokio::time::Instant::now() < deadline, "{session:?} neither ends nor waits: {sql:?}");
            tokio::time::sleep(POLL).await;
        };
        current.state = State::Running(task);
        if waits {
            return Step::Blocked;
        }
        match self.finish(session).await {
            Ok(answer) => Step::Done(answer),
            Err(e) => Step::Failed(e),
        }
    }

    /// Waits for the blocked statement of `session`.
    /// Errors: those of the statement.
    pub async fn finish(&mut self, session: &str) -> Result<Answer, sqlx::Error> {
        let current = self.sessions.get_mut(session).unwrap_or_else(|| panic!("no session {session:?}"));
        let State::Running(task) = std::mem::replace(&mut current.state, State::Gone) else {
            panic!("session {session:?} runs nothing");
        };
        let finished = tokio::time::timeout(STEP_WAIT, task).await;
        let finished = finished.unwrap_or_else(|_| panic!("{session:?} is blocked for more than {STEP_WAIT:?}"));
        let (connection, answer) = finished.unwrap_or_else(|e| panic!("{e}"));
        current.state = State::Idle(connection);
        answer
    }
}

impl Step {
    /// The answer of a statement that must succeed at once.
    pub fn done(self) -> Answer {
        match self {
            Self::Done(answer) => answer,
            other => panic!("expected the statement to succeed at once, but: {other:?}"),
        }
    }

    /// Whether the statement waits for a lock.
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Blocked)
    }
}

async fn connect(options: &MySqlConnectOptions) -> MySqlConnection {
    MySqlConnection::connect_with(options).await.unwrap_or_else(|e| panic!("{e}"))
}

/// Runs one statement over the text protocol, which takes BEGIN, LOCK TABLES and the like as well.
async fn run(mut connection: MySqlConnection, sql: String) -> Finished {
    let answer = collect(&mut connection, sql).await;
    (connection, answer)
}

async fn collect(connection: &mut MySqlConnection, sql: String) -> Result<Answer, sqlx::Error> {
    let mut answer = Answer::default();
    let mut results = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Left(done) => answer.rows_affected += done.rows_affected(),
            Either::Right(row) => answer.rows.push(row),
        }
    }
    Ok(answer)
}

/// Row locks show in `InnoDB`'s status, the others (metadata, table, `GET_LOCK`) in the process list. Not
/// `information_schema.innodb_trx`: it is renewed only when nobody has read it for 100 ms, so that tests that poll
/// side by side would read the same old answer for ever.
async fn is_waiting(observer: &mut MySqlConnection, connection_id: u64) -> bool {
    let state = processes::state_of(observer, connection_id).await;
    if state == "User lock" || state.starts_with("Waiting for") && state.contains("lock") {
        return true;
    }
    let status = sqlx::raw_sql("SHOW ENGINE INNODB STATUS").fetch_one(observer).await;
    let status: String = status.unwrap_or_else(|e| panic!("{e}")).get("Status");
    let transactions = status.split_once("LIST OF TRANSACTIONS").map_or("", |(_, list)| list);
    let session = format!(" thread id {connection_id},");
    transactions.split("---TRANSACTION").any(|one| one.contains(&session) && one.contains("\nLOCK WAIT "))
}
