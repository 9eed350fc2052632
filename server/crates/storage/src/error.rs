//! What can go wrong between payhist and a database, in classes that callers act on.

use payhist_dialect::error_class::{ErrorClass, classify};

/// A failure of storage. The class decides what the caller may do; the text names the operation.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// The server does not answer, or the pool has no connection to give in time.
    #[error("{operation}: the database does not answer: {reason}")]
    Unavailable {
        /// What was being done.
        operation: &'static str,
        /// The driver's words.
        reason: String,
    },
    /// The engine chose this transaction as a deadlock's victim, or a row lock did not come in time; all of it was
    /// rolled back or is rolled back by its drop, and may be tried again as a whole.
    #[error("{operation}: {class:?}, the transaction was rolled back: {reason}")]
    Retryable {
        /// What was being done.
        operation: &'static str,
        /// Deadlock or lock wait.
        class: ErrorClass,
        /// The server's words.
        reason: String,
    },
    /// The server refused for a reason that trying again does not mend.
    #[error("{operation}: {reason}")]
    Server {
        /// What was being done.
        operation: &'static str,
        /// What kind of refusal.
        class: ErrorClass,
        /// The server's error number.
        code: u16,
        /// The server's words.
        reason: String,
    },
    /// The database holds something that payhist did not put there or cannot read: refuse, never guess.
    #[error("inconsistent data: {0}")]
    Inconsistent(String),
}

impl StorageError {
    /// Turns a driver error into a class, named by what was being done.
    pub fn from_sqlx(operation: &'static str, error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => Self::from_database(operation, database.as_ref()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Self::Unavailable { operation, reason: error.to_string() },
            other => Self::Inconsistent(format!("{operation}: {other}")),
        }
    }

    fn from_database(operation: &'static str, error: &dyn sqlx::error::DatabaseError) -> Self {
        let code = error
            .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
            .map_or(0, sqlx::mysql::MySqlDatabaseError::number);
        let reason = error.message().to_owned();
        let class = classify(code, &reason);
        if class.is_retryable_transaction() {
            Self::Retryable { operation, class, reason }
        } else if class == ErrorClass::Gone {
            Self::Unavailable { operation, reason }
        } else {
            Self::Server { operation, class, code, reason }
        }
    }

    /// The class of the server's refusal, when the server refused.
    pub fn class(&self) -> Option<ErrorClass> {
        match self {
            Self::Retryable { class, .. } | Self::Server { class, .. } => Some(*class),
            Self::Unavailable { .. } | Self::Inconsistent(_) => None,
        }
    }
}

/// `.during("what")` on a driver result.
pub(crate) trait During<T> {
    /// Names the operation that failed.
    fn during(self, operation: &'static str) -> Result<T, StorageError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, operation: &'static str) -> Result<T, StorageError> {
        self.map_err(|error| StorageError::from_sqlx(operation, error))
    }
}

/// A write that must touch exactly `expected` rows did so, or the data is not what the caller thought.
pub(crate) fn expect_rows(
    result: &sqlx::mysql::MySqlQueryResult,
    expected: u64,
    operation: &'static str,
) -> Result<(), StorageError> {
    match result.rows_affected() {
        n if n == expected => Ok(()),
        n => Err(StorageError::Inconsistent(format!("{operation}: touched {n} rows, expected {expected}"))),
    }
}

/// An INSERT of something that must be unique: `None` when it was there already (error 1062). Affected rows cannot
/// tell, since sqlx sets `CLIENT_FOUND_ROWS` and an upsert that changes nothing counts one row.
pub(crate) fn unless_taken(
    result: Result<sqlx::mysql::MySqlQueryResult, sqlx::Error>,
    operation: &'static str,
) -> Result<Option<sqlx::mysql::MySqlQueryResult>, StorageError> {
    match result.during(operation) {
        Ok(inserted) => Ok(Some(inserted)),
        Err(error) if error.class() == Some(ErrorClass::Duplicate) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A name that cannot be an identifier came from a configuration or the catalogue.
#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
pub(crate) fn from_ident(error: payhist_dialect::IdentError) -> StorageError {
    StorageError::Inconsistent(error.to_string())
}
