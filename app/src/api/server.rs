//! What server functions share on the server: who asks, and which status the answer has.

use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;
use payhist_ops::auth::{Action, Permit};
use payhist_ops::{Ops, OpsError, Principal};
use payhist_types::error::{ApiError, ErrorKind, FieldError};
use payhist_types::operator::Permission;

use super::{Error, Result};

/// The use cases, and leave to take one of them. Errors: nobody is logged in; the role may not.
pub(super) fn authorise<A: Action>() -> Result<(Ops, Permit<A>)> {
    let permit = answer(principal()?.permit::<A>())?;
    Ok((expect_context::<Ops>(), permit))
}

/// Who is logged in. Errors: nobody.
pub(super) fn principal() -> Result<Principal> {
    let parts = use_context::<Parts>();
    parts.and_then(|parts| parts.extensions.get::<Principal>().cloned()).ok_or_else(|| {
        let error = ApiError::new(ErrorKind::LoginRequired, "The session has ended. Nothing was changed.");
        respond_with(error.with_remedy("Log in again."))
    })
}

/// May whoever looks at this page do that? The server decides again when it is done.
pub(crate) fn may(permission: Permission) -> bool {
    principal().is_ok_and(|principal| principal.may(permission))
}

/// Is whoever looks at this page the one whom the audit log calls so?
pub(crate) fn is_me(actor: &str) -> bool {
    principal().is_ok_and(|principal| actor == format!("operator {}", principal.operator().login))
}

/// The answer of an ops call as a page sees it; an error also sets the response's status.
pub(super) fn answer<T>(result: std::result::Result<T, OpsError>) -> Result<T> {
    result.map_err(|error| respond_with(error.into()))
}

/// An error of the request itself, with its status.
pub(super) fn respond_with(error: ApiError) -> Error {
    if let (Some(parts), Some(response), Ok(status)) =
        (use_context::<Parts>(), use_context::<ResponseOptions>(), StatusCode::from_u16(error.kind.http_status()))
        && !is_plain_form(&parts)
    {
        response.set_status(status);
    }
    Error(error)
}

/// A form posted without JavaScript is answered by a redirect to its page, which shows the error: its status stays.
fn is_plain_form(parts: &Parts) -> bool {
    let wants_html = parts
        .headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    parts.method == Method::POST && wants_html
}

/// What destroys data is confirmed by typing the history's name.
pub(super) fn confirmed(harmless: bool, typed: &str, history: &str) -> std::result::Result<(), ApiError> {
    if harmless || typed.trim() == history {
        return Ok(());
    }
    let message = format!("Type the history's name, {history}, to confirm.");
    let mut error = ApiError::new(ErrorKind::BadInput, "Not confirmed: the name does not match. Nothing was changed.");
    error.fields.push(FieldError { field: "confirm".to_owned(), message });
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_destroyed_without_the_name_typed() {
        for typed in ["", "payment", "PAYMENTS", "payments2"] {
            assert_eq!(confirmed(false, typed, "payments").unwrap_err().fields[0].field, "confirm", "{typed:?}");
        }
        assert!(confirmed(false, " payments ", "payments").is_ok());
        assert!(confirmed(true, "", "payments").is_ok());
    }
}
