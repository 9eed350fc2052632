//! A question to many shards: a few of each source are asked at once, and one wait for a source that does not answer is
//! enough.
//!
//! Invariants: no source waits for another; each shard has an answer or the reason why not.

use crate::OpsError;
use payhist_storage::StorageError;
use payhist_types::ShardId;
use payhist_types::sources::Sources;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use tokio::sync::Semaphore;

/// Shards of one source that are asked at once: as many as help, fewer than would let one question take its pool.
pub(crate) const SHARDS_AT_ONCE: usize = 5;

/// The turns of all shards that one question goes to.
pub(crate) struct Turns<'a> {
    sources: &'a Sources,
    of_source: BTreeMap<&'a str, OfSource>,
}

struct OfSource {
    places: Semaphore,
    /// Why it did not answer.
    silent: OnceLock<OpsError>,
}

impl<'a> Turns<'a> {
    pub(crate) fn new(sources: &'a Sources) -> Self {
        let of_source = || OfSource { places: Semaphore::new(SHARDS_AT_ONCE), silent: OnceLock::new() };
        Self { sources, of_source: sources.names().into_iter().map(|name| (name, of_source())).collect() }
    }

    /// What a shard answers when its turn has come; it is not asked after its source did not answer another.
    ///
    /// # Errors
    /// Those of `asking`, or of what was asked of the silent source.
    pub(crate) async fn of<T>(
        &self,
        shard: ShardId,
        asking: impl Future<Output = Result<T, OpsError>>,
    ) -> Result<T, OpsError> {
        let Some(source) = self.of_source.get(self.sources.of(shard)) else { return asking.await };
        let _place = source.places.acquire().await;
        if let Some(error) = source.silent.get() {
            return Err(error.clone());
        }
        let answer = asking.await;
        if let Err(error @ OpsError::Storage(StorageError::Unavailable { .. })) = &answer {
            let _first_reason_stays = source.silent.set(error.clone());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::cell::RefCell;
    use tokio::sync::Notify;

    const SHARDS: u16 = 8;

    /// Asks the even shards of one source and the odd ones of another; answers which were asked, in order.
    async fn asked(answer: impl AsyncFn(u16) -> Result<(), OpsError>) -> (Vec<u16>, Vec<Result<(), OpsError>>) {
        let sources = serde_json::from_str(r#"{"even": "0,2,4,6,8,10,12,14", "odd": "1,3,5,7,9,11,13,15"}"#).unwrap();
        let (turns, asked) = (Turns::new(&sources), RefCell::new(Vec::new()));
        let ask = async |shard| {
            asked.borrow_mut().push(shard);
            answer(shard).await
        };
        let answers = join_all((0..2 * SHARDS).map(|shard| turns.of(ShardId(shard), ask(shard)))).await;
        (asked.into_inner(), answers)
    }

    #[tokio::test]
    async fn a_source_that_hangs_keeps_no_other_waiting_and_is_waited_for_once() {
        let silent = || OpsError::Storage(StorageError::Unavailable { operation: "ask", reason: "hangs".to_owned() });
        let (last_of_odd, others_answered) = (2 * SHARDS - 1, Notify::new());
        let answer = async |shard: u16| {
            if shard.is_multiple_of(2) {
                others_answered.notified().await;
                others_answered.notify_one();
                return Err(silent());
            }
            tokio::task::yield_now().await;
            if shard == last_of_odd {
                others_answered.notify_one();
            }
            Ok(())
        };
        let (asked, answers) = tokio::time::timeout(std::time::Duration::from_secs(20), asked(answer)).await.unwrap();
        let of_even = asked.iter().filter(|shard| shard.is_multiple_of(2)).count();
        assert_eq!((of_even, asked.len() - of_even), (SHARDS_AT_ONCE, usize::from(SHARDS)), "{asked:?}");
        for (shard, answer) in answers.iter().enumerate() {
            assert_eq!(answer.is_err(), shard.is_multiple_of(2), "shard {shard}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn a_shard_that_cannot_be_read_keeps_none_of_its_source_from_being_asked() {
        let (asked, answers) =
            asked(async |shard| if shard == 0 { Err(OpsError::Internal("no such table".to_owned())) } else { Ok(()) })
                .await;
        assert_eq!(
            (asked.len(), answers.iter().filter(|answer| answer.is_err()).count()),
            (2 * usize::from(SHARDS), 1)
        );
    }
}
