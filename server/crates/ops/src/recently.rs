//! What was read lately: once, however many ask while it is being read, and not again before it has grown too old.
//!
//! Invariant: whoever asks after [`Recently::forget`] is answered with nothing that began to be read before it.

use crate::OpsError;
use moka::future::Cache;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Recently<K, V>
where
    K: Debug + Eq + Hash + Send + Sync + 'static,
    V: Debug + Clone + Send + Sync + 'static,
{
    /// How often all was forgotten. A part of the key: a reading that is under way then is kept under one that nobody asks for
    /// any more.
    generation: AtomicU64,
    read: Cache<(u64, K), V>,
}

impl<K, V> Recently<K, V>
where
    K: Debug + Eq + Hash + Send + Sync + 'static,
    V: Debug + Clone + Send + Sync + 'static,
{
    /// Keeps so many, and each for so long.
    pub(crate) fn new(most: u64, fresh_for: Duration) -> Self {
        let read = Cache::builder().max_capacity(most).time_to_live(fresh_for).build();
        Self { generation: AtomicU64::new(0), read }
    }

    /// What was read lately, or else is read now; an error is told to all who wait, and not kept.
    pub(crate) async fn get(&self, key: K, read: impl AsyncFnOnce() -> Result<V, OpsError>) -> Result<V, OpsError> {
        let key = (self.generation.load(Ordering::Acquire), key);
        if let Some(known) = self.read.get(&key).await {
            return Ok(known);
        }
        // Boxed, since what reads is large, and a part of all that may have to.
        self.read.try_get_with(key, Box::pin(read())).await.map_err(Arc::unwrap_or_clone)
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
        let mut before = pin!(recently.get("it", async || {
            gate.await.unwrap();
            Ok("old")
        }));
        assert!(futures::poll!(&mut before).is_pending());
        recently.forget();
        go.send(()).unwrap();
        let (before, after) = futures::join!(before, recently.get("it", async || Ok("new")));
        assert_eq!((before.unwrap(), after.unwrap()), ("old", "new"));
        assert_eq!(recently.get("it", async || Ok("read again")).await.unwrap(), "new");
    }

    #[tokio::test]
    async fn an_error_is_not_kept() {
        let recently = Recently::new(1, Duration::from_hours(1));
        let failed = recently.get("it", async || Err::<&str, _>(OpsError::Internal("gone".to_owned()))).await;
        assert!(failed.is_err());
        assert_eq!(recently.get("it", async || Ok("back")).await.unwrap(), "back");
    }
}
