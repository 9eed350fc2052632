//! What the configuration says of archives.

use crate::OpsError;
use payhist_archive::cipher::MasterKey;
use payhist_archive::store::{Target, TargetConfig};
use std::collections::BTreeMap;

/// Targets, and the key that wraps those of persons.
#[derive(Debug, Clone, Default)]
pub struct ArchiveConfig {
    /// `[archive.NAME]`
    pub targets: BTreeMap<String, TargetConfig>,
    /// From a file or the environment.
    pub master_key: Option<MasterKey>,
}

impl ArchiveConfig {
    pub(super) fn target(&self, name: &str) -> Result<Target, OpsError> {
        let config = self.targets.get(name).ok_or_else(|| {
            OpsError::refused(
                format!("no archive target is called {name}"),
                format!("Add an [archive.{name}] to the configuration."),
            )
        })?;
        Ok(Target::open(config)?)
    }

    pub(super) fn master_key(&self) -> Result<&MasterKey, OpsError> {
        self.master_key.as_ref().ok_or_else(|| {
            OpsError::refused(
                "there is no master key for archives",
                "Set encryption.key_file in the configuration, or PAYHIST__ENCRYPTION__KEY: 64 hexadecimal digits.",
            )
        })
    }
}
