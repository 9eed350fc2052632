//! A history as configuration: which tables it is made of, how users find their shard, and its policy.
//!
//! Plain data. What it means is decided in `payhist_plan`: routing, zones and validation live there, so that the
//! browser does not carry time-zone tables.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::columns::Columns;
use crate::policy::{Blockers, Written};
use crate::replicas::REPLICA_LAG_MAX_SECS;
use crate::sources::Sources;
use crate::window::Window;
use crate::{ShardId, UserId};

/// The longest name of a history, in bytes.
pub const HISTORY_NAME_BYTES_MAX: usize = 32;

/// The place of the shard's number in [`HistorySpec::table_pattern`].
pub const SHARD_PLACEHOLDER: &str = "{shard}";

/// A history's name: a lower-case letter, then letters, digits and underscores, 32 bytes at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HistoryName(String);

/// The text is not a [`HistoryName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a history name: a letter a-z, then a-z, 0-9 or _, at most {HISTORY_NAME_BYTES_MAX}")]
pub struct HistoryNameError(String);

impl HistoryName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HistoryName {
    type Error = HistoryNameError;

    fn try_from(name: String) -> Result<Self, HistoryNameError> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let valid = name.len() <= HISTORY_NAME_BYTES_MAX
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(word);
        if valid { Ok(Self(name)) } else { Err(HistoryNameError(name)) }
    }
}

impl FromStr for HistoryName {
    type Err = HistoryNameError;

    fn from_str(name: &str) -> Result<Self, HistoryNameError> {
        name.to_owned().try_into()
    }
}

impl From<HistoryName> for String {
    fn from(name: HistoryName) -> Self {
        name.0
    }
}

impl fmt::Display for HistoryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How a user finds its shard. `payhist_plan::routing::shard_of` follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Route {
    /// `user_id % shards`.
    Modulo {
        /// How many shards; at least 1.
        shards: u16,
    },
    /// Ranges of user ids: shard i holds the users up to and including `upper_bounds[i]` that no earlier shard
    /// holds; one more shard, the last, is open and holds everybody above.
    Range {
        /// Strictly ascending, inclusive upper bounds of all shards but the last.
        upper_bounds: Vec<UserId>,
    },
    /// One table, shard 0.
    Single,
}

impl Route {
    /// How many shards there are: they are numbered from 0.
    pub fn shard_count(&self) -> u16 {
        match self {
            Self::Modulo { shards } => *shards,
            Self::Range { upper_bounds } => u16::try_from(upper_bounds.len()).unwrap_or(u16::MAX).saturating_add(1),
            Self::Single => 1,
        }
    }

    /// Every shard, in order.
    pub fn shards(&self) -> impl Iterator<Item = ShardId> + use<> {
        (0..self.shard_count()).map(ShardId)
    }
}

/// Days in quarantine of a new history with a retention: time enough to notice what was still needed.
pub const QUARANTINE_DAYS_DEFAULT: u16 = 30;

/// What a history's partitions should look like. Frozen for each run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Policy {
    /// How many months beyond the current one must exist on every shard; `None`: payhist adds none by itself.
    pub premake_months: Option<u16>,
    /// How many months before the current one are kept; `None`: for ever.
    pub retention_months: Option<u16>,
    /// How many days before the end of its retention a month is taken out of its table into quarantine, where one
    /// command restores it. It is dropped for good when the retention ends, which so remains the legal deadline; a
    /// month that was overdue is still quarantined by one run before the next one may drop it. A month is never
    /// quarantined before it is over. `None`: expired months are dropped at once.
    pub quarantine_days: Option<u16>,
    /// When months may be dropped, in the zone's local time; none: at any time. Quarantine, which can be undone, and
    /// adding months never wait for a window.
    pub windows: Vec<Window>,
    /// Outside its windows a month may be dropped all the same if it has no more bytes than this on its shard, data and
    /// indexes as the catalogue has them; `None`: nothing is dropped outside.
    pub max_drop_bytes_outside_windows: Option<u64>,
    /// What to do about transactions that keep a step from its lock.
    pub blockers: Blockers,
    /// How many seconds a replica may be behind while rows are dropped or copied; `None`: [`REPLICA_LAG_MAX_SECS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_lag_max_secs: Option<u32>,
    /// The name of the `[archive.NAME]` in which a month must be archived and verified before it is dropped for good;
    /// needs `quarantine_days`, since what nobody writes to any more is archived. `None`: months are not archived.
    pub archive: Option<String>,
    /// IANA name of the business time zone in which months begin, e.g. `Europe/London`.
    pub zone: String,
}

/// Keeps everything and adds nothing, in UTC.
impl Default for Policy {
    fn default() -> Self {
        Self {
            premake_months: None,
            retention_months: None,
            quarantine_days: None,
            windows: Vec::new(),
            max_drop_bytes_outside_windows: None,
            blockers: Blockers::Wait,
            replica_lag_max_secs: None,
            archive: None,
            zone: "UTC".to_owned(),
        }
    }
}

impl Policy {
    /// How many seconds a replica may be behind.
    pub fn replica_lag_max_secs(&self) -> u32 {
        self.replica_lag_max_secs.unwrap_or(REPLICA_LAG_MAX_SECS)
    }
}

/// The stop switches of a history: stopping one never stops another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// May partitions be added?
    pub create: bool,
    /// May expired partitions be dropped? Off in a new installation.
    pub drop: bool,
    /// May personal data be erased?
    pub erase: bool,
}

/// A new installation adds months and destroys nothing.
impl Default for Switches {
    fn default() -> Self {
        Self { create: true, drop: false, erase: false }
    }
}

/// One of the [`Switches`].
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Switch {
    /// Adding partitions.
    Create,
    /// Dropping expired partitions.
    Drop,
    /// Erasing personal data.
    Erase,
}

impl Switches {
    /// Is this switch on?
    pub const fn is_on(self, switch: Switch) -> bool {
        match switch {
            Switch::Create => self.create,
            Switch::Drop => self.drop,
            Switch::Erase => self.erase,
        }
    }

    /// The same switches with one of them turned.
    #[must_use]
    pub const fn with(mut self, switch: Switch, on: bool) -> Self {
        match switch {
            Switch::Create => self.create = on,
            Switch::Drop => self.drop = on,
            Switch::Erase => self.erase = on,
        }
        self
    }
}

/// One history, as configured. `payhist_plan::validate` says whether it makes sense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistorySpec {
    /// Its name.
    pub name: HistoryName,
    /// The source (database endpoint) that its shards live on, or each one's.
    pub source: Sources,
    /// The schema (database) of its tables.
    pub schema: String,
    /// The tables' name with [`SHARD_PLACEHOLDER`], e.g. `payment_history_shard_{shard}`.
    pub table_pattern: String,
    /// How users find their shard.
    pub route: Route,
    /// What its partitions should look like.
    pub policy: Policy,
    /// Which columns of adopted tables hold what; `None`: the tables have payhist's own columns and payment ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Box<Columns>>,
}

impl HistorySpec {
    /// The table that holds a shard.
    pub fn table_of(&self, shard: ShardId) -> String {
        self.table_pattern.replace(SHARD_PLACEHOLDER, &shard.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_lower_case_names_are_history_names() {
        for name in ["payments", "p", "cdnow_1997"] {
            assert_eq!(name.parse::<HistoryName>().unwrap().as_str(), name);
        }
        for name in ["", "Payments", "1997", "_x", "a-b", "a b", "é", "a`b", &"a".repeat(33)] {
            assert!(name.parse::<HistoryName>().is_err(), "{name:?}");
            assert!(serde_json::from_value::<HistoryName>(name.into()).is_err(), "{name:?}");
        }
    }

    #[test]
    fn turning_one_switch_leaves_the_others() {
        let switches = Switches::default().with(Switch::Drop, true);
        assert!(switches.is_on(Switch::Create) && switches.is_on(Switch::Drop) && !switches.is_on(Switch::Erase));
    }

    #[test]
    fn a_range_route_has_one_more_shard_than_bounds() {
        let route = Route::Range { upper_bounds: vec![UserId(10_000), UserId(20_000)] };
        assert_eq!(route.shards().collect::<Vec<_>>(), [ShardId(0), ShardId(1), ShardId(2)]);
    }
}
