//! A connection pool that knows its waiters, its holders and how long acquiring takes.
//!
//! sqlx shows size and idle only (FACTS §2); the rest is measured around `acquire`. Each acquire names its purpose,
//! so that the longest holder is shown by what it is doing.
//!
//! sqlx pings a connection whenever it comes back, to roll back what was dropped half done: a round trip more for each
//! short read. A connection that is known to be at rest is therefore handed back by [`PooledConnection::keep`] and lent
//! again without it. Invariant: while somebody waits, nothing is kept.
//!
//! Who changes something waits for a server that restarts; who reads is told at once that it is down ([`refusal`]).

mod ask;
mod refusal;
mod waits;

use crate::error::{During, StorageError};
use payhist_dialect::Capabilities;
use payhist_types::database::{Holder, PoolStats, WaitBucket};
use sqlx::Connection;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPoolOptions};
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use waits::{WAIT_EDGES_US, quantile};

/// How long an acquire may wait for a connection.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept per connection: well above shards × statement shapes, since over TCP each one that is
/// closed costs 43 ms (FACTS §2).
const STATEMENT_CACHE_CAPACITY: usize = 512;

/// How long a connection may lie idle before it is closed.
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);

/// A connection that lay idle for longer is pinged before it is lent, so that a restarted server costs nobody an error;
/// one that was just in use is not, since a ping would double the round trips of a short statement. No connection is
/// kept for longer either.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);

/// Makes the server end statements at the deadline: dropping a future alone leaves its query running (FACTS §2).
async fn limit_statements(connection: &mut MySqlConnection, deadline: Duration) -> Result<(), sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await?;
    let capabilities = Capabilities::detect(&version).map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
    let statement = capabilities.limit_session_statements(deadline);
    sqlx::raw_sql(crate::ddl::text(&statement)).execute(connection).await?;
    Ok(())
}

/// Waits for the answer of a statement that nobody waits for any more; after an error the connection is closed.
///
/// sqlx would do the same in its own ping, but close the hard way, which over TLS (rustls, sqlx 0.9.0) waits for the server to
/// say something more: it never does, and a slot of the pool is lost.
async fn is_answered(connection: &mut MySqlConnection) -> bool {
    connection.flush().await.is_ok()
}

/// A named, measured pool. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Pool {
    inner: sqlx::MySqlPool,
    meter: Arc<Meter>,
    /// Ends statements that nobody waits for any more.
    killer: sqlx::MySqlPool,
    /// What a refused connection is an error for, at once.
    is_for_reading: bool,
}

#[derive(Debug, Default)]
struct Meter {
    name: String,
    acquired: AtomicU64,
    timeouts: AtomicU64,
    ended: AtomicU64,
    waits: [AtomicU64; WAIT_EDGES_US.len() + 1],
    next_ticket: AtomicU64,
    holders: Mutex<HashMap<u64, (&'static str, Instant)>>,
    queue: Mutex<Queue>,
}

impl Meter {
    fn record_wait(&self, waited: Duration) {
        let us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        let bucket = WAIT_EDGES_US.partition_point(|edge| *edge < us);
        self.waits[bucket].fetch_add(1, Relaxed);
    }
}

/// Who waits for sqlx to lend a connection, and the connections at rest that sqlx believes to be lent.
#[derive(Debug, Default)]
struct Queue {
    waiters: u32,
    kept: Vec<(Lent, Option<u64>, Instant)>,
}

type Lent = sqlx::pool::PoolConnection<sqlx::MySql>;

impl Queue {
    /// The connection that was kept last; those that lie for longer than [`PING_AFTER_IDLE`] go back to sqlx.
    fn take(&mut self) -> Option<(Lent, Option<u64>)> {
        self.kept.retain(|(_, _, since)| since.elapsed() < PING_AFTER_IDLE);
        self.kept.pop().map(|(connection, id, _)| (connection, id))
    }
}

/// Counts a waiter for as long as it lives, also when its future is dropped in mid-wait.
struct Waiting<'a>(&'a Mutex<Queue>);

impl<'a> Waiting<'a> {
    fn new(queue: &'a Mutex<Queue>, guard: &mut Queue) -> Self {
        guard.waiters += 1;
        Self(queue)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.0).waiters -= 1;
    }
}

impl Pool {
    /// Opens a pool of at most `max` connections; connects lazily, so a dead server is an error of its first use, when it
    /// has not come back within [`ACQUIRE_TIMEOUT`].
    pub fn open(name: &str, options: MySqlConnectOptions, max: u32) -> Self {
        Self::with(name, options, Self::options(max), false)
    }

    /// The same for looks, which do not wait for a server that is down: when it refuses connections, that is the error. The
    /// server itself ends each SELECT that takes longer than `deadline`.
    pub fn for_reading(name: &str, options: MySqlConnectOptions, max: u32, deadline: Duration) -> Self {
        let pool =
            Self::options(max).after_connect(move |connection, _| Box::pin(limit_statements(connection, deadline)));
        Self::with(name, options, pool, true)
    }

    fn options(max: u32) -> MySqlPoolOptions {
        MySqlPoolOptions::new()
            .max_connections(max)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(IDLE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move { Ok(meta.idle_for < PING_AFTER_IDLE || connection.ping().await.is_ok()) })
            })
            .after_release(|connection, _| Box::pin(async move { Ok(is_answered(connection).await) }))
    }

    fn with(name: &str, options: MySqlConnectOptions, pool: MySqlPoolOptions, is_for_reading: bool) -> Self {
        let killer = Self::options(1).connect_lazy_with(options.clone());
        let inner = pool.connect_lazy_with(options.statement_cache_capacity(STATEMENT_CACHE_CAPACITY));
        Self { inner, killer, meter: Arc::new(Meter { name: name.to_owned(), ..Meter::default() }), is_for_reading }
    }

    /// Takes a connection for `purpose`, the code's name for what it does, e.g. `payments.list`.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when none is free within [`ACQUIRE_TIMEOUT`], or the server does not answer or refuses.
    pub async fn acquire(&self, purpose: &'static str) -> Result<PooledConnection, StorageError> {
        let meter = &self.meter;
        let begun = Instant::now();
        let result = match self.kept_or_waiting() {
            Ok(connection) => Ok(connection),
            Err(_waiting) => self.lent().await.map(|connection| (connection, None)),
        };
        meter.record_wait(begun.elapsed());
        if matches!(result, Err(sqlx::Error::PoolTimedOut)) {
            meter.timeouts.fetch_add(1, Relaxed);
        }
        let (connection, id) = result.during(purpose)?;
        meter.acquired.fetch_add(1, Relaxed);
        let ticket = meter.next_ticket.fetch_add(1, Relaxed);
        lock(&meter.holders).insert(ticket, (purpose, Instant::now()));
        Ok(PooledConnection { connection, id, holding: Holding { ticket, meter: Arc::clone(meter) } })
    }

    async fn lent(&self) -> Result<Lent, sqlx::Error> {
        let lent = Box::pin(self.inner.acquire()); // large, and part of every future that acquires
        tokio::select! {
            biased;
            lent = lent => lent,
            refusal = self.refusal(), if self.is_for_reading => Err(refusal),
        }
    }

    /// A kept connection, or else a place among those who wait.
    fn kept_or_waiting(&self) -> Result<(Lent, Option<u64>), Waiting<'_>> {
        let mut queue = lock(&self.meter.queue);
        queue.take().ok_or_else(|| Waiting::new(&self.meter.queue, &mut queue))
    }

    /// Live figures.
    pub fn stats(&self) -> PoolStats {
        let meter = &self.meter;
        let size = self.inner.size();
        let (waiters, kept) = {
            let queue = lock(&meter.queue);
            (queue.waiters, queue.kept.len())
        };
        let idle = u32::try_from(self.inner.num_idle() + kept).unwrap_or(u32::MAX).min(size);
        let counts: Vec<u64> = meter.waits.iter().map(|c| c.load(Relaxed)).collect();
        let edges = WAIT_EDGES_US.iter().copied().map(Some).chain([None]);
        let longest = lock(&meter.holders).values().min_by_key(|(_, since)| *since).copied();
        PoolStats {
            name: meter.name.clone(),
            max: self.inner.options().get_max_connections(),
            size,
            idle,
            in_use: size - idle,
            waiters,
            acquired: meter.acquired.load(Relaxed),
            timeouts: meter.timeouts.load(Relaxed),
            ended: meter.ended.load(Relaxed),
            wait_p50_us: quantile(&counts, 50),
            wait_p99_us: quantile(&counts, 99),
            waits: edges.zip(&counts).map(|(upto_us, count)| WaitBucket { upto_us, count: *count }).collect(),
            longest_holder: longest.map(|(purpose, since)| Holder {
                purpose: purpose.to_owned(),
                held_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }

    /// Closes every connection and waits until they are gone.
    pub async fn close(&self) {
        let _waiting = {
            let mut queue = lock(&self.meter.queue);
            queue.kept.clear();
            Waiting::new(&self.meter.queue, &mut queue)
        };
        self.inner.close().await;
        self.killer.close().await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection on loan; goes back to its pool when dropped.
#[derive(Debug)]
pub struct PooledConnection {
    connection: Lent,
    /// The server's number for it, once it was asked for.
    id: Option<u64>,
    holding: Holding,
}

/// The entry among the holders.
#[derive(Debug)]
struct Holding {
    ticket: u64,
    meter: Arc<Meter>,
}

impl PooledConnection {
    /// Marks the session as unfit for reuse (it may still run a statement, or hold a lock): it is closed instead of
    /// going back to the pool.
    pub fn close_on_drop(&mut self) {
        self.connection.close_on_drop();
    }

    /// The server's number for this session.
    async fn id(&mut self) -> Result<u64, sqlx::Error> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let id =
            sqlx::query_scalar("SELECT CAST(CONNECTION_ID() AS UNSIGNED)").fetch_one(&mut *self.connection).await?;
        Ok(*self.id.insert(id))
    }

    /// Gives back a connection that is at rest: every statement answered in full, no transaction, no lock, no changed
    /// session variable. It is lent again as it is.
    pub fn keep(self) {
        let Self { connection, id, holding } = self;
        let mut queue = lock(&holding.meter.queue);
        if queue.waiters == 0 {
            queue.kept.push((connection, id, Instant::now()));
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        lock(&self.meter.holders).remove(&self.ticket);
    }
}

impl Deref for PooledConnection {
    type Target = MySqlConnection;
    fn deref(&self) -> &MySqlConnection {
        &self.connection
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut MySqlConnection {
        &mut self.connection
    }
}
