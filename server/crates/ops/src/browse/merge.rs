//! One list out of many: each question's answer is a run of rows in page order, and the page is their merge.
//!
//! Ten shards need not send fifty rows each for a page of fifty. Each is asked for twice its share, and once more for all
//! the rest if it turns out that the page may need more of its rows. Invariant: no row of the merge comes after one that was
//! not read.

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

/// The runs that may have rows among the wanted ones that were not read.
pub(super) fn to_ask_again(runs: &[Run], keyset: Keyset, wanted: usize) -> Vec<usize> {
    let mut keys: Vec<_> = runs.iter().flat_map(|run| run.rows.iter().map(|row| row.key)).collect();
    keys.sort_unstable();
    if !keyset.ascends() {
        keys.reverse();
    }
    let last_wanted = beyond(&keys, wanted).map(|place| keys[place]);
    let may_lack = |run: &Run| match (run.rows.last().map(|row| row.key), last_wanted) {
        (Some(last), Some(wanted)) if keyset.ascends() => last < wanted,
        (Some(last), Some(wanted)) => last > wanted,
        _ => true,
    };
    runs.iter().enumerate().filter(|(_, run)| run.is_open && may_lack(run)).map(|(place, _)| place).collect()
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
