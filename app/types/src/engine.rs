//! The two families of database engine that payhist speaks to.

use serde::{Deserialize, Serialize};

/// Which family a server belongs to. What a version can do is `payhist_dialect::Capabilities`, not this.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::Display, strum::EnumString,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum EngineKind {
    /// `MariaDB` 10.11 and later.
    MariaDb,
    /// Oracle's `MySQL` 8.4 and later.
    MySql,
}
