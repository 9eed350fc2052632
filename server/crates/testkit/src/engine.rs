//! The servers that tests run on.

use payhist_types::EngineKind;
use std::path::PathBuf;

/// A server that a test can ask for. Most tests run on one of each engine; those of what differs within an engine's
/// versions run on more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestEngine {
    /// The `MariaDB` that is installed, e.g. 10.11.
    MariaDb,
    /// `MariaDB` 11.8, unpacked by `.setup/ensure mariadb11`.
    MariaDb11,
    /// `MySQL`.
    MySql,
}

impl TestEngine {
    /// Its engine.
    pub const fn kind(self) -> EngineKind {
        match self {
            Self::MariaDb | Self::MariaDb11 => EngineKind::MariaDb,
            Self::MySql => EngineKind::MySql,
        }
    }

    /// What its folders are called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb",
            Self::MariaDb11 => "mariadb11",
            Self::MySql => "mysql",
        }
    }

    /// Where it was unpacked, if it was.
    pub(crate) fn tree(self) -> Option<PathBuf> {
        let cache = payhist_dbserver::cache_folder().filter(|_| self == Self::MariaDb11);
        cache.map(|cache| cache.join(self.name()))
    }
}

impl From<EngineKind> for TestEngine {
    fn from(engine: EngineKind) -> Self {
        match engine {
            EngineKind::MariaDb => Self::MariaDb,
            EngineKind::MySql => Self::MySql,
        }
    }
}
