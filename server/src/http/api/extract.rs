//! How requests are read: what is wrong is said by field, in the one error body.
//!
//! Invariant: a filter never fails to count in silence. A parameter that the document does not name, that is given twice, or
//! that is blank is refused: a mistyped name or an empty variable in a script would widen the answer to everybody's payments.

use super::Failure;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use moka::sync::Cache;
use payhist_ops::OpsError;
use payhist_types::error::{ApiError, ErrorKind, FieldError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::any::TypeId;
use std::sync::{Arc, LazyLock};
use utoipa::IntoParams;

/// Most kinds of queries: more than there are.
const KINDS_MAX: u64 = 1_000;

/// A query of the parameters that `T` documents.
pub(super) struct Query<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned + IntoParams + 'static> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        let text = parts.uri.query().unwrap_or_default();
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
        let known = names_of::<T>();
        let mut wrong = Vec::new();
        for (place, (name, value)) in pairs.iter().enumerate() {
            let message = if !known.iter().any(|known| known == name) {
                format!("there is no such parameter; there are {}", known.join(", "))
            } else if pairs[..place].iter().any(|(earlier, _)| earlier == name) {
                "it is given twice".to_owned()
            } else if value.is_empty() || value.trim() != value {
                "it is empty, or has blanks around it: leave it out, or give it without them".to_owned()
            } else {
                continue;
            };
            wrong.push(FieldError { field: name.clone().into_owned(), message });
        }
        if !wrong.is_empty() {
            return Err(bad_input(wrong));
        }
        serde_urlencoded::from_str(text)
            .map(Self)
            .map_err(|error| bad_input(vec![FieldError { field: "query".to_owned(), message: error.to_string() }]))
    }
}

/// What the document calls the parameters of `T`. Kept, since a description makes all of their words.
fn names_of<T: IntoParams + 'static>() -> Arc<[String]> {
    static NAMES: LazyLock<Cache<TypeId, Arc<[String]>>> = LazyLock::new(|| Cache::new(KINDS_MAX));
    let describe = || T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
    NAMES.get_with(TypeId::of::<T>(), describe)
}

/// The query of what asks for nothing but a history.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Which history; the default one when it is not given.
    #[serde(default)]
    #[param(required = false, pattern = "^[a-z][a-z0-9_]{0,31}$", example = "payments")]
    pub(super) history: String,
}

/// A part of the path.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(part)| Self(part))
            .map_err(|error| bad_input(vec![FieldError { field: "path".to_owned(), message: error.body_text() }]))
    }
}

/// A body of JSON, both ways.
pub(super) struct Json<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        axum::Json::from_request(request, state)
            .await
            .map(|axum::Json(body)| Self(body))
            .map_err(|error| bad_input(vec![FieldError { field: "body".to_owned(), message: error.body_text() }]))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => Written(body).into_response(),
            Err(error) => Failure::from(OpsError::Internal(error.to_string())).into_response(),
        }
    }
}

/// A body that is JSON already.
pub(super) struct Written(pub(super) Vec<u8>);

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// A form, whose fields are those of `T`; an empty one asks nothing, as browsers send it.
pub(super) struct Form<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Serialize + Default> FromRequest<S> for Form<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let wrong = |field: &str, message: String| bad_input(vec![FieldError { field: field.to_owned(), message }]);
        let axum::extract::RawForm(body) = axum::extract::RawForm::from_request(request, state)
            .await
            .map_err(|error| wrong("body", error.body_text()))?;
        let known = serde_json::to_value(T::default()).map_err(|error| wrong("body", error.to_string()))?;
        let pairs: Vec<_> = form_urlencoded::parse(&body).collect();
        for (place, (name, _)) in pairs.iter().enumerate() {
            if known.get(name.as_ref()).is_none() {
                return Err(wrong(name, "there is no such field".to_owned()));
            }
            if pairs[..place].iter().any(|(earlier, _)| earlier == name) {
                return Err(wrong(name, "it is given twice".to_owned()));
            }
        }
        serde_urlencoded::from_bytes(&body).map(Self).map_err(|error| wrong("body", error.to_string()))
    }
}

fn bad_input(fields: Vec<FieldError>) -> Failure {
    let mut error = ApiError::new(ErrorKind::BadInput, "Some of the input cannot be used. Nothing was changed.");
    error.fields = fields;
    Failure(error)
}
