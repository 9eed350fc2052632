//! The open month of a shard, counted at most every fifteen seconds, however many look and however often.
//!
//! To count it takes a scan of all its rows, which a page that many keep open must not cost its server each time. The answer
//! says as of when its figures are.

use super::count::Counted;
use crate::OpsError;
use crate::recently::Recently;
use std::sync::Arc;
use std::time::Duration;

/// How old figures of an open month may be.
const FRESH_FOR: Duration = Duration::from_secs(15);
/// Months of shards that are remembered.
const MONTHS_MAX: u64 = 10_000;

/// What was counted lately, by what it is of.
#[derive(Debug)]
pub(crate) struct OpenMonths(Recently<String, Arc<Counted>>);

impl Default for OpenMonths {
    fn default() -> Self {
        Self(Recently::new(MONTHS_MAX, FRESH_FOR))
    }
}

impl OpenMonths {
    /// What was counted lately of that, or is counted now; who asks meanwhile waits for the same count.
    pub(super) async fn counted(
        &self,
        basis: String,
        count: impl Future<Output = Result<Counted, OpsError>>,
    ) -> Result<Counted, OpsError> {
        let counted = self.0.get(basis, async { count.await.map(Arc::new) }).await?;
        Ok(Counted::clone(&counted))
    }

    /// Forgets all of it, after payhist changed rows.
    pub(crate) fn forget(&self) {
        self.0.forget();
    }
}
