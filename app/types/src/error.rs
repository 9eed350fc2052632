//! The one error body of pages, server functions and the REST API.

use serde::{Deserialize, Serialize};

/// What kind of failure it was; decides the HTTP status and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ErrorKind {
    /// The input is wrong; `fields` names where. 400.
    BadInput,
    /// Nobody is logged in, or the session has ended. 401.
    LoginRequired,
    /// The role may not do this. 403.
    Forbidden,
    /// There is no such thing. 404.
    NotFound,
    /// A guard refused: stale plan, switch off, unknown boundary, a run in progress. 409.
    Refused,
    /// Too many attempts. 429.
    TooMany,
    /// A database or another peer does not answer. 503.
    Unavailable,
    /// A defect in payhist. 500.
    Internal,
}

impl ErrorKind {
    /// The HTTP status code of this kind.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::BadInput => 400,
            Self::LoginRequired => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Refused => 409,
            Self::TooMany => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }
}

/// One wrong field of a form or query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field's name in the form, the query or the JSON body.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub message: String,
}

/// An error as people and programs see it: what happened, what it means for the data, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{message}")]
pub struct ApiError {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What happened, in a sentence, with what it means for the data.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The wrong fields, when the kind is [`ErrorKind::BadInput`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// The id under which the log holds the whole chain of causes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The id of the request, as in the log and the header `x-request-id`; given by the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub request_id: Option<Box<str>>,
}

impl ApiError {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), remedy: None, fields: Vec::new(), incident: None, request_id: None }
    }

    /// The same error with what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
