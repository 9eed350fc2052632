//! A real deadlock, for the tests of what watches for them.

use std::fs::File;

use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError};

use crate::sessions::{Answer, Sessions, Step};
use crate::template::{exclusive_lock, testkit_folder};

/// `ER_LOCK_DEADLOCK`.
const DEADLOCK: u16 = 1213;

/// A deadlock that has just happened: two transactions updated two tables in opposite orders.
///
/// A server shows only its latest deadlock: while this value lives, no other test provokes one.
#[derive(Debug)]
pub struct ProvokedDeadlock {
    /// The session that was rolled back.
    pub victim: DeadlockSession,
    /// The session that went on, and has committed.
    pub survivor: DeadlockSession,
    _latest: File,
}

/// One side of a [`ProvokedDeadlock`].
#[derive(Debug)]
pub struct DeadlockSession {
    /// The server's id of the connection.
    pub connection_id: u64,
    /// The table whose row it had locked.
    pub holds: &'static str,
    /// The table whose row it waited for.
    pub waits_for: &'static str,
    /// The statement that waited.
    pub statement: &'static str,
}

/// Creates the tables `deadlock_left` and `deadlock_right` (once) in the schema of `options`, and makes two
/// transactions wait for each other's row there.
pub async fn provoke_deadlock(options: &MySqlConnectOptions) -> ProvokedDeadlock {
    const UPDATE_LEFT: &str = "UPDATE deadlock_left SET n = n + 1 WHERE id = 1";
    const UPDATE_RIGHT: &str = "UPDATE deadlock_right SET n = n + 1 WHERE id = 1";
    let latest = exclusive_lock(testkit_folder().join("latest-deadlock")).await;
    let mut sessions = Sessions::new(options, &["one", "other"]).await;
    for sql in [
        "CREATE TABLE IF NOT EXISTS deadlock_left (id INT PRIMARY KEY, n INT NOT NULL) ENGINE = InnoDB",
        "CREATE TABLE IF NOT EXISTS deadlock_right (id INT PRIMARY KEY, n INT NOT NULL) ENGINE = InnoDB",
        "INSERT IGNORE INTO deadlock_left VALUES (1, 0)",
        "INSERT IGNORE INTO deadlock_right VALUES (1, 0)",
    ] {
        sessions.step("one", sql).await.done();
    }
    for (session, sql) in [("one", UPDATE_LEFT), ("other", UPDATE_RIGHT)] {
        sessions.step(session, "BEGIN").await.done();
        sessions.step(session, sql).await.done();
    }
    let first_wait = sessions.step("one", UPDATE_RIGHT).await;
    assert!(first_wait.is_blocked(), "the row is locked, yet: {first_wait:?}");
    let last = match sessions.step("other", UPDATE_LEFT).await {
        Step::Done(answer) => Ok(answer),
        Step::Failed(e) => Err(e),
        Step::Blocked => sessions.finish("other").await,
    };
    let one_is_victim = match (is_victim(&sessions.finish("one").await), is_victim(&last)) {
        (true, false) => true,
        (false, true) => false,
        (one, other) => panic!("one of two must be the victim, but: one {one}, other {other}"),
    };
    let one = DeadlockSession {
        connection_id: sessions.connection_id("one"),
        holds: "deadlock_left",
        waits_for: "deadlock_right",
        statement: UPDATE_RIGHT,
    };
    let other = DeadlockSession {
        connection_id: sessions.connection_id("other"),
        holds: "deadlock_right",
        waits_for: "deadlock_left",
        statement: UPDATE_LEFT,
    };
    sessions.step(if one_is_victim { "other" } else { "one" }, "COMMIT").await.done();
    let (victim, survivor) = if one_is_victim { (one, other) } else { (other, one) };
    ProvokedDeadlock { victim, survivor, _latest: latest }
}

fn is_victim(answer: &Result<Answer, sqlx::Error>) -> bool {
    let error = answer.as_ref().err().and_then(sqlx::Error::as_database_error);
    error.and_then(|e| e.try_downcast_ref::<MySqlDatabaseError>()).is_some_and(|e| e.number() == DEADLOCK)
}
