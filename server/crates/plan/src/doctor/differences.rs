//! What tells one shard's table from the others.

use std::collections::{BTreeMap, BTreeSet};

use payhist_types::ShardId;

use super::facts::{Column, Key, Table};

/// One difference; `most` is what the most shards have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Storage engine.
    Engine {
        /// Here.
        here: String,
        /// Elsewhere.
        most: String,
    },
    /// Default collation.
    Collation {
        /// Here.
        here: String,
        /// Elsewhere.
        most: String,
    },
    /// A column.
    Column {
        /// Its name.
        name: String,
        /// Here.
        here: Option<Column>,
        /// Elsewhere.
        most: Option<Column>,
    },
    /// A key.
    Key {
        /// Its name.
        name: String,
        /// Here.
        here: Option<Key>,
        /// Elsewhere.
        most: Option<Key>,
    },
}

/// All differences, by shard. Order of columns and of keys makes none.
pub(super) fn between(tables: &[(ShardId, &Table)]) -> Vec<(ShardId, Difference)> {
    let mut found = Vec::new();
    for (shard, here, most) in odd(tables, |table| table.engine.clone()) {
        found.push((shard, Difference::Engine { here, most }));
    }
    for (shard, here, most) in odd(tables, |table| table.collation.clone()) {
        found.push((shard, Difference::Collation { here, most }));
    }
    let columns: BTreeSet<&str> =
        tables.iter().flat_map(|(_, table)| &table.columns).map(|c| c.name.as_str()).collect();
    for name in columns {
        for (shard, here, most) in odd(tables, |table| table.columns.iter().find(|column| column.name == name).cloned())
        {
            found.push((shard, Difference::Column { name: name.to_owned(), here, most }));
        }
    }
    let keys: BTreeSet<&str> = tables.iter().flat_map(|(_, table)| &table.keys).map(|key| key.name.as_str()).collect();
    for name in keys {
        for (shard, here, most) in odd(tables, |table| table.keys.iter().find(|key| key.name == name).cloned()) {
            found.push((shard, Difference::Key { name: name.to_owned(), here, most }));
        }
    }
    found
}

/// Those whose value is not that of the most; of equally many, the lowest one's counts.
pub(super) fn odd<K: Ord + Copy, V, T: PartialEq + Clone>(all: &[(K, &V)], of: impl Fn(&V) -> T) -> Vec<(K, T, T)> {
    let values: BTreeMap<K, T> = all.iter().map(|(key, one)| (*key, of(one))).collect();
    let votes = |value: &T| values.values().filter(|other| *other == value).count();
    let Some(most) = values.values().rev().max_by_key(|value| votes(value)).cloned() else { return Vec::new() };
    values.into_iter().filter(|(_, here)| *here != most).map(|(key, here)| (key, here, most.clone())).collect()
}
