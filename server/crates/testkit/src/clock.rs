//! A clock that stands still until the test moves it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// A clock that stands still until the test moves it. Clones share the same time.
#[derive(Debug, Clone)]
pub struct MockClock(Arc<Mutex<DateTime<Utc>>>);

impl MockClock {
    /// A clock that shows `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// A clock that shows an RFC 3339 time: `MockClock::at("2026-03-15T12:00:00Z")`.
    pub fn at(now: &str) -> Self {
        Self::new(now.parse().unwrap_or_else(|e| panic!("{now:?} is not an RFC 3339 time: {e}")))
    }

    /// The time it shows.
    pub fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves it forward (or back, by a negative amount).
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Sets it.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl payhist_ops::clock::Clock for MockClock {
    fn now(&self) -> DateTime<Utc> {
        Self::now(self)
    }
}
