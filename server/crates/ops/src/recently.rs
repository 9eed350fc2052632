//! What was read lately: once, however many ask while it is being read, and not again before it has grown too old.
//!
//! What pages need all the time is read again ahead ([`Recently::get_ahead`]), so that none of them waits for it.
//!
//! Invariant: whoever asks after [`Recently::forget`] is answered with nothing that began to be read before it.

use crate::OpsError;
use moka::future::Cache;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What was read, and when.
#[derive(Debug)]
struct Known<V> {
    value: V,
    since: Instant,
    /// Somebody reads it again.
    renewing: AtomicBool,
}

impl<V> Known<V> {
    fn new(value: V) -> Arc<Self> {
        Arc::new(Self { value, since: Instant::now(), renewing: AtomicBool::new(false) })
    }
}

#[derive(Debug)]
pub(crate) struct Recently<K, V>
where
    K: Debug + Eq + Hash + Send + Sync + 'static,
    V: Debug + Clone + Send + Sync + 'static,
{
    /// How often all was forgotten. A part of the key: a reading that is under way then is kept under one that nobody asks for
    /// any more.
    generation: AtomicU64,
    known: Cache<(u64, K), Arc<Known<V>>>,
    /// How old something is when it is read again ahead.
    renewed_at: Duration,
}

impl<K, V> Recently<K, V>
where
    K: Debug + Eq + Hash + Send + Sync + 'static,
    V: Debug + Clone + Send + Sync + 'static,
{
    /// Keeps so many, and each for so long.
    pub(crate) fn new(most: u64, fresh_for: Duration) -> Self {
        let known = Cache::builder().max_capacity(most).time_to_live(fresh_for).build();
        Self { generation: AtomicU64::new(0), known, renewed_at: fresh_for / 2 }
    }

    /// What was read lately, or else is read now; an error is told to all who wait, and not kept.
    pub(crate) async fn get(&self, key: K, read: impl Future<Output = Result<V, OpsError>>) -> Result<V, OpsError> {
        let key = self.now(key);
        match self.known.get(&key).await {
            Some(known) => Ok(known.value.clone()),
            None => self.read(key, read).await,
        }
    }

    /// The same; what has half its time behind it is answered still, and read again meanwhile. If that fails or takes too
    /// long, who asks when its time is over reads for himself.
    pub(crate) async fn get_ahead<R>(&self, key: K, read: impl FnOnce() -> R) -> Result<V, OpsError>
    where
        R: Future<Output = Result<V, OpsError>> + Send + 'static,
    {
        let key = self.now(key);
        let Some(known) = self.known.get(&key).await else { return self.read(key, read()).await };
        if known.since.elapsed() >= self.renewed_at && !known.renewing.swap(true, Ordering::AcqRel) {
            let (all, read) = (self.known.clone(), read());
            tokio::spawn(async move {
                if let Ok(value) = read.await {
                    all.insert(key, Known::new(value)).await;
                }
            });
        }
        Ok(known.value.clone())
    }

    async fn read(&self, key: (u64, K), read: impl Future<Output = Result<V, OpsError>>) -> Result<V, OpsError> {
        // Boxed, since what reads is large, and a part of all that may have to.
        let read = Box::pin(async { read.await.map(Known::new) });
        Ok(self.known.try_get_with(key, read).await.map_err(Arc::unwrap_or_clone)?.value.clone())
    }

    fn now(&self, key: K) -> (u64, K) {
        (self.generation.load(Ordering::Acquire), key)
    }

    /// To be called after what is read was changed.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn what_began_to_be_read_before_a_change_is_not_answered_after_it() {
        let recently = Recently::new(1, Duration::from_hours(1));
        let (go, gate) = oneshot::channel::<()>();
        let mut before = pin!(recently.get("it", async {
            gate.await.unwrap();
            Ok("old")
        }));
        assert!(futures::poll!(&mut before).is_pending());
        recently.forget();
        go.send(()).unwrap();
        let (before, after) = futures::join!(before, recently.get("it", async { Ok("new") }));
        assert_eq!((before.unwrap(), after.unwrap()), ("old", "new"));
        assert_eq!(recently.get("it", async { Ok("read again") }).await.unwrap(), "new");
    }

    #[tokio::test]
    async fn an_error_is_not_kept() {
        let recently = Recently::new(1, Duration::from_hours(1));
        let failed = recently.get("it", async { Err::<&str, _>(OpsError::Internal("gone".to_owned())) }).await;
        assert!(failed.is_err());
        assert_eq!(recently.get("it", async { Ok("back") }).await.unwrap(), "back");
    }

    #[tokio::test]
    async fn what_grows_old_is_read_again_once_while_it_is_still_answered() {
        let mut recently = Recently::new(1, Duration::from_hours(1));
        let reads = Arc::new(AtomicU64::new(0));
        let read = || {
            let reads = Arc::clone(&reads);
            async move { Ok(reads.fetch_add(1, Ordering::AcqRel)) }
        };
        assert_eq!(recently.get_ahead("it", read).await.unwrap(), 0);
        assert_eq!(recently.get_ahead("it", read).await.unwrap(), 0);
        tokio::task::yield_now().await;
        assert_eq!(reads.load(Ordering::Acquire), 1, "it is young");

        recently.renewed_at = Duration::ZERO;
        assert_eq!(recently.get_ahead("it", read).await.unwrap(), 0);
        assert_eq!(recently.get_ahead("it", read).await.unwrap(), 0);
        tokio::task::yield_now().await;
        assert_eq!(reads.load(Ordering::Acquire), 2, "one of those who asked has it read again");
        recently.renewed_at = Duration::MAX;
        assert_eq!(recently.get_ahead("it", read).await.unwrap(), 1);
    }
}
