//! The error of every server function: the product's one error body, carried as JSON.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use payhist_types::error::{ApiError, ErrorKind};
use serde::{Deserialize, Serialize};

/// What a server function answers.
pub type Result<T> = std::result::Result<T, Error>;

/// An [`ApiError`] as server functions carry it; its JSON is the `ApiError`'s own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error(transparent)]
#[serde(transparent)]
pub struct Error(pub ApiError);

impl FromServerFnError for Error {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(cause: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as Cause;
        let error = match cause {
            Cause::Args(detail) | Cause::MissingArg(detail) => ApiError::new(
                ErrorKind::BadInput,
                format!("The request could not be read ({detail}). Nothing was changed."),
            )
            .with_remedy("Reload the page and try again."),
            Cause::Request(detail) => {
                ApiError::new(ErrorKind::Unavailable, format!("payhist did not answer ({detail})."))
                    .with_remedy("Reload the page to see how things stand, then try again.")
            }
            other => ApiError::new(
                ErrorKind::Internal,
                format!("payhist and this page do not understand each other ({other})."),
            )
            .with_remedy("Reload the page: it may be older than the server."),
        };
        Self(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_the_api_error_itself() {
        let error = ApiError::new(ErrorKind::Refused, "The plan is stale. Nothing was changed.")
            .with_remedy("Read the new plan.");
        let wire = Error(error.clone()).ser();
        assert_eq!(serde_json::from_slice::<ApiError>(&wire).unwrap(), error);
        assert_eq!(Error::de(wire), Error(error));
    }

    #[test]
    fn an_answer_that_is_not_ours_becomes_an_error_with_a_remedy() {
        let Error(error) = Error::de("<html>bad gateway</html>".into());
        assert_eq!(error.kind, ErrorKind::Internal);
        assert!(error.remedy.is_some());
    }
}
