//! One wait for a source that does not answer is enough: its other shards are not asked then, and are named with it.

use crate::OpsError;
use payhist_storage::StorageError;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The sources that have not answered, and why.
#[derive(Default)]
pub(super) struct Silent<'a>(Mutex<BTreeMap<&'a str, OpsError>>);

impl<'a> Silent<'a> {
    /// What the source answers, unless it has been silent before.
    pub(super) async fn unless<T>(
        &self,
        source: &'a str,
        asking: impl Future<Output = Result<T, OpsError>>,
    ) -> Result<T, OpsError> {
        if let Some(error) = self.lock().get(source) {
            return Err(error.clone());
        }
        let answer = asking.await;
        if let Err(error @ OpsError::Storage(StorageError::Unavailable { .. })) = &answer {
            self.lock().insert(source, error.clone());
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'a str, OpsError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
