//! Which source each shard of a history lives on: `source = "main"`, or `source = { main = "0-4", second = "5-9" }`.
//!
//! Plain data. That each shard is on exactly one source is for `payhist_plan::validate` to say.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ShardId;

/// The sources (database endpoints) of a history's shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Sources {
    /// All shards live on it.
    One(String),
    /// Each source with the shards that live on it.
    Several(BTreeMap<String, ShardSet>),
}

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "the name of a source, or a table of sources with their shards, such as { main = \"0-4\" }"
)]
enum Written {
    One(String),
    Several(BTreeMap<String, ShardSet>),
}

impl From<Written> for Sources {
    fn from(written: Written) -> Self {
        match written {
            Written::One(name) => Self::One(name),
            Written::Several(placed) => Self::Several(placed),
        }
    }
}

impl From<Sources> for Written {
    fn from(sources: Sources) -> Self {
        match sources {
            Sources::One(name) => Self::One(name),
            Sources::Several(placed) => Self::Several(placed),
        }
    }
}

impl From<&str> for Sources {
    fn from(name: &str) -> Self {
        Self::One(name.to_owned())
    }
}

impl Sources {
    /// The source of a shard; empty for a shard that is on none, which no valid history has.
    pub fn of(&self, shard: ShardId) -> &str {
        match self {
            Self::One(name) => name,
            Self::Several(placed) => {
                placed.iter().find(|(_, shards)| shards.0.contains(&shard)).map_or("", |(name, _)| name)
            }
        }
    }

    /// Every source, by name.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::One(name) => vec![name],
            Self::Several(placed) => placed.keys().map(String::as_str).collect(),
        }
    }

    /// The only source, if there is one.
    pub fn only(&self) -> Option<&str> {
        match self.names()[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// Shards, written as numbers and ranges: `0-4,7`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShardSet(BTreeSet<ShardId>);

/// The text is not a [`ShardSet`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} are no shards: write numbers and ranges, e.g. \"0-4,7\"")]
pub struct ShardSetError(String);

impl ShardSet {
    /// Its shards, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ShardId> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<ShardId> for ShardSet {
    fn from_iter<T: IntoIterator<Item = ShardId>>(shards: T) -> Self {
        Self(shards.into_iter().collect())
    }
}

impl FromStr for ShardSet {
    type Err = ShardSetError;

    fn from_str(text: &str) -> Result<Self, ShardSetError> {
        let mut shards = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<u16>().map_err(|_| ShardSetError(text.to_owned()));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(ShardSetError(part.to_owned()));
            }
            shards.extend((first..=last).map(ShardId));
        }
        Ok(Self(shards))
    }
}

impl TryFrom<String> for ShardSet {
    type Error = ShardSetError;

    fn try_from(text: String) -> Result<Self, ShardSetError> {
        text.parse()
    }
}

impl From<ShardSet> for String {
    fn from(shards: ShardSet) -> Self {
        shards.to_string()
    }
}

impl fmt::Display for ShardSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shards: Vec<_> = self.iter().collect();
        let ranges = shards.chunk_by(|one, next| one.0 + 1 == next.0);
        for (place, range) in ranges.enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match range {
                [only] => write!(formatter, "{comma}{only}")?,
                [first, .., last] => write!(formatter, "{comma}{first}-{last}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_found_on_the_source_that_lists_it() {
        let sources: Sources = serde_json::from_str(r#"{"main": "0-4,7", "second": "5, 6"}"#).unwrap();
        let of = |shard| sources.of(ShardId(shard));
        assert_eq!([of(0), of(4), of(5), of(6), of(7), of(8)], ["main", "main", "second", "second", "main", ""]);
        assert_eq!((sources.names(), sources.only()), (vec!["main", "second"], None));
        assert_eq!(serde_json::to_string(&sources).unwrap(), r#"{"main":"0-4,7","second":"5-6"}"#);
        let one: Sources = serde_json::from_str(r#""main""#).unwrap();
        assert_eq!((one.of(ShardId(99)), one.only(), &one), ("main", Some("main"), &"main".into()));
    }

    #[test]
    fn what_names_no_shards_is_refused() {
        for text in ["", "a", "4-0", "1,,2", "-1", "70000"] {
            assert!(text.parse::<ShardSet>().is_err(), "{text:?}");
        }
    }
}
