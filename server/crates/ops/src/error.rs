//! What can go wrong in a use case, and how it is said to people and programs.

use payhist_archive::ArchiveError;
use payhist_dialect::error_class::ErrorClass;
use payhist_storage::StorageError;
use payhist_types::error::{ApiError, ErrorKind, FieldError};
use payhist_types::operator::Permission;
use payhist_types::payment::MissingShard;
use payhist_types::plan::Guard;
use payhist_types::sources::ShardSet;
use std::collections::BTreeSet;

/// A failure of a use case.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpsError {
    /// Wrong input, by field.
    #[error("the input is wrong: {}", .0.iter().map(|f| format!("{}: {}", f.field, f.message)).collect::<Vec<_>>().join("; "))]
    BadInput(Vec<FieldError>),
    /// Nobody is logged in.
    #[error("nobody is logged in")]
    LoginRequired,
    /// An API token that does not work.
    #[error("the API token does not work")]
    TokenRefused,
    /// The role, or the API token, does not include it.
    #[error("this needs the permission {0}")]
    Forbidden(Permission),
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(String),
    /// A guard refused; nothing was changed.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// A legal hold keeps what was to be destroyed, or might keep it; nothing was destroyed.
    #[error("{0}")]
    Held(Guard),
    /// Too many attempts.
    #[error("{0}")]
    TooMany(String),
    /// Shards that might have what was asked for did not answer.
    #[error("{}", silent(.0))]
    SourcesSilent(Vec<MissingShard>),
    /// An export is short, or there is nothing of it: why.
    #[error("{0}")]
    Incomplete(String),
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An archive or its store.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A defect in payhist.
    #[error("{0}")]
    Internal(String),
}

impl OpsError {
    /// One wrong field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::BadInput(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// A refusal with its remedy.
    pub fn refused(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into(), remedy: remedy.into() }
    }

    /// The kind that decides HTTP status and exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadInput(_) => ErrorKind::BadInput,
            Self::LoginRequired | Self::TokenRefused => ErrorKind::LoginRequired,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Refused { .. } | Self::Held(_) | Self::Archive(ArchiveError::Unfit(_)) => ErrorKind::Refused,
            Self::TooMany(_) => ErrorKind::TooMany,
            Self::SourcesSilent(_)
            | Self::Incomplete(_)
            | Self::Storage(StorageError::Unavailable { .. } | StorageError::Retryable { .. })
            | Self::Archive(ArchiveError::Full { .. } | ArchiveError::Store { .. }) => ErrorKind::Unavailable,
            Self::Storage(error) if matches!(error.class(), Some(ErrorClass::DiskFull | ErrorClass::EngineFailed)) => {
                ErrorKind::Unavailable
            }
            Self::Storage(_) | Self::Archive(_) | Self::Internal(_) => ErrorKind::Internal,
        }
    }
}

/// `these shards did not answer: 5-9 on second`.
fn silent(missing: &[MissingShard]) -> String {
    let sources: BTreeSet<_> = missing.iter().map(|missing| missing.source.as_str()).collect();
    let of = |source: &str| {
        let shards = missing.iter().filter(|missing| missing.source == source).map(|missing| missing.shard);
        format!("{} on {source}", shards.collect::<ShardSet>())
    };
    format!("these shards did not answer: {}", sources.into_iter().map(of).collect::<Vec<_>>().join(", "))
}

impl From<OpsError> for ApiError {
    /// Says the error to the outside. What only the log may tell is logged here, once, under an incident id.
    fn from(error: OpsError) -> Self {
        let kind = error.kind();
        match error {
            OpsError::BadInput(ref fields) => Self {
                fields: fields.clone(),
                ..Self::new(kind, "Some of the input cannot be used. Nothing was changed.")
            },
            OpsError::LoginRequired => Self::new(kind, "You are not logged in, or your session has ended.")
                .with_remedy("Log in and try again."),
            OpsError::TokenRefused => Self::new(
                kind,
                "This API token does not work: it is unknown, has run out or was revoked, or its owner is disabled.",
            )
            .with_remedy("Make a new one on the page Settings, API tokens."),
            OpsError::Forbidden(permission) => Self::new(
                kind,
                format!("Your role, or your API token, does not include “{permission}”. Nothing was changed."),
            )
            .with_remedy("Ask an administrator for a role that includes it, or make a token with that scope."),
            OpsError::NotFound(what) => Self::new(kind, format!("{what} does not exist.")),
            OpsError::Refused { reason, remedy } => {
                Self::new(kind, format!("Refused: {reason}. Nothing was changed.")).with_remedy(remedy)
            }
            OpsError::Held(guard) => Self::new(kind, format!("Refused: {guard}. Nothing was destroyed."))
                .with_remedy("`payhist holds list` and the page Holds say why it is held, and how a hold ends."),
            OpsError::TooMany(message) => Self::new(kind, message),
            OpsError::SourcesSilent(missing) => {
                Self::new(kind, format!("Nothing was found, but {}.", silent(&missing)))
                    .with_remedy("Try again when they answer; the database page shows which servers do.")
            }
            OpsError::Incomplete(why) => Self::new(kind, format!("The export is not complete: {why}."))
                .with_remedy("Begin it again once that is mended; what there is of the file is short."),
            OpsError::Archive(ArchiveError::Unfit(reason)) => {
                Self::new(kind, format!("Refused: {reason}. Nothing was changed."))
            }
            OpsError::Storage(_) | OpsError::Archive(_) | OpsError::Internal(_) => {
                let incident = format!("{:012x}", rand::random::<u64>() >> 16);
                tracing::error!(incident, error = &error as &dyn std::error::Error, "request failed");
                let (message, remedy) = match &error {
                    OpsError::Storage(error) if error.class() == Some(ErrorClass::DiskFull) => (
                        "The database server's disk is full.",
                        "Make room on it, then do the same again: what was written stays, and nothing is written twice.",
                    ),
                    OpsError::Storage(error) if error.class() == Some(ErrorClass::EngineFailed) => (
                        "The database server's storage engine failed.",
                        "Its error log says why; most often its disk is full. Once that is mended do the same again: what was written stays, and nothing is written twice.",
                    ),
                    OpsError::Archive(ArchiveError::Full { .. }) => (
                        "The archive's disk is full.",
                        "Make room on it, then do the same again: nothing was dropped, and no half archive counts.",
                    ),
                    OpsError::Archive(_) => (
                        "The archive's store refuses, does not answer, or holds something else than it should.",
                        "The cause says more. Nothing was dropped.",
                    ),
                    _ if kind == ErrorKind::Unavailable => (
                        "The database does not answer in time.",
                        "Try again. If it stays so, look at the database page.",
                    ),
                    _ => (
                        "Something went wrong inside payhist.",
                        "Give the incident id to whoever looks after payhist: the log holds the cause.",
                    ),
                };
                Self { incident: Some(incident), ..Self::new(kind, message).with_remedy(remedy) }
            }
        }
    }
}
