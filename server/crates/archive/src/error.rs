//! What can go wrong with an archive.

use std::error::Error;

/// A failure; nothing that was not verified counts as an archive.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ArchiveError {
    /// The store's disk is full.
    #[error("{doing}: the disk of the archive is full")]
    Full {
        /// What was being done.
        doing: String,
    },
    /// The store, or the disk of a temporary file, refused or does not answer.
    #[error("{doing}: {reason}")]
    Store {
        /// What was being done.
        doing: String,
        /// Its words.
        reason: String,
    },
    /// There is no such object.
    #[error("{0} is not in the archive's store")]
    Missing(String),
    /// The file is not what its manifest or its format says.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// The table or the configuration cannot be archived with.
    #[error("{0}")]
    Unfit(String),
}

impl ArchiveError {
    /// An error while `doing`; a full disk is told apart by what caused it.
    pub fn during(doing: impl Into<String>, error: &(dyn Error + 'static)) -> Self {
        let doing = doing.into();
        let causes: Vec<_> = std::iter::successors(Some(error), cause).collect();
        let is_full = |error: &&(dyn Error + 'static)| {
            error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::StorageFull)
        };
        if causes.iter().any(is_full) {
            return Self::Full { doing };
        }
        Self::Store { doing, reason: causes.iter().map(ToString::to_string).collect::<Vec<_>>().join(": ") }
    }
}

fn cause<'a>(error: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    (*error).source()
}

impl From<parquet::errors::ParquetError> for ArchiveError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Damaged(error.to_string())
    }
}
