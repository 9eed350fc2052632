//! One list out of many: each question's answer is a run of rows in page order, and the page is their merge.
//!
//! Ten shards need not send fifty rows each for a page of fifty. Each is asked for twice its share, and once more for those
//! rows of it that the page may still need. Invariant: no row of the merge comes after one that was not read.

use itertools::Itertools;
use payhist_storage::payments::{Filter, Key, Keyset, Listed, PaymentScope};
use payhist_types::ShardId;

/// Rows of one shard that are asked for.
pub(super) struct Question {
    pub(super) shard: ShardId,
    pub(super) scope: PaymentScope,
    pub(super) filter: Filter,
    pub(super) keyset: Keyset,
}

/// What one question has been answered so far.
pub(super) struct Run {
    pub(super) shard: ShardId,
    scope: PaymentScope,
    filter: Filter,
    rows: Vec<Listed>,
    /// May there be more?
    pub(super) is_open: bool,
}

impl Run {
    pub(super) const fn new(shard: ShardId, scope: PaymentScope, filter: Filter) -> Self {
        Self { shard, scope, filter, rows: Vec::new(), is_open: true }
    }

    /// What to ask next for a page that begins there.
    pub(super) fn question(&self, page: Keyset) -> Question {
        let keyset = self.rows.last().map_or(page, |last| {
            if page.is_backwards() {
                Keyset::Before(page.sort(), last.key)
            } else {
                Keyset::After(page.sort(), last.key)
            }
        });
        Question { shard: self.shard, scope: self.scope.clone(), filter: self.filter.clone(), keyset }
    }

    /// Takes the answer to a question for so many rows.
    pub(super) fn take(&mut self, rows: Vec<Listed>, asked: usize) {
        self.is_open = rows.len() >= asked;
        self.rows.extend(rows);
    }
}

/// How many rows each of so many questions is asked for at first.
pub(super) fn share(wanted: usize, questions: usize) -> usize {
    if questions < 2 { wanted } else { (wanted.div_ceil(questions) * 2).min(wanted) }
}

/// The runs that may have rows among the wanted ones that were not read, and how many of each.
pub(super) fn to_ask_again(runs: &[Run], keyset: Keyset, wanted: usize) -> Vec<(usize, usize)> {
    let keys = in_page_order(runs.iter().flat_map(|run| run.rows.iter().map(|row| row.key)), keyset.ascends());
    let open = runs.iter().enumerate().filter(|(_, run)| run.is_open);
    let lacking = |run: &Run| match run.rows.last() {
        Some(last) => lacking(&keys, last.key, keyset.ascends(), wanted),
        None => Some(wanted),
    };
    open.filter_map(|(place, run)| Some((place, lacking(run)?))).collect()
}

fn in_page_order(keys: impl Iterator<Item = Key>, ascends: bool) -> Vec<Key> {
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    if !ascends {
        keys.reverse();
    }
    keys
}

/// How many rows that come after the last one of their run may be among the wanted ones. `keys`: all that were read, in page
/// order.
fn lacking(keys: &[Key], last: Key, ascends: bool, wanted: usize) -> Option<usize> {
    let is_before = |key: &Key, other: &Key| if ascends { key < other } else { key > other };
    let ends_early = beyond(keys, wanted).is_none_or(|place| is_before(&last, &keys[place]));
    let up_to_it = keys.partition_point(|key| !is_before(&last, key));
    ends_early.then(|| wanted.saturating_sub(up_to_it).max(1))
}

/// The first row that is not on a page of one row less than the wanted ones: not at the very place of the last one on it.
fn beyond(keys: &[Key], wanted: usize) -> Option<usize> {
    let first = wanted.checked_sub(1)?;
    let last_on_page = first.checked_sub(1).map(|place| keys.get(place));
    (first..keys.len()).find(|place| last_on_page.is_none_or(|last| last != Some(&keys[*place])))
}

/// The rows of a page of one row less than the wanted ones, in page order, and one more if there is one.
pub(super) fn merged(runs: Vec<Run>, keyset: Keyset, wanted: usize) -> Vec<Listed> {
    let runs = runs.into_iter().map(|run| run.rows);
    let mut rows: Vec<_> = runs.kmerge_by(|a, b| (a.key < b.key) == keyset.ascends()).collect();
    let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
    if let Some(place) = beyond(&keys, wanted) {
        rows.truncate(place + 1);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use payhist_types::PaymentId;
    use proptest::prelude::*;

    const MOST: usize = 30;

    proptest! {
        /// Few instants and ids, so that rows of several shards stand at the very same place.
        #[test]
        fn no_row_that_was_not_read_belongs_before_one_of_the_page(
            shards in prop::collection::vec(prop::collection::btree_set((0_i64..20, 0_u64..4), 0..MOST), 1..6),
            wanted in 1..MOST,
            ascends: bool,
        ) {
            let key = |(second, id)| Key {
                amount: None,
                created_at: DateTime::from_timestamp_secs(second).unwrap(),
                payment_id: PaymentId::from_raw(id),
            };
            let shards: Vec<_> = shards.into_iter().map(|rows| in_page_order(rows.into_iter().map(key), ascends)).collect();
            let all = in_page_order(shards.iter().flatten().copied(), ascends);
            let mut read = vec![0; shards.len()];
            let mut asks: Vec<_> = (0..shards.len()).map(|shard| (shard, share(wanted, shards.len()))).collect();
            let mut rounds = 0;
            let keys = loop {
                let mut open = Vec::new();
                for (shard, rows) in asks {
                    let rest = shards[shard].len() - read[shard];
                    read[shard] += rows.min(rest);
                    open.extend((rows <= rest).then_some(shard));
                }
                let keys = in_page_order(shards.iter().zip(&read).flat_map(|(rows, read)| rows[..*read].to_vec()), ascends);
                let lacks = |shard: usize| lacking(&keys, shards[shard][read[shard] - 1], ascends, wanted);
                asks = open.into_iter().filter_map(|shard| Some((shard, lacks(shard)?))).collect();
                if asks.is_empty() {
                    break keys;
                }
                rounds += 1;
            };
            let page = beyond(&all, wanted).map_or(all.len(), |place| place + 1);
            prop_assert_eq!(&keys[..page], &all[..page]);
            prop_assert!(rounds <= 1 + shards.len(), "{} rounds", rounds);
        }
    }
}
